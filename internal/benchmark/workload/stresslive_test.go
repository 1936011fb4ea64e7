package workload

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	synap "github.com/synapdb/synap/client"
	"github.com/synapdb/synap/internal/assembly"
	"github.com/synapdb/synap/internal/benchmark/load"
	"github.com/synapdb/synap/internal/benchmark/result"
	"github.com/synapdb/synap/internal/benchmark/target"
	"github.com/synapdb/synap/internal/config"
)

// live starts a real server in this process, and is a target for it.
func live(t *testing.T) (s *target.Synap, end func() error) {
	t.Helper()
	l, err := config.Load(config.Sources{Environ: []string{}, Flags: map[string]string{
		"server.host": "127.0.0.1", "server.port": "0", "server.resp_port": "0",
		"kv_store.shards": "4", "server.loops": "2", "persistence.level": "memory"}})
	if err != nil {
		t.Fatal(err)
	}
	in, err := assembly.Open(&l.Config, assembly.Build{Version: "1", Commit: "test"},
		slog.New(slog.DiscardHandler), new(slog.LevelVar))
	if err != nil {
		t.Fatal(err)
	}
	if err := in.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	s, err = target.NewSynap(fmt.Sprintf("http://127.0.0.1:%d", in.HTTPPort()), os.Getpid(),
		synap.WithTimeout(0))
	if err != nil {
		t.Fatal(err)
	}
	return s, func() error {
		if err := s.Close(); err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		return in.Close(ctx)
	}
}

func TestSoakOfARealServer(t *testing.T) {
	s, end := live(t)
	defer func() {
		if err := end(); err != nil {
			t.Error(err)
		}
	}()
	const queue, idle = "soak", 40
	err := s.Prepare(t.Context(), target.Queues, []string{queue}, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	p := SoakParams{KV: KVParams{ReadRatio: 0.5, KeySize: 20, ValueSize: 64, Keyspace: 1000},
		Queue: QueueParams{Workers: 2, Size: 64}, KVRate: 2000, QueueRate: 1000, Idle: idle,
		Plan: load.Plan{Connections: 5, Pipeline: 8, Duration: time.Second, Seed: 1}}
	p.Queue.Priority, _ = ParsePriorityDist("uniform") // it is one
	if err := p.Check(); err != nil {
		t.Fatal(err)
	}
	run, err := Soak(t.Context(), Soaking{Server: s, Queue: queue,
		Options: func(_ string, kinds []string) load.Options {
			return load.Options{Kinds: kinds}
		}}, p)
	if err != nil || run.Faults.Any() {
		t.Fatalf("%v, %+v", err, run.Faults)
	}
	done := map[string]int64{}
	for _, test := range run.Tests {
		if done[test.Name] = test.Operations; test.Errors > 0 {
			t.Errorf("%s: %d errors", test.Name, test.Errors)
		}
	}
	if done["GET"] == 0 || done["SET"] == 0 || done["publish"] == 0 ||
		done["delivery"] != done["publish"] || done["ack"] != done["publish"] {
		t.Errorf("operations: %v", done)
	}
	var names []string
	for _, c := range run.Checks {
		names = append(names, c.Name)
		if strings.HasPrefix(c.Name, "idle") && (!c.OK || c.Value != idle) {
			t.Errorf("%+v", c)
		}
		if c.Name == "memory slope" && !c.Skipped {
			t.Errorf("a second says nothing of memory, but %+v", c)
		}
	}
	if got := strings.Join(names, ","); got !=
		"rate kept,rate kept,idle connections still open,memory slope" {
		t.Errorf("checks: %s", got)
	}
}

func TestResourcesOfARealServer(t *testing.T) {
	a := Amounts{Keys: 2000, Messages: 500, Rooms: 50, EventRooms: 5, Events: 2000,
		Connections: 20}
	started, ended := 0, 0
	checks, err := Resources(t.Context(), func(context.Context) (target.Server, func() error,
		error,
	) {
		started++
		s, end := live(t)
		return s, func() error { ended++; return end() }, nil
	}, a, func(string) {})
	if err != nil || started != len(resources) || ended != started {
		t.Fatalf("%d started, %d ended, %v", started, ended, err)
	}
	for _, c := range checks {
		if c.Skipped != (c.Name == "concurrent connections") || c.Want == "" {
			t.Errorf("%+v", c)
		}
	}
	checks, err = Resources(t.Context(), nil, a, nil)
	for _, c := range checks {
		if !c.Skipped || !strings.HasPrefix(c.Got, "not measured: ") {
			t.Errorf("without a server: %+v", c)
		}
	}
	if err != nil || len(checks) != len(resources)+2 {
		t.Errorf("%d checks, %v", len(checks), err)
	}
}

func TestCountScanAndSubscribeOnARealServer(t *testing.T) {
	s, end := live(t)
	defer func() {
		if err := end(); err != nil {
			t.Error(err)
		}
	}()
	ctx := t.Context()
	if err := s.Prepare(ctx, target.Rooms, []string{"room"}, 0); err != nil {
		t.Fatal(err)
	}
	p, err := s.Publisher(ctx, target.Rooms)
	if err == nil {
		err = p.Publish(ctx, []target.Post{{Name: "room", Payload: []byte("first")}})
	}
	if err != nil || p.Close() != nil {
		t.Fatal(err)
	}
	faults := new(Faults)
	for _, c := range []struct {
		kinds []string
		open  func(ctx context.Context, i int) (load.Work, error)
	}{
		{CountKinds, func(ctx context.Context, i int) (load.Work, error) {
			return OpenCount(ctx, s, faults, i)
		}},
		{ScanKinds, func(ctx context.Context, i int) (load.Work, error) {
			return OpenScan(ctx, s, faults, 1, i, 3)
		}},
		{SubscribeKinds, func(_ context.Context, i int) (load.Work, error) {
			return OpenSubscribe(s, "room", i), nil
		}},
	} {
		tests, err := load.Run(ctx, load.Plan{Connections: 3, Pipeline: 4, Operations: 60},
			load.Options{Kinds: c.kinds, Open: c.open})
		if err != nil || len(tests) != 1 || tests[0].Operations != 60 || tests[0].Errors != 0 {
			t.Errorf("%v: %+v, %v", c.kinds, tests, err)
		}
	}
	if found := faults.Found(); found.Any() {
		t.Errorf("%+v", found)
	}
	for names := range TableKeys(3) {
		if err := s.Remove(ctx, target.Keys, names); err != nil {
			t.Fatal(err)
		}
	}
	c, err := synap.New(synap.WithURL(about(t, s).URL))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for key, err := range c.KV.Scan(ctx, "") {
		t.Errorf("%s is left, %v", key, err)
	}
}

func about(t *testing.T, s *target.Synap) result.Server {
	t.Helper()
	a, err := s.About(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestThisProcessHasSeats(t *testing.T) {
	all, err := FreeSeats(os.Getpid(), 0)
	if err != nil || all.Free <= 0 || !strings.Contains(all.Hint, "files open") {
		t.Fatalf("%+v, %v", all, err)
	}
	fewer, err := FreeSeats(os.Getpid(), 10)
	if err != nil || all.Free-fewer.Free < 5 || all.Free-fewer.Free > 15 {
		t.Errorf("%d and %d fit, %v", all.Free, fewer.Free, err)
	}
	if none, err := FreeSeats(0, 1<<30); err != nil || none.Free != 0 {
		t.Errorf("%+v, %v", none, err)
	}
}

package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	synap "github.com/synapdb/synap/client"
	"github.com/synapdb/synap/internal/benchmark/load"
	"github.com/synapdb/synap/internal/benchmark/result"
	"github.com/synapdb/synap/internal/benchmark/target"
	"github.com/synapdb/synap/internal/benchmark/workload"
)

// benchmark runs the program in this process.
func benchmark(ctx context.Context, args ...string) (code int, out, err string) {
	var o, e bytes.Buffer
	a := &app{build: Build{Version: "1.2.3", Commit: "abc"}, out: &o, err: &e}
	code = a.main(ctx, args)
	return code, o.String(), e.String()
}

// decodeReport reads what --json printed.
func decodeReport(t *testing.T, text string) result.Report {
	t.Helper()
	var r result.Report
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		t.Fatalf("%v in %.200q", err, text)
	}
	return r
}

// percentile is the least of values that so many percent do not exceed.
func percentile(values []time.Duration, p float64) time.Duration {
	sorted := slices.Sorted(slices.Values(values))
	rank := int(math.Ceil(p / 100 * float64(len(sorted))))
	return sorted[min(max(rank, 1), len(sorted))-1]
}

func within(t *testing.T, what string, gotMicros float64, want time.Duration, part float64) {
	t.Helper()
	got := time.Duration(gotMicros * float64(time.Microsecond))
	if math.Abs(float64(got-want)) > float64(want)*part {
		t.Errorf("%s is %v, but %v was injected: not within %g %%", what, got, want, part*100)
	}
}

// injected are distributions of delays, by the number of the operation.
var injected = []struct {
	name           string
	delay          func(n int) time.Duration
	p50, p99, p999 time.Duration
}{
	{"constant", func(int) time.Duration { return 8 * time.Second },
		8 * time.Second, 8 * time.Second, 8 * time.Second},
	{"bimodal with a tail", func(n int) time.Duration {
		switch {
		case n%500 == 7:
			return 10 * time.Second
		case n%20 == 3:
			return 7 * time.Second
		}
		return 4 * time.Second
	}, 4 * time.Second, 7 * time.Second, 10 * time.Second},
}

// With a clock that only tests have, all of the way from the client's call to the server and back
// takes no time, except what is injected: every percentile is what it must be, on any machine.
func TestPercentilesAreThoseThatWereInjected(t *testing.T) {
	for _, c := range injected {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := (&stub{answerAt: func(n int, came time.Time) time.Time {
					return came.Add(c.delay(n) / 1000)
				}}).serve(t, newPipes())
				test := measure(t, s, nil, load.Plan{Connections: 20, Pipeline: 1,
					Operations: 20_000})
				within(t, "p50", test.Latency.P50, c.p50/1000, 0.01)
				within(t, "p99", test.Latency.P99, c.p99/1000, 0.01)
				within(t, "p99.9", test.Latency.P999, c.p999/1000, 0.01)
			})
		})
	}
}

// The whole program over TCP. Delays are so long that what a machine adds is less than a hundredth
// of them; how much more a busy one adds is watched meanwhile, and allowed for.
func TestPercentilesOfTheProgramOverTCP(t *testing.T) {
	for _, c := range injected {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := (&stub{answerAt: func(n int, came time.Time) time.Time {
				return came.Add(c.delay(n))
			}}).serve(t, nil)
			late := watchLateness(t)
			// One operation for each connection, one every two milliseconds.
			code, out, errors := benchmark(t.Context(), "kv", "--url", s.url(), "--json", "--keep",
				"-n", "1000", "-c", "1000", "--rate", "500", "--read-ratio", "1")
			if code != ExitOK {
				t.Fatalf("exit code %d: %s", code, errors)
			}
			// Client and server wait for their turn to send, to read, to answer, to be answered.
			slack := 4 * late()
			test := decodeReport(t, out).Runs[0].Tests[0]
			if test.Name != "GET" || test.Operations != 1000 || !test.Corrected {
				t.Errorf("%s, %d operations, corrected: %v", test.Name, test.Operations,
					test.Corrected)
			}
			part := func(of time.Duration) float64 { return 0.01 + float64(slack)/float64(of) }
			within(t, "p50", test.Latency.P50, c.p50, part(c.p50))
			within(t, "p99", test.Latency.P99, c.p99, part(c.p99))
			within(t, "p99.9", test.Latency.P999, c.p999, part(c.p999))
		})
	}
}

// watchLateness sees how late timers are until late is called, which returns the worst.
func watchLateness(t *testing.T) (late func() time.Duration) {
	quit, worst := make(chan struct{}), make(chan time.Duration)
	go func() {
		most, due := time.Duration(0), time.Now()
		for {
			due = due.Add(2 * time.Millisecond)
			select {
			case <-quit:
				worst <- most
				return
			case <-time.After(time.Until(due)):
				most = max(most, time.Since(due))
				due = time.Now()
			}
		}
	}()
	return func() time.Duration {
		close(quit)
		most := <-worst
		if most > 20*time.Millisecond {
			t.Logf("this machine was busy: timers came up to %v late", most)
		}
		return most
	}
}

// measure loads a stub with reads through the real client. around changes the server, nil = not.
func measure(
	t *testing.T, s *stub, around func(target.Server) target.Server, p load.Plan,
) result.Test {
	t.Helper()
	var server target.Server
	server, err := target.NewSynap(s.url(), 0, synap.WithDialer(s.dial))
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	if around != nil {
		server = around(server)
	}
	params := workload.KVParams{ReadRatio: 1, KeySize: 20, ValueSize: 100, Keyspace: 100}
	shared := workload.NewKVRun(server, params, new(workload.Faults), 1)
	tests, err := load.Run(t.Context(), p, load.Options{Kinds: workload.KVKinds,
		Open: func(ctx context.Context, i int) (load.Work, error) {
			return shared.Open(ctx, i, p.Connections)
		}})
	if err != nil || len(tests) != 1 {
		t.Fatalf("%d tests, %v", len(tests), err)
	}
	s.end()
	return tests[0]
}

// A server that stalls for a second, at a rate that goes on meanwhile: what counts is how long
// every operation took from when it was due. Whoever begins only when the last answer is there,
// and counts from then, sees almost nothing of the stall.
func TestAStallIsSeenWhole(t *testing.T) {
	const (
		connections, rate = 20, 2000
		service           = 5 * time.Millisecond
		length            = 20 * time.Second
		stallFrom         = 5 * time.Second
		stallTo           = 6 * time.Second
	)
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		s := (&stub{answerAt: func(_ int, came time.Time) time.Time {
			at := came.Add(service)
			if at.After(begun.Add(stallFrom)) && at.Before(begun.Add(stallTo)) {
				at = begun.Add(stallTo)
			}
			return at
		}}).serve(t, newPipes())
		naive := new(stopwatch)
		test := measure(t, s, func(real target.Server) target.Server {
			naive.Server = real
			return naive
		}, load.Plan{Connections: connections, Pipeline: 1, Duration: length, Rate: rate})
		truth := stalled(connections, rate, service, length, stallFrom, stallTo)
		within(t, "p90", test.Latency.P90, percentile(truth, 90), 0.05)
		within(t, "p95", test.Latency.P95, percentile(truth, 95), 0.05)
		within(t, "p99", test.Latency.P99, percentile(truth, 99), 0.05)
		within(t, "p99.9", test.Latency.P999, percentile(truth, 99.9), 0.05)
		if n := test.Operations; math.Abs(float64(n)-float64(len(truth))) > connections {
			t.Errorf("%d operations, %d were due", n, len(truth))
		}
		wrong, right := percentile(naive.took, 99), percentile(truth, 99)
		if wrong > right/4 {
			t.Errorf("without correction p99 is %v of %v: this shows nothing", wrong, right)
		}
	})
}

// stalled computes the latencies of such a run, counted from when each operation was due: one after
// the other on each connection.
func stalled(
	connections, rate int, service, length, from, to time.Duration,
) (latencies []time.Duration) {
	distance := time.Duration(connections) * time.Second / time.Duration(rate)
	for i := range connections {
		free := time.Duration(0) // when the connection is
		for due := distance * time.Duration(i) / time.Duration(connections); due <
			length && free < length; due += distance {
			answered := max(due, free) + service
			if answered > from && answered < to {
				answered = to
			}
			latencies, free = append(latencies, answered-due), answered
		}
	}
	return latencies
}

// stopwatch measures as is usual: from beginning an operation until its answer.
type stopwatch struct {
	target.Server
	mu   sync.Mutex
	took []time.Duration
}

func (s *stopwatch) KV(ctx context.Context) (target.KV, error) {
	kv, err := s.Server.KV(ctx)
	return &stoppedKV{kv, s}, err
}

type stoppedKV struct {
	target.KV
	watch *stopwatch
}

func (k *stoppedKV) Exec(ctx context.Context, ops []target.Op) error {
	begun := time.Now()
	err := k.KV.Exec(ctx, ops)
	k.watch.mu.Lock()
	defer k.watch.mu.Unlock()
	k.watch.took = append(k.watch.took, time.Since(begun))
	return err
}

// Package broadcast lets the benchmark's workloads of rooms and topics judge a server that runs,
// over each of its doors.
package broadcast

import (
	"maps"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/synapdb/synap/internal/benchmark/load"
	"github.com/synapdb/synap/internal/benchmark/result"
	"github.com/synapdb/synap/internal/benchmark/target"
	"github.com/synapdb/synap/internal/benchmark/workload"
	"github.com/synapdb/synap/test/harness"
)

// doors are the URLs of a server, by protocol.
func doors(s *harness.Server) map[string]string {
	return map[string]string{"http": "http://" + s.HTTP, "ws": "ws://" + s.HTTP,
		"resp": "resp://" + s.RESP}
}

// judge runs a workload and returns how often what was measured happened, and what was noted.
func judge(t *testing.T, at string, p workload.BroadcastParams, plan load.Plan) (
	figures map[string]int64, notes []string,
) {
	t.Helper()
	server, err := target.NewSynap(at, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	}()
	if p.Space == target.Rooms {
		if err := server.Prepare(t.Context(), p.Space, p.Names, 0); err != nil {
			t.Fatal(err)
		}
	}
	faults := new(workload.Faults)
	b := workload.NewBroadcast(server, p, plan, faults,
		func(_ string, kinds []string) load.Options { return load.Options{Kinds: kinds} })
	tests, notes, err := b.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if found := faults.Found(); found.Any() {
		t.Errorf("%+v", found)
	}
	if p.Space == target.Rooms {
		if err := server.Remove(t.Context(), p.Space, p.Names); err != nil {
			t.Error(err)
		}
	}
	return count(tests), notes
}

func count(tests []result.Test) map[string]int64 {
	figures := map[string]int64{}
	for _, test := range tests {
		figures[test.Name] = test.Operations
	}
	return figures
}

func same(t *testing.T, got, want map[string]int64) {
	t.Helper()
	if !maps.Equal(got, want) {
		t.Errorf("measured %v, want %v", got, want)
	}
}

func TestEverybodyInARoomGetsAllOfIt(t *testing.T) {
	defer goleak.VerifyNone(t)
	s := harness.Start(t)
	for name, at := range doors(s) {
		for kind, plan := range map[string]load.Plan{
			"closed": {Connections: 3, Pipeline: 8, Operations: 900},
			"open":   {Connections: 3, Pipeline: 8, Operations: 900, Rate: 5000},
		} {
			t.Run(name+" "+kind, func(t *testing.T) {
				p := workload.StreamParams{Rooms: 3, Subscribers: 5, Size: 100, Window: 100,
					Replay: true}
				got, _ := judge(t, at, p.Broadcast("room-"+name+kind), plan)
				// 300 events and a mark in each room, to 5 in each.
				same(t, got, map[string]int64{"subscribe": 15, "publish": 900, "delivery": 4500,
					"fanout": 900, "replay": 301 * 15, "catch-up": 15})
			})
		}
	}
	s.Stop(t)
}

func TestTopicsReachWhomTheyMust(t *testing.T) {
	defer goleak.VerifyNone(t)
	s := harness.Start(t)
	for name, at := range doors(s) {
		t.Run(name, func(t *testing.T) {
			p := workload.PubSubParams{Topics: 20, Subscribers: 100, WildcardRatio: 0.2, Fanout: 3,
				Size: 60, Window: 100}
			got, _ := judge(t, at, p.Broadcast("topic-"+name),
				load.Plan{Connections: 3, Pipeline: 8, Operations: 1000})
			same(t, got, map[string]int64{"subscribe": 100, "publish": 1000, "delivery": 3000,
				"fanout": 1000})
		})
	}
	s.Stop(t)
}

// A room that keeps fewer events than were published has a shorter history, which is said.
func TestBoundsOfARoomShortenItsHistory(t *testing.T) {
	t.Setenv("SYNAP_STREAM_MAX_EVENTS", "50")
	s := harness.Start(t)
	for name, at := range doors(s) {
		t.Run(name, func(t *testing.T) {
			p := workload.StreamParams{Rooms: 1, Subscribers: 2, Size: 100, Window: 10,
				Replay: true}
			got, notes := judge(t, at, p.Broadcast("bound-"+name),
				load.Plan{Connections: 1, Pipeline: 1, Operations: 20_000})
			if n := got["replay"]; n == 0 || n >= 2*20_001 || got["delivery"] != 40_000 {
				t.Errorf("measured %v", got)
			}
			text := strings.Join(notes, "\n")
			if !strings.Contains(text, "histories were shorter") {
				t.Errorf("the notes don't say that histories are shorter: %s", text)
			}
		})
	}
}

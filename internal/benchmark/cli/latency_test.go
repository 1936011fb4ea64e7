package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

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

// The delays are so long that a hundredth of them is more than a busy machine adds.
func TestPercentilesAreThoseThatWereInjected(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
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
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := (&stub{answerAt: func(n int, came time.Time) time.Time {
				return came.Add(c.delay(n))
			}}).serve(t)
			// One operation for each connection, two a millisecond or so.
			code, out, errors := benchmark(t.Context(), "kv", "--url", s.url(), "--json", "--keep",
				"-n", "1000", "-c", "1000", "--rate", "500", "--read-ratio", "1")
			if code != ExitOK {
				t.Fatalf("exit code %d: %s", code, errors)
			}
			test := decodeReport(t, out).Runs[0].Tests[0]
			if test.Name != "GET" || test.Operations != 1000 || !test.Corrected {
				t.Errorf("%s, %d operations, corrected: %v", test.Name, test.Operations,
					test.Corrected)
			}
			within(t, "p50", test.Latency.P50, c.p50, 0.01)
			within(t, "p99", test.Latency.P99, c.p99, 0.01)
			within(t, "p99.9", test.Latency.P999, c.p999, 0.01)
		})
	}
}

// A server that stalls for a second, at a rate that goes on meanwhile: what counts is how long
// every operation took from when it was due. Whoever begins only when the last answer is there,
// and counts from then, sees almost nothing of the stall.
func TestAStallIsSeenWhole(t *testing.T) {
	t.Parallel()
	const (
		connections, rate = 20, 200
		service           = 20 * time.Millisecond
		length            = 5 * time.Second
		stallFrom         = 2 * time.Second
		stallTo           = 3 * time.Second
	)
	var first time.Time
	var once sync.Once
	s := (&stub{answerAt: func(_ int, came time.Time) time.Time {
		once.Do(func() { first = came })
		at := came.Add(service)
		if at.After(first.Add(stallFrom)) && at.Before(first.Add(stallTo)) {
			at = first.Add(stallTo)
		}
		return at
	}}).serve(t)
	real, err := target.NewSynap(s.url(), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer real.Close()
	naive := &stopwatch{Server: real}
	p := workload.KVParams{ReadRatio: 1, KeySize: 20, ValueSize: 100, Keyspace: 100}
	tests, err := load.Run(t.Context(), load.Plan{Connections: connections, Pipeline: 1,
		Duration: length, Rate: rate}, load.Options{Kinds: workload.KVKinds,
		Open: func(ctx context.Context, i int) (load.Work, error) {
			return workload.OpenKV(ctx, naive, p, new(workload.Faults), 1, i, connections)
		}})
	if err != nil {
		t.Fatal(err)
	}
	truth := stalled(connections, rate, service, length, stallFrom, stallTo)
	for _, q := range []float64{90, 95, 99} {
		l := tests[0].Latency
		got := map[float64]float64{90: l.P90, 95: l.P95, 99: l.P99}[q]
		within(t, "p"+strconv.FormatFloat(q, 'f', -1, 64), got, percentile(truth, q), 0.05)
	}
	if n := tests[0].Operations; math.Abs(float64(n)-float64(len(truth))) > 0.02*float64(n) {
		t.Errorf("%d operations, %d were due", n, len(truth))
	}
	if wrong, right := percentile(naive.took, 95), percentile(truth, 95); wrong > right/4 {
		t.Errorf("without correction p95 is %v of %v: this test shows nothing", wrong, right)
	}
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

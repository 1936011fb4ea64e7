package workload_test

import (
	"context"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/synapdb/synap/internal/benchmark/load"
	"github.com/synapdb/synap/internal/benchmark/result"
	"github.com/synapdb/synap/internal/benchmark/target"
	"github.com/synapdb/synap/internal/benchmark/workload"
)

// shelf is a server of keys in memory. One connection uses it.
type shelf struct {
	*town
	values map[string][]byte
	sets   int
	// forget says which writes, by when they came, are confirmed and lost.
	forget func(nth int) bool
}

func (s *shelf) KV(context.Context) (target.KV, error) { return s, nil }
func (*shelf) Close() error                            { return nil }

func (s *shelf) Exec(_ context.Context, ops []target.Op) error {
	for i := range ops {
		o := &ops[i]
		o.Err, o.Done = nil, time.Now()
		if o.Kind == target.Get {
			o.Answer, o.Found = s.values[string(o.Key)]
			continue
		}
		if s.sets++; s.forget == nil || !s.forget(s.sets) {
			s.values[string(o.Key)] = slices.Clone(o.Value)
		} else {
			delete(s.values, string(o.Key))
		}
	}
	return nil
}

// keyRun loads a shelf.
func keyRun(t *testing.T, s *shelf) result.Faults {
	t.Helper()
	s.values = map[string][]byte{}
	faults := new(workload.Faults)
	run := workload.NewKVRun(s, workload.KVParams{ReadRatio: 0.5, KeySize: 20, ValueSize: 40,
		Keyspace: 50}, faults, 1)
	if _, err := load.Run(t.Context(), load.Plan{Connections: 1, Pipeline: 5, Operations: 2000},
		load.Options{Kinds: workload.KVKinds,
			Open: func(ctx context.Context, i int) (load.Work, error) {
				return run.Open(ctx, i, 1)
			}}); err != nil {
		t.Fatal(err)
	}
	return faults.Found()
}

func TestAKeyThatWasStoredMustBeFound(t *testing.T) {
	if faults := keyRun(t, &shelf{}); faults.Any() {
		t.Errorf("a server that loses nothing has faults: %+v", faults)
	}
	forgetful := &shelf{forget: func(nth int) bool { return nth%40 == 0 }}
	if faults := keyRun(t, forgetful); faults.Lost == 0 {
		t.Errorf("nobody missed the writes that were lost: %+v", faults)
	}
}

func TestParametersOfKeysThatMeanNothingAreRefused(t *testing.T) {
	good := workload.KVParams{ReadRatio: 0.5, KeySize: 20, ValueSize: 40, Keyspace: 50}
	if err := good.Check(); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*workload.KVParams){
		"no ratio":     func(p *workload.KVParams) { p.ReadRatio = math.NaN() },
		"large ratio":  func(p *workload.KVParams) { p.ReadRatio = 1.1 },
		"short key":    func(p *workload.KVParams) { p.KeySize = 1 },
		"huge key":     func(p *workload.KVParams) { p.KeySize = 1 << 40 },
		"huge value":   func(p *workload.KVParams) { p.ValueSize = 1 << 40 },
		"no keys":      func(p *workload.KVParams) { p.Keyspace = 0 },
		"too few keys": func(p *workload.KVParams) { p.KeySize, p.Keyspace = 8, 1000 },
	} {
		p := good
		if change(&p); p.Check() == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

package workload

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"time"

	"github.com/synapdb/synap/internal/benchmark/load"
	"github.com/synapdb/synap/internal/benchmark/target"
)

// The names of the tests of counting and scanning.
var (
	CountKinds     = []string{"INCR"}
	ScanKinds      = []string{"SCAN"}
	SubscribeKinds = []string{"subscribe"}
)

const (
	countPrefix = "bench:n:" // of the keys that are counted up, one for each connection
	scanPrefix  = "bench:s:" // of the keys that are scanned: a group's number, then one of its own
	// scanGroup is how many keys a scan reads, scanGroups how many such groups there are.
	scanGroup  = 100
	scanGroups = 1000
)

// countWork is a connection that counts up a key of its own.
type countWork struct {
	conn   target.KV
	faults *Faults
	key    []byte
	ops    []target.Op
	sum    int64
	known  bool // whether sum is what the key holds
}

// OpenCount makes the Work of connection i.
func OpenCount(ctx context.Context, s target.Server, faults *Faults, i int) (load.Work, error) {
	conn, err := s.KV(ctx)
	if err != nil {
		return nil, err
	}
	return &countWork{conn: conn, faults: faults, key: fmt.Appendf(nil, "%s%d", countPrefix, i)},
		nil
}

func (w *countWork) Close() error { return w.conn.Close() }

// Do is part of load.Work.
func (w *countWork) Do(ctx context.Context, n int, r *load.Recorder) error {
	for len(w.ops) < n {
		w.ops = append(w.ops, target.Op{Kind: target.Incr, Key: w.key})
	}
	ops := w.ops[:n]
	if err := w.conn.Exec(ctx, ops); err != nil {
		return err
	}
	for i := range ops {
		op := &ops[i]
		r.Record(i, 0, op.Done, len(op.Key), op.Err)
		switch {
		case op.Err != nil:
			w.faults.Unexpected(fmt.Sprintf("INCR %s: %v", op.Key, op.Err))
			w.known = false
			continue
		case w.known && op.Number <= w.sum:
			w.faults.Lost(w.sum+1-op.Number, fmt.Sprintf("INCR %s went from %d to %d", op.Key,
				w.sum, op.Number))
		case w.known && op.Number != w.sum+1:
			w.faults.Unexpected(fmt.Sprintf("INCR %s went from %d to %d", op.Key, w.sum,
				op.Number))
		}
		w.sum, w.known = op.Number, true
	}
	return nil
}

// scanWork is a connection that reads groups of keys by what they begin with.
type scanWork struct {
	conn   target.KV
	faults *Faults
	random *rand.Rand
	ops    []target.Op
}

// OpenScan makes the Work of connection i of n, and writes its part of the keys.
func OpenScan(
	ctx context.Context, s target.Server, faults *Faults, seed uint64, i, n int,
) (load.Work, error) {
	conn, err := s.KV(ctx)
	if err != nil {
		return nil, err
	}
	w := &scanWork{conn: conn, faults: faults,
		random: rand.New(rand.NewPCG(seed, uint64(i)))} //nolint:gosec // no secrets
	for group := i; group < scanGroups; group += n {
		batch := make([]target.Op, scanGroup)
		for j := range batch {
			batch[j] = target.Op{Kind: target.Set, Value: []byte("x"),
				Key: fmt.Appendf(nil, "%s%04d:%02d", scanPrefix, group, j)}
		}
		err := conn.Exec(ctx, batch)
		for j := range batch {
			if err == nil {
				err = batch[j].Err
			}
		}
		if err != nil {
			_ = conn.Close() // of no use
			return nil, err
		}
	}
	return w, nil
}

func (w *scanWork) Close() error { return w.conn.Close() }

// Do is part of load.Work.
func (w *scanWork) Do(ctx context.Context, n int, r *load.Recorder) error {
	for len(w.ops) < n {
		w.ops = append(w.ops, target.Op{Kind: target.Scan, Limit: scanGroup})
	}
	ops := w.ops[:n]
	for i := range ops {
		ops[i].Key = fmt.Appendf(ops[i].Key[:0], "%s%04d:", scanPrefix,
			w.random.IntN(scanGroups))
	}
	if err := w.conn.Exec(ctx, ops); err != nil {
		return err
	}
	for i := range ops {
		op := &ops[i]
		r.Record(i, 0, op.Done, int(op.Number)*(len(op.Key)+2), op.Err)
		if op.Err != nil {
			w.faults.Unexpected(fmt.Sprintf("SCAN %s: %v", op.Key, op.Err))
		} else if op.Number != scanGroup {
			w.faults.Unexpected(fmt.Sprintf("SCAN %s found %d keys of %d", op.Key, op.Number,
				scanGroup))
		}
	}
	return nil
}

// TableKeys are the names of all keys that OpenCount and OpenScan write, for so many connections,
// in slices.
func TableKeys(connections int) iter.Seq[[]string] {
	return func(yield func([]string) bool) {
		var names []string
		for i := range connections {
			names = append(names, fmt.Sprintf("%s%d", countPrefix, i))
		}
		for group := range scanGroups {
			for j := range scanGroup {
				names = append(names, fmt.Sprintf("%s%04d:%02d", scanPrefix, group, j))
			}
			if !yield(names) {
				return
			}
			names = nil
		}
	}
}

// OpenSubscribe makes a Work that subscribes to a room, waits for its first event, and ends. The
// room must have one.
func OpenSubscribe(s target.Server, room string, i int) load.Work {
	return workFunc(func(ctx context.Context, n int, r *load.Recorder) error {
		for j := range n {
			begun := time.Now()
			sub, err := s.Subscriber(ctx, target.Rooms, target.Subscription{
				Names: []string{room}, Replay: true, ID: fmt.Sprintf("bench-%d", i)})
			if err != nil {
				return err
			}
			e, err := sub.Next(ctx)
			if err == nil {
				r.RecordLatency(0, time.Since(begun), len(e.Payload), nil)
			}
			_ = sub.Close() // it has done its work
			if err != nil {
				return fmt.Errorf("subscription %d: %w", j, err)
			}
		}
		return nil
	})
}

package workload

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"

	"github.com/synapdb/synap/internal/benchmark/load"
	"github.com/synapdb/synap/internal/benchmark/target"
)

// A value of the soak says who wrote it: key, version and run, as 16 hex digits each, then
// letters. So a connection can tell that it reads what it wrote last.
const (
	versionAt   = 16
	runAt       = 32
	leastOwn    = 48      // bytes of a value
	ledgerKeys  = 1 << 16 // so many keys of a connection are watched; the others are only loaded
	fillAtOnce  = 128     // keys, before the run
	soakPrefix  = "soak::"
	unknownWhat = ^uint32(0) // the version of a key whose last write failed
)

// ownKV is one connection: it alone writes a part of the keys, and knows what must be there.
type ownKV struct {
	params   KVParams
	conn     target.KV
	faults   *Faults
	random   *rand.Rand
	run      uint64
	first    int64    // its keys, of which there are count
	count    int64    //
	versions []uint32 // of its first keys; 0 = not written yet
	ops      []target.Op
	keys     []int64  // of ops, counted from first
	expected []uint32 // of ops that read: the version then; of ops that write: theirs
}

// openOwn makes the Work of connection i of n, and writes all its keys once, so that memory does
// not grow later because of them.
func openOwn(
	ctx context.Context, s target.Server, p KVParams, faults *Faults, seed uint64, i, n int,
) (*ownKV, error) {
	conn, err := s.KV(ctx)
	if err != nil {
		return nil, err
	}
	first, end := p.Keyspace*int64(i)/int64(n), p.Keyspace*int64(i+1)/int64(n)
	w := &ownKV{params: p, conn: conn, faults: faults, run: seed, first: first,
		count:  max(1, end-first),
		random: rand.New(rand.NewPCG(seed, uint64(i)))} //nolint:gosec // keys, no secrets
	w.versions = make([]uint32, min(w.count, ledgerKeys))
	for key := int64(0); key < w.count; key += fillAtOnce {
		batch := w.take(int(min(fillAtOnce, w.count-key)))
		for j := range batch {
			w.write(j, key+int64(j))
		}
		if err := w.exec(ctx, batch, nil); err != nil {
			_ = conn.Close() // of no use
			return nil, err
		}
	}
	return w, nil
}

func (w *ownKV) Close() error { return w.conn.Close() }

// take is room for n operations.
func (w *ownKV) take(n int) []target.Op {
	for len(w.ops) < n {
		value := bytes.Repeat([]byte{'.'}, max(leastOwn, w.params.ValueSize))
		w.ops = append(w.ops, target.Op{Key: make([]byte, w.params.KeySize), Value: value})
		w.keys, w.expected = append(w.keys, 0), append(w.expected, 0)
	}
	return w.ops[:n]
}

// Do is part of load.Work.
func (w *ownKV) Do(ctx context.Context, n int, r *load.Recorder) error {
	ops := w.take(n)
	for i := range ops {
		key := w.random.Int64N(w.count)
		if w.random.Float64() >= w.params.ReadRatio {
			w.write(i, key)
			continue
		}
		w.name(i, key)
		ops[i].Kind, w.expected[i] = target.Get, 0
		if key < int64(len(w.versions)) {
			w.expected[i] = w.versions[key]
		}
	}
	return w.exec(ctx, ops, r)
}

func (w *ownKV) name(i int, key int64) {
	w.keys[i] = key
	fillKey(w.ops[i].Key, w.first+key)
	copy(w.ops[i].Key, soakPrefix)
}

// write makes the i-th operation store the next version of a key.
func (w *ownKV) write(i int, key int64) {
	w.name(i, key)
	version := uint32(1)
	if key < int64(len(w.versions)) {
		if version = w.versions[key] + 1; version >= unknownWhat-1 {
			version = 1
		}
		w.versions[key] = version
	}
	w.ops[i].Kind, w.expected[i] = target.Set, version
	ownValue(w.ops[i].Value, w.first+key, version, w.run)
}

func ownValue(value []byte, key int64, version uint32, run uint64) {
	var head [24]byte
	binary.BigEndian.PutUint64(head[:], uint64(key))
	binary.BigEndian.PutUint64(head[8:], uint64(version))
	binary.BigEndian.PutUint64(head[16:], run)
	hex.Encode(value, head[:])
}

// exec runs operations, and looks at what they read. r is nil before the run.
func (w *ownKV) exec(ctx context.Context, ops []target.Op, r *load.Recorder) error {
	if err := w.conn.Exec(ctx, ops); err != nil {
		return err
	}
	for i := range ops {
		op := &ops[i]
		kind, size := getOp, len(op.Key)+len(op.Answer)
		if op.Kind == target.Set {
			kind, size = setOp, len(op.Key)+len(op.Value)
		}
		if r != nil {
			r.Record(i, kind, op.Done, size, op.Err)
		}
		switch watched := w.keys[i] < int64(len(w.versions)); {
		case op.Err != nil:
			w.faults.Unexpected(fmt.Sprintf("%s %s: %v", KVKinds[kind], op.Key, op.Err))
			if watched && kind == setOp {
				w.versions[w.keys[i]] = unknownWhat
			}
		case kind == getOp && watched:
			w.check(op, w.expected[i], w.first+w.keys[i])
		}
	}
	return nil
}

// check holds what was read against what was written last, before it on the same connection.
func (w *ownKV) check(op *target.Op, version uint32, key int64) {
	switch version {
	case 0, unknownWhat:
		return
	}
	if !op.Found {
		w.faults.Lost(1, fmt.Sprintf("%s is gone; version %d was written", op.Key, version))
		return
	}
	var want, who [leastOwn]byte
	ownValue(want[:], key, version, w.run)
	if bytes.HasPrefix(op.Answer, want[:]) {
		return
	}
	if len(op.Answer) >= leastOwn && bytes.Equal(op.Answer[:versionAt], want[:versionAt]) {
		copy(who[:], op.Answer)
		if bytes.Equal(who[runAt:], want[runAt:]) {
			w.faults.Lost(1, fmt.Sprintf("%s holds version %s; version %d was written", op.Key,
				who[versionAt:runAt], version))
			return
		}
		w.faults.Unexpected(fmt.Sprintf("%s was written by somebody else: is there another "+
			"stress on this server?", op.Key))
		return
	}
	w.faults.Unexpected(fmt.Sprintf("GET %s returned what nobody stored: %.40q", op.Key,
		op.Answer))
}

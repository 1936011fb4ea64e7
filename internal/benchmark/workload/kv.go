// Package workload is what servers are loaded with, and what may not go wrong meanwhile.
//
// Receives: a target, and parameters.
// Hands on: a result.Run.
// Never does: speak a protocol, or print.
package workload

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"sync/atomic"

	"github.com/synapdb/synap/internal/benchmark/load"
	"github.com/synapdb/synap/internal/benchmark/target"
)

// KVParams shape the load on keys.
type KVParams struct {
	ReadRatio float64 // part of the operations that read, 0 to 1
	KeySize   int     // bytes, at least 8
	ValueSize int     // bytes, at least 8
	Keyspace  int64   // different keys
	Dist      Dist
	// Preload stores every key once before anything is measured, so that reads find one.
	Preload bool
}

// Dist is how keys are chosen.
type Dist uint8

// The distributions.
const (
	Uniform Dist = iota
	Zipf         // exponent 1.01: few keys are very popular
	Seq          // one after the other, each connection in its own part
)

// The kinds of operations on keys, and their names.
const (
	getOp load.Kind = iota
	setOp
)

// KVKinds are the names of the tests of this workload.
var KVKinds = []string{"GET", "SET"}

// kvWork is one connection.
type kvWork struct {
	run    *KVRun
	params KVParams
	conn   target.KV
	faults *Faults
	random *rand.Rand
	zipf   *rand.Zipf
	seq    int64
	ops    []target.Op
	keys   []int64
	must   []bool // be found: the key was stored before the round began
	// fill, unless nil, counts the keys that were stored once: all connections share it.
	fill *atomic.Int64
}

// KVRun is what the connections of one run share.
type KVRun struct {
	params KVParams
	server target.Server
	faults *Faults
	seed   uint64
	// stored has a bit for each key that the server has confirmed: from then on it must be found.
	stored []atomic.Uint32
}

// mostStored is of how many keys, the first ones, it is known whether they were stored.
const mostStored = 1 << 28

// NewKVRun prepares a run.
func NewKVRun(s target.Server, p KVParams, faults *Faults, seed uint64) *KVRun {
	return &KVRun{params: p, server: s, faults: faults, seed: seed,
		stored: make([]atomic.Uint32, (min(p.Keyspace, mostStored)+31)/32)}
}

func (k *KVRun) store(key int64) {
	if at := key / 32; at < int64(len(k.stored)) {
		k.stored[at].Or(1 << (key % 32))
	}
}

func (k *KVRun) has(key int64) bool {
	at := key / 32
	return at < int64(len(k.stored)) && k.stored[at].Load()&(1<<(key%32)) != 0
}

// Open makes the Work of connection i of n.
func (k *KVRun) Open(ctx context.Context, i, n int) (load.Work, error) {
	p := k.params
	conn, err := k.server.KV(ctx)
	if err != nil {
		return nil, err
	}
	w := &kvWork{run: k, params: p, conn: conn, faults: k.faults,
		random: rand.New(rand.NewPCG(k.seed, uint64(i))), //nolint:gosec // keys, no secrets
		seq:    p.Keyspace / int64(n) * int64(i)}
	if p.Dist == Zipf {
		w.zipf = rand.NewZipf(w.random, 1.01, 1, uint64(p.Keyspace-1))
	}
	return w, nil
}

// Fill makes the Work of connection i of n that stores each key once: Keyspace operations do it.
func (k *KVRun) Fill(filled *atomic.Int64) func(ctx context.Context, i int) (load.Work, error) {
	return func(ctx context.Context, i int) (load.Work, error) {
		all := *k
		all.params.ReadRatio, all.params.Dist = 0, Seq
		w, err := all.Open(ctx, i, 1)
		if w, ok := w.(*kvWork); ok && err == nil {
			w.run, w.fill = k, filled
		}
		return w, err
	}
}

func (w *kvWork) Close() error { return w.conn.Close() }

// Do is part of load.Work.
func (w *kvWork) Do(ctx context.Context, n int, r *load.Recorder) error {
	for len(w.ops) < n {
		w.ops = append(w.ops, target.Op{Key: make([]byte, w.params.KeySize),
			Value: make([]byte, w.params.ValueSize)})
		w.keys, w.must = append(w.keys, 0), append(w.must, false)
	}
	ops := w.ops[:n]
	for i := range ops {
		w.keys[i] = w.next()
		fillKey(ops[i].Key, w.keys[i])
		ops[i].Kind, w.must[i] = target.Get, w.run.has(w.keys[i])
		if w.random.Float64() >= w.params.ReadRatio {
			ops[i].Kind = target.Set
			w.fillValue(ops[i].Value, w.keys[i])
		}
	}
	if err := w.conn.Exec(ctx, ops); err != nil {
		return err
	}
	for i := range ops {
		w.check(&ops[i], w.keys[i], i, r)
	}
	return nil
}

func (w *kvWork) check(op *target.Op, key int64, i int, r *load.Recorder) {
	kind, size := getOp, len(op.Key)+len(op.Answer)
	if op.Kind == target.Set {
		kind, size = setOp, len(op.Key)+len(op.Value)
	}
	r.Record(i, kind, op.Done, size, op.Err)
	switch {
	case op.Err != nil:
		w.faults.Unexpected(fmt.Sprintf("%s %s: %v", KVKinds[kind], op.Key, op.Err))
	case op.Kind == target.Set:
		w.run.store(key)
	case !op.Found && w.must[i]:
		w.faults.Lost(1, fmt.Sprintf("GET %s found nothing, though it had been stored", op.Key))
	case op.Found && !valueOf(op.Answer, key, w.params.ValueSize):
		w.faults.Unexpected(fmt.Sprintf("GET %s returned what nobody stored: %.40q", op.Key,
			op.Answer))
	}
}

// next chooses a key.
func (w *kvWork) next() int64 {
	if w.fill != nil {
		return w.fill.Add(1) - 1
	}
	switch w.params.Dist {
	case Zipf:
		// Popular keys would be neighbours: a multiplication spreads them.
		return int64(w.zipf.Uint64() * 0x9E3779B97F4A7C15 % uint64(w.params.Keyspace))
	case Seq:
		w.seq++
		return w.seq % w.params.Keyspace
	}
	return w.random.Int64N(w.params.Keyspace)
}

// keyPrefix marks the keys of a benchmark, so that they can be removed.
const keyPrefix = "bench:"

// KVKeys are the names of all keys that a run may write, in slices of 1000 or fewer. A slice is
// valid until the next.
func KVKeys(p KVParams) iter.Seq[[]string] { return keysOf(p, keyPrefix) }

// SoakKeys are the names of all keys that Soak may write, likewise.
func SoakKeys(p KVParams) iter.Seq[[]string] { return keysOf(p, soakPrefix) }

func keysOf(p KVParams, prefix string) iter.Seq[[]string] {
	return func(yield func([]string) bool) {
		const most = 1000
		key := make([]byte, p.KeySize)
		names := make([]string, 0, most)
		for n := range p.Keyspace {
			fillKey(key, n)
			copy(key, prefix)
			if names = append(names, string(key)); len(names) == most || n == p.Keyspace-1 {
				if !yield(names) {
					return
				}
				names = names[:0]
			}
		}
	}
}

// fillKey writes a key of its whole length: the prefix, zeros, the number.
func fillKey(key []byte, n int64) {
	at := len(key)
	for at > 0 {
		at--
		key[at] = byte('0' + n%10)
		n /= 10
	}
	copy(key, keyPrefix)
}

// fillValue writes a value that says which key it belongs to: its number, then letters.
func (w *kvWork) fillValue(value []byte, key int64) {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-_"
	var head [8]byte
	binary.BigEndian.PutUint64(head[:], uint64(key))
	for i, b := range head { // as text: JSON must be able to carry it
		if i < len(value)/2 && i < len(head) {
			value[2*i], value[2*i+1] = letters[b>>4], letters[b&15]
		}
	}
	for i := min(16, len(value)/2*2); i < len(value); i += 10 {
		bits := w.random.Uint64()
		for j := i; j < min(i+10, len(value)); j++ {
			value[j] = letters[bits&63]
			bits >>= 6
		}
	}
}

// valueOf says whether a value is one that was stored under a key.
func valueOf(value []byte, key int64, size int) bool {
	if len(value) != size {
		return false
	}
	var want kvWork
	head := make([]byte, min(16, size/2*2))
	want.random = noRandom
	want.fillValue(head, key)
	return bytes.Equal(value[:len(head)], head)
}

var noRandom = rand.New(rand.NewPCG(0, 0)) //nolint:gosec // it is never asked

// Bounds of the sizes of keys, and of values and payloads, in bytes.
const (
	LeastKey   = 8
	MostKey    = 64 << 10
	LeastValue = 1
	MostValue  = 512 << 20
)

// Check says what is wrong with the parameters.
func (p *KVParams) Check() error {
	room := math.Pow10(p.KeySize - len(keyPrefix))
	switch {
	case !(p.ReadRatio >= 0 && p.ReadRatio <= 1): // NaN is neither
		return fmt.Errorf("--read-ratio must be between 0 and 1, not %g", p.ReadRatio)
	case p.KeySize < LeastKey || p.KeySize > MostKey:
		return fmt.Errorf("--key-size must be %d to %d, not %d", LeastKey, MostKey, p.KeySize)
	case p.ValueSize < LeastValue || p.ValueSize > MostValue:
		return fmt.Errorf("--value-size must be %d to %d, not %d", LeastValue, MostValue,
			p.ValueSize)
	case p.Keyspace < 1:
		return fmt.Errorf("--keyspace must be at least 1, not %d", p.Keyspace)
	case float64(p.Keyspace) > room:
		return fmt.Errorf("--keyspace %d needs longer keys than --key-size %d", p.Keyspace,
			p.KeySize)
	}
	return nil
}

// ParseDist reads the name of a distribution.
func ParseDist(name string) (Dist, error) {
	for d, known := range distNames {
		if known == name {
			return Dist(d), nil
		}
	}
	return 0, fmt.Errorf("--key-dist must be uniform, zipf or seq, not %q", name)
}

// String is the name that ParseDist reads.
func (d Dist) String() string { return distNames[d] }

var distNames = []string{Uniform: "uniform", Zipf: "zipf", Seq: "seq"}

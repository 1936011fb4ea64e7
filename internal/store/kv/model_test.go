package kv

import (
	"bytes"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/synapdb/synap/internal/effect"
)

// tester is what the helpers need of *testing.T and *rapid.T.
type tester interface {
	Helper()
	Fatalf(format string, args ...any)
	Cleanup(func())
}

func newStore(t tester, o Options) *Store {
	t.Helper()
	if o.Shards == 0 {
		o.Shards = 4
	}
	s, err := New(o)
	if err != nil {
		t.Fatalf("%v", err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// all runs f with every shard locked.
func (s *Store) all(now int64, f func(*Tx)) {
	var t Tx
	s.Begin(&t, now)
	t.DeclareAll()
	t.Lock()
	defer t.Unlock()
	f(&t)
}

// with runs f with one key locked.
func (s *Store) with(now int64, db uint8, key string, f func(*Tx)) {
	var t Tx
	s.Begin(&t, now)
	t.Declare(db, []byte(key))
	t.Lock()
	defer t.Unlock()
	f(&t)
}

// model drives a store and its twin with the same effects.
type model struct {
	s       *Store
	w       *twin
	journal []effect.Effect
	steps   int
}

const epoch = 1_700_000_000_000

func newModel(t tester) *model {
	m := &model{s: newStore(t, Options{Seed: 7}), w: newTwin()}
	m.w.now = epoch
	m.s.record = func(e effect.Effect) { m.journal = append(m.journal, e) }
	return m
}

func drawDB(t *rapid.T) uint8 { return rapid.SampledFrom([]uint8{0, 0, 0, 1, 15}).Draw(t, "db") }

func drawKey(t *rapid.T) string {
	return rapid.OneOf(
		rapid.StringMatching(`[abc]{0,3}`),
		rapid.Map(rapid.IntRange(0, 300), func(i int) string { return fmt.Sprintf("key:%05d", i) }),
		rapid.Map(rapid.SampledFrom([]int{30, 500, 65535}), func(n int) string {
			return string(bytes.Repeat([]byte{'k'}, n))
		}),
	).Draw(t, "key")
}

func drawValue(t *rapid.T) []byte {
	n := rapid.OneOf(rapid.IntRange(0, 40), rapid.IntRange(0, 2000),
		rapid.IntRange(maxInline-2, maxInline+2), rapid.IntRange(0, 100_000),
		rapid.SampledFrom([]int{50, 50, 600_000}),
	).Draw(t, "len")
	b := bytes.Repeat([]byte{byte(rapid.IntRange(1, 255).Draw(t, "fill"))}, n)
	if n > 0 {
		b[n-1] = 'z'
	}
	return b
}

func (m *model) drawDeadline(t *rapid.T) int64 {
	d := rapid.OneOf(rapid.Just[int64](0), rapid.Int64Range(-10, 10_000),
		rapid.Int64Range(1, 1<<45)).Draw(t, "ttl")
	if d == 0 {
		return 0
	}
	return m.w.now + d
}

func (m *model) drawEffect(t *rapid.T) effect.Effect {
	e := effect.Effect{DB: drawDB(t), Key: []byte(drawKey(t))}
	switch rapid.IntRange(0, 9).Draw(t, "kind") {
	case 0, 1, 2, 3:
		e.Kind, e.Value = effect.Set, drawValue(t)
		e.Flags = effect.Flag(rapid.IntRange(0, 1).Draw(t, "flags"))
		e.Deadline = m.drawDeadline(t)
	case 4, 5, 6:
		e.Kind, e.Value = effect.Patch, drawValue(t)
		e.Offset = rapid.OneOf(rapid.IntRange(0, 100), rapid.IntRange(0, 70_000)).Draw(t, "at")
		if n := m.w.get(e.DB, string(e.Key)); n != nil && rapid.Bool().Draw(t, "append") {
			e.Offset = len(n.value)
		}
	case 7:
		e.Kind, e.Deadline = effect.Deadline, m.drawDeadline(t)
	default:
		e.Kind = effect.Delete
	}
	return e
}

func (m *model) apply(t tester, tx *Tx, e effect.Effect) {
	got, want := tx.Apply(e), m.w.apply(e)
	if got != want {
		t.Fatalf("%v %q: version %d, want %d", e.Kind, e.Key, got, want)
	}
}

func (m *model) one(t *rapid.T) {
	e := m.drawEffect(t)
	m.s.with(m.w.now, e.DB, string(e.Key), func(tx *Tx) {
		m.apply(t, tx, e)
		m.compare(t, tx, e.DB, string(e.Key))
	})
}

func (m *model) compare(t tester, tx *Tx, db uint8, key string) {
	got, ok := tx.Get(db, []byte(key))
	want := m.w.get(db, key)
	if ok != (want != nil) {
		t.Fatalf("%d %.40q: present %v, want %v", db, key, ok, want != nil)
	}
	if ok {
		compareEntry(t, got, key, want)
	}
}

func compareEntry(t tester, e Entry, key string, want *twinEntry) {
	if string(e.Key()) != key || !bytes.Equal(e.Value(), want.value) ||
		e.Len() != len(want.value) || e.Flags() != want.flags || e.Type() != String ||
		e.Version() != want.version || e.Deadline() != want.deadline {
		t.Fatalf("%.40q: %d bytes, flags %d, version %d, deadline %d; want %.40q, %d, %d, %d, %d",
			e.Key(), e.Len(), e.Flags(), e.Version(), e.Deadline(),
			key, len(want.value), want.flags, want.version, want.deadline)
	}
}

// compareAll compares every key of every database, in order.
func (m *model) compareAll(t tester, s *Store) {
	s.all(m.w.now, func(tx *Tx) {
		for db := range uint8(Databases) {
			keys := m.w.scan(db, Range{})
			tx.Scan(db, Range{}, func(e Entry) bool {
				if len(keys) == 0 {
					t.Fatalf("%d: %.40q should not be there", db, e.Key())
				}
				compareEntry(t, e, keys[0], m.w.db[db][keys[0]])
				keys = keys[1:]
				return true
			})
			if len(keys) != 0 {
				t.Fatalf("%d: %.40q is missing", db, keys[0])
			}
		}
	})
}

func (m *model) group(t *rapid.T) {
	before, mark := m.w.clone(), len(m.journal)
	rollback := rapid.Bool().Draw(t, "rollback")
	m.s.all(m.w.now, func(tx *Tx) {
		tx.Atomic()
		for range rapid.IntRange(1, 8).Draw(t, "n") {
			m.apply(t, tx, m.drawEffect(t))
		}
		if rollback {
			tx.Rollback()
		}
	})
	if rollback {
		if len(m.journal) != mark {
			t.Fatalf("a group that was undone reached the journal")
		}
		m.w = before
	}
}

func drawRange(t *rapid.T) Range {
	bound := func(name string) []byte {
		if rapid.Bool().Draw(t, name) {
			return nil
		}
		return []byte(rapid.StringMatching(`|[abc]{1,3}|key:0000[0-9]|key:|\xff`).Draw(t, name))
	}
	return Range{Prefix: bound("prefix"), Start: bound("start"), End: bound("end"),
		After: bound("after"), Reverse: rapid.Bool().Draw(t, "reverse")}
}

func (m *model) scan(t *rapid.T) {
	db, r := drawDB(t), drawRange(t)
	limit := rapid.IntRange(1, 20).Draw(t, "limit")
	want := m.w.scan(db, r)
	want = want[:min(limit, len(want))]
	var got []string
	m.s.all(m.w.now, func(tx *Tx) {
		tx.Scan(db, r, func(e Entry) bool {
			got = append(got, string(e.Key()))
			return len(got) < limit
		})
		e, ok := tx.Random(db)
		if ok != (m.w.count(db) > 0) || ok && m.w.get(db, string(e.Key())) == nil {
			t.Fatalf("random key: %v of %d", ok, m.w.count(db))
		}
	})
	if fmt.Sprintf("%.50q", got) != fmt.Sprintf("%.50q", want) {
		t.Fatalf("scan %+v: %.50q, want %.50q", r, got, want)
	}
}

func (m *model) whole(t *rapid.T) {
	e := effect.Effect{DB: drawDB(t), Other: drawDB(t), Kind: rapid.SampledFrom([]effect.Kind{
		effect.Swap, effect.Swap, effect.Flush, effect.FlushAll}).Draw(t, "kind")}
	m.s.all(m.w.now, func(tx *Tx) { m.apply(t, tx, e) })
}

func (m *model) many(t *rapid.T) {
	from := rapid.IntRange(0, 5000).Draw(t, "from")
	n := rapid.IntRange(1, 1500).Draw(t, "n")
	size := rapid.IntRange(0, 300).Draw(t, "size")
	ttl := m.drawDeadline(t)
	kind := rapid.SampledFrom([]effect.Kind{effect.Set, effect.Set, effect.Delete}).Draw(t, "kind")
	m.s.all(m.w.now, func(tx *Tx) {
		for i := range n {
			e := effect.Effect{Kind: kind, Key: fmt.Appendf(nil, "key:%05d", (from+i*7)%5000)}
			if kind == effect.Set {
				e.Value, e.Deadline = bytes.Repeat([]byte{'v'}, size), ttl
			}
			m.apply(t, tx, e)
		}
	})
}

func (m *model) check(t *rapid.T) {
	if m.steps++; m.steps%4 != 0 { // it walks everything
		return
	}
	if err := m.s.checkInvariants(); err != nil {
		t.Fatalf("%v", err)
	}
	for db := range uint8(Databases) {
		if got, most := m.s.Count(db), int64(len(m.w.db[db])); got < 0 || m.w.count(db) > int(got) {
			t.Fatalf("database %d counts %d keys, has at least %d", db, got, most)
		}
	}
}

func TestStoreAgainstModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := newModel(t)
		t.Repeat(map[string]func(*rapid.T){
			"one": m.one, "one2": m.one, "group": m.group, "scan": m.scan, "whole": m.whole,
			"many": m.many,
			"time": func(t *rapid.T) {
				m.w.now += rapid.OneOf(rapid.Int64Range(0, 200), rapid.Int64Range(0, 100_000),
					rapid.Int64Range(0, 1<<40)).Draw(t, "ms")
			},
			"maintain": func(t *rapid.T) {
				m.s.Maintain(m.w.now, rapid.Int64Range(1, 20_000).Draw(t, "µs"))
			},
			"": m.check,
		})
		if err := m.s.checkInvariants(); err != nil {
			t.Fatalf("%v", err)
		}
		m.compareAll(t, m.s)
		m.replay(t)
	})
}

// replay applies the recorded effects to an empty store, at a much later time, and compares.
func (m *model) replay(t tester) {
	s := newStore(t, Options{Shards: 2})
	var tx Tx
	s.Begin(&tx, m.w.now+1<<45)
	tx.Replay()
	tx.DeclareAll()
	tx.Lock()
	for _, e := range m.journal {
		if v := tx.Apply(e); v != e.Version {
			t.Fatalf("replayed %v %.40q has version %d, recorded %d", e.Kind, e.Key, v, e.Version)
		}
	}
	tx.Unlock()
	m.compareAll(t, s)
	if err := s.checkInvariants(); err != nil {
		t.Fatalf("%v", err)
	}
}

package room

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/synapdb/synap/internal/effect"
)

const epoch = 1_700_000_000_000 // ms since the Unix epoch

// recorder keeps the records it gets.
type recorder struct {
	times   []int64
	records [][]byte
	refuses error
}

func (j *recorder) Append(time int64, payload []byte) uint64 {
	j.times = append(j.times, time)
	j.records = append(j.records, bytes.Clone(payload))
	return uint64(len(j.records))
}

func (j *recorder) Admit(int) error { return j.refuses }

// tester is what *testing.T and *rapid.T have in common.
type tester interface {
	Helper()
	Fatalf(format string, args ...any)
	Errorf(format string, args ...any)
}

// replay applies the records from one on.
func (j *recorder) replay(t tester, s *Store, from int) {
	for i := from; i < len(j.records); i++ {
		if err := s.ReplayRecord(j.times[i], j.records[i]); err != nil {
			t.Fatalf("record %d: %v", i, err)
		}
	}
	s.FinishImport()
}

// bell counts wakes.
type bell struct{ rung int }

func (b *bell) Wake() { b.rung++ }

func open(t testing.TB, o Options) (*Store, *recorder) {
	t.Helper()
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	j := &recorder{}
	s.SetJournal(j)
	return s, j
}

// do runs f at now, with everything locked.
func (s *Store) do(now int64, f func(*Tx)) {
	var t Tx
	s.Begin(&t, now)
	t.DeclareAll()
	t.Lock()
	defer t.Unlock() // f may end the test
	f(&t)
}

func create(t tester, s *Store, now int64, name string, set Settings) {
	t.Helper()
	s.do(now, func(tx *Tx) {
		if err := tx.Create([]byte(name), set); err != nil {
			t.Fatalf("%v", err)
		}
	})
}

// publish publishes events 0, 1, 2 … n-1, one Tx each, and returns the last one's offset.
func publish(t tester, s *Store, now int64, name string, n int) (offset uint64) {
	t.Helper()
	for i := range n {
		s.do(now, func(tx *Tx) {
			var err error
			offset, err = tx.Publish([]byte(name), &Event{
				Name: []byte("tick"), Data: []byte(fmt.Sprintf(`{"n":%d}`, i)),
			})
			if err != nil {
				t.Fatalf("%v", err)
			}
		})
	}
	return offset
}

func stats(t tester, s *Store, name string) (st Stats) {
	t.Helper()
	s.do(0, func(tx *Tx) {
		var err error
		if st, err = tx.Stats([]byte(name)); err != nil {
			t.Fatalf("%v", err)
		}
	})
	return st
}

// seen is an event as a client of a WebSocket sees it.
type seen struct {
	Type      string
	Room      string
	Offset    uint64
	Event     string
	Data      json.RawMessage
	Timestamp int64
	Metadata  json.RawMessage
}

// parse reads frames as RFC 6455 says.
func parse(t tester, b []byte) (list []seen) {
	t.Helper()
	for len(b) > 0 {
		if b[0] != 0x81 || b[1]&0x80 != 0 {
			t.Fatalf("a frame begins with %x", b[:2])
		}
		n, header := int(b[1]), 2
		switch n {
		case 126:
			n, header = int(binary.BigEndian.Uint16(b[2:])), 4
			if n < 126 {
				t.Fatalf("%d bytes have a long length", n)
			}
		case 127:
			n, header = int(binary.BigEndian.Uint64(b[2:])), 10
			if n <= 0xffff {
				t.Fatalf("%d bytes have a very long length", n)
			}
		}
		var e seen
		if err := json.Unmarshal(b[header:header+n], &e); err != nil || e.Type != "event" {
			t.Fatalf("%.200q: %v", b[header:header+n], err)
		}
		list = append(list, e)
		b = b[header+n:]
	}
	return list
}

// sound checks the invariants of the store's structures.
func (s *Store) sound(t tester) {
	t.Helper()
	for i := range s.shards {
		sh := &s.shards[i]
		sh.mu.Lock()
		heap, live := int64(0), int64(0)
		for name, r := range sh.rooms {
			if r.name != name || sh.slots[r.slot] != r || r.shard != sh {
				t.Fatalf("room %q is misplaced", name)
			}
			heap += r.cost
			live += r.sound(t)
			before := r.cost
			if sh.measure(r); r.cost != before {
				t.Errorf("room %q was measured as %d bytes, it has %d", name, before, r.cost)
			}
		}
		if sh.arena != nil && sh.arena.Live() != live || sh.arena == nil && live != 0 {
			t.Errorf("shard %d has other than %d bytes of blocks", i, live)
		}
		if heap != sh.heap {
			t.Errorf("shard %d counts %d bytes of heap, not %d", i, sh.heap, heap)
		}
		sh.mu.Unlock()
	}
}

// sound checks a room and returns the bytes of its blocks in the arena.
func (r *room) sound(t tester) (blocks int64) {
	t.Helper()
	sh := r.shard
	sum, offset, last := int64(0), r.first, int64(0)
	for n := range r.segs {
		g := &r.segs[n]
		if n == 0 {
			offset = g.first
		}
		if !g.isLarge() {
			blocks += int64(g.size)
			if *(*uint64)(sh.block(g)) != uint64(r.slot) {
				t.Fatalf("a block of room %q belongs to another", r.name)
			}
		}
		if g.first != offset || g.count == 0 || g.room() < 0 || g.end() <= r.first {
			t.Fatalf("segment %d of room %q: %+v; offset %d of %d..%d", n, r.name, *g, offset,
				r.first, r.next)
		}
		for i := range g.count {
			if time := sh.time(g, i); time < last || sh.at(g, i) >= sh.at(g, i+1) {
				t.Fatalf("event %d of room %q is out of order", offset, r.name)
			} else {
				last = time
			}
			if offset++; offset > r.first {
				sum += int64(sh.at(g, i+1) - sh.at(g, i))
			}
		}
	}
	if offset != r.next || sum != r.bytes || last > r.last {
		t.Fatalf("room %q ends at %d, not %d; with %d bytes, not %d", r.name, offset, r.next, sum,
			r.bytes)
	}
	if a := r.audience; a != nil {
		for i, f := range a.followers {
			if f.sub.room != r || int(f.sub.place) != i || f.next < a.least {
				t.Fatalf("follower %d of room %q is misplaced", i, r.name)
			}
		}
		for i, s := range a.sleepers {
			if s.sub.asleep != a.night || int(s.sub.bed) != i {
				t.Fatalf("sleeper %d of room %q is misplaced", i, r.name)
			}
		}
	}
	return blocks
}

// kinds lists the kinds of effect of records.
func kinds(t tester, records [][]byte) (list []effect.Kind) {
	t.Helper()
	for _, record := range records {
		for len(record) > 0 {
			e, rest, err := effect.DecodeRoom(record)
			if err != nil {
				t.Fatalf("%v", err)
			}
			list, record = append(list, e.Kind), rest
		}
	}
	return list
}

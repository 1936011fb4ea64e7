package kv

import (
	"testing"

	"github.com/synapdb/synap/internal/effect"
)

// watchCase watches key "k" of database 0 and does something at a later time.
type watchCase struct {
	name    string
	present bool  // k exists when it is watched
	ttl     int64 // of k, ms
	others  []string
	do      effect.Effect
	at      int64 // ms later
	changed bool
}

var watchCases = []watchCase{
	{name: "nothing", present: true},
	{name: "set", present: true, do: effect.Effect{Kind: effect.Set}, changed: true},
	{name: "create", do: effect.Effect{Kind: effect.Set}, changed: true},
	{name: "patch", present: true, do: effect.Effect{Kind: effect.Patch}, changed: true},
	{name: "deadline", present: true, do: effect.Effect{Kind: effect.Deadline, Deadline: 1 << 50},
		changed: true},
	{name: "deadline of nothing", do: effect.Effect{Kind: effect.Deadline, Deadline: 1 << 50}},
	{name: "delete", present: true, do: effect.Effect{Kind: effect.Delete}, changed: true},
	{name: "delete nothing", do: effect.Effect{Kind: effect.Delete}},
	{name: "evict", present: true, do: effect.Effect{Kind: effect.Evict}, changed: true},
	{name: "other key", present: true,
		do: effect.Effect{Kind: effect.Set, Key: []byte("other")}},
	{name: "other database", present: true, do: effect.Effect{Kind: effect.Set, DB: 1}},
	{name: "expiry", present: true, ttl: 10, at: 10, changed: true},
	{name: "before expiry", present: true, ttl: 10, at: 9},
	{name: "expired when watched", present: true, ttl: -1, at: 1000},
	{name: "flush", present: true, do: effect.Effect{Kind: effect.Flush}, changed: true},
	{name: "flush of nothing", do: effect.Effect{Kind: effect.Flush}},
	{name: "flush of another", present: true, do: effect.Effect{Kind: effect.Flush, DB: 1}},
	{name: "flush of an expired key", present: true, ttl: -1,
		do: effect.Effect{Kind: effect.Flush}},
	{name: "flush all", present: true, do: effect.Effect{Kind: effect.FlushAll}, changed: true},
	{name: "swap away", present: true, do: effect.Effect{Kind: effect.Swap, Other: 1},
		changed: true},
	{name: "swap here", others: []string{"k"},
		do: effect.Effect{Kind: effect.Swap, DB: 1, Other: 0}, changed: true},
	{name: "swap nothing", others: []string{"x"}, do: effect.Effect{Kind: effect.Swap, Other: 1}},
	{name: "swap others", present: true, do: effect.Effect{Kind: effect.Swap, DB: 1, Other: 2}},
}

func TestWatch(t *testing.T) {
	for _, c := range watchCases {
		t.Run(c.name, func(t *testing.T) {
			s := newStore(t, Options{})
			if c.present {
				deadline := int64(0)
				if c.ttl != 0 {
					deadline = epoch + c.ttl
				}
				s.set(epoch, 0, "k", []byte("v"), deadline)
			}
			for _, key := range c.others {
				s.set(epoch, 1, key, []byte("v"), 0)
			}
			s.settle(epoch - 2000) // before anything expires
			before := s.Stats().Memory
			var w Watcher
			s.with(epoch, 0, "k", func(tx *Tx) {
				tx.Watch(&w, 0, []byte("k"))
				tx.Watch(&w, 0, []byte("k"))
			})
			now := epoch + c.at
			if c.do.Kind != 0 {
				if c.do.Key == nil {
					c.do.Key = []byte("k")
				}
				s.all(now, func(tx *Tx) { tx.Apply(c.do) })
			}
			s.settle(now)
			mustHold(t, s)
			var tx Tx
			s.Begin(&tx, now)
			tx.DeclareWatched(&w)
			tx.Lock()
			if got := tx.Changed(&w); got != c.changed {
				t.Errorf("changed: %v, want %v", got, c.changed)
			}
			tx.Unlock()
			s.Unwatch(&w)
			mustHold(t, s)
			if !w.Empty() || w.Dirty() {
				t.Error("the watcher is not as new")
			}
			if after := s.Stats().Memory; after > before && c.do.Kind == 0 {
				t.Errorf("memory went from %d to %d", before, after)
			}
		})
	}
}

func TestGroupsTellWatchersOnlyWhenTheyHold(t *testing.T) {
	for _, rollback := range []bool{false, true} {
		s := newStore(t, Options{})
		var w Watcher
		s.with(epoch, 0, "k", func(tx *Tx) { tx.Watch(&w, 0, []byte("k")) })
		s.with(epoch, 0, "k", func(tx *Tx) {
			tx.Atomic()
			tx.Apply(effect.Effect{Kind: effect.Set, Key: []byte("k")})
			if rollback {
				tx.Rollback()
			}
		})
		if w.Dirty() == rollback {
			t.Errorf("rollback %v: dirty %v", rollback, w.Dirty())
		}
		s.Unwatch(&w)
	}
}

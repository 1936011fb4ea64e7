package kv

import (
	"fmt"
	"testing"

	"github.com/synapdb/synap/internal/effect"
)

// TestNoAllocations: a command must not leave work for the collector, recorded or not.
func TestNoAllocations(t *testing.T) {
	t.Run("in memory", func(t *testing.T) { noAllocations(t, nil) })
	t.Run("recorded", func(t *testing.T) {
		noAllocations(t, &discard{buffer: make([]byte, 0, 2<<20)})
	})
}

func noAllocations(t *testing.T, j effect.Journal) {
	s := newStore(t, Options{})
	s.SetJournal(j)
	for i := range 1000 {
		s.set(epoch, 0, fmt.Sprint("key", i), make([]byte, 100), 0)
		s.set(epoch, 0, fmt.Sprint("ttl", i), make([]byte, 100), epoch+1e6)
	}
	s.settle(epoch)
	var tx Tx
	key, absent, value := []byte("key7"), []byte("none"), make([]byte, 100)
	one := func(key []byte, f func()) func() {
		return func() {
			s.Begin(&tx, epoch)
			tx.Declare(0, key)
			tx.Lock()
			f()
			tx.Unlock()
		}
	}
	n := uint64(0)
	for name, f := range map[string]func(){
		"get hit":  one(key, func() { tx.Get(0, key) }),
		"get miss": one(absent, func() { tx.Get(0, absent) }),
		"overwrite": one(key, func() {
			tx.Apply(effect.Effect{Kind: effect.Set, Key: key, Value: value})
		}),
		"overwrite with deadline": one(key, func() {
			tx.Apply(effect.Effect{Kind: effect.Set, Key: key, Value: value, Deadline: epoch + 9})
		}),
		"increment": one(key, func() {
			e, _ := tx.Peek(0, key)
			n = n*10%1e15 + uint64(e.Len()%10)
			var number [20]byte // on the caller's stack: Apply must not make it escape
			text := append(number[:0], value[:n%20]...)
			tx.Apply(effect.Effect{Kind: effect.Set, Key: key, Value: text})
		}),
		"patch": one(key, func() {
			tx.Apply(effect.Effect{Kind: effect.Patch, Key: key, Offset: 3, Value: value[:5]})
		}),
		"create and delete": one(absent, func() {
			tx.Apply(effect.Effect{Kind: effect.Set, Key: absent, Value: value})
			tx.Apply(effect.Effect{Kind: effect.Delete, Key: absent})
		}),
		"make room": func() { _ = s.MakeRoom(100, epoch) },
		"maintain":  func() { s.Maintain(epoch, 100) },
		"stats":     func() { s.Stats() },
	} {
		if got := testing.AllocsPerRun(200, f); got != 0 {
			t.Errorf("%s: %v allocations", name, got)
		}
	}
}

func TestInsertAllocatesAlmostNothing(t *testing.T) {
	s := newStore(t, Options{})
	var tx Tx
	key, value := make([]byte, 16), make([]byte, 100)
	i := 0
	allocs := testing.AllocsPerRun(50_000, func() {
		i++
		key = fmt.Append(key[:0], i)
		s.Begin(&tx, epoch)
		tx.Declare(0, key)
		tx.Lock()
		tx.Apply(effect.Effect{Kind: effect.Set, Key: key, Value: value})
		tx.Unlock()
	})
	if allocs > 1 { // fmt takes one for its argument
		t.Errorf("%v allocations per insert", allocs)
	}
}

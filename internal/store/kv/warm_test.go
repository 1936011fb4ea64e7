package kv

import (
	"fmt"
	"testing"

	"github.com/synapdb/synap/internal/effect"
)

func TestWarmChangesNothing(t *testing.T) {
	s, err := New(Options{Shards: 4})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var tx Tx
	var keys [][]byte
	for i := range 100 {
		keys = append(keys, fmt.Appendf(nil, "k%d", i))
		if i%2 == 0 {
			continue // absent keys are announced too
		}
		s.Begin(&tx, 1000)
		tx.Declare(3, keys[i])
		tx.Lock()
		tx.Apply(effect.Effect{Kind: effect.Set, DB: 3, Key: keys[i], Deadline: 2000})
		tx.Unlock()
	}
	before := s.Stats()
	for _, db := range []uint8{0, 3} { // of the first nothing was ever stored
		s.Begin(&tx, 5000) // every key has expired
		tx.Warm(db, keys)
	}
	if after := s.Stats(); after != before {
		t.Errorf("before %+v\nafter  %+v", before, after)
	}
	tx.DeclareAll()
	tx.Lock() // would wait for ever had Warm kept a lock
	if _, found := tx.Peek(3, keys[0]); found {
		t.Error("an absent key is there")
	}
	tx.Unlock()
	if allocs := testing.AllocsPerRun(100, func() {
		s.Begin(&tx, 1000)
		tx.Warm(3, keys)
	}); allocs > 0 {
		t.Errorf("%v allocations", allocs)
	}
}

package kv

import (
	"bytes"
	"fmt"
	"testing"
)

// Memory comes back when most of many large values are deleted, and those that stay, read or
// not, keep their bytes.
func TestLargeValuesAreCompacted(t *testing.T) {
	t.Parallel()
	s := newStore(t, Options{Shards: 1})
	value := func(i int) []byte { return big(byte(i), 40_000+i%3*30_000) }
	const n, every = 1400, 20
	for i := range n {
		s.set(epoch, 0, fmt.Sprint(i), value(i), 0)
	}
	read := s.retain(t, fmt.Sprint(every))
	full := s.Stats()
	for i := range n {
		if i%every != 0 {
			s.del(epoch, 0, fmt.Sprint(i))
		}
	}
	s.settle(epoch)
	mustHold(t, s)
	st := s.Stats()
	if st.Resident > full.Resident/3 {
		t.Errorf("%d MiB of values hold %d MiB of %d MiB",
			st.Memory>>20, st.Resident>>20, full.Resident>>20)
	}
	for i := 0; i < n; i += every {
		key := fmt.Sprint(i)
		s.with(epoch, 0, key, func(tx *Tx) {
			if e, ok := tx.Get(0, []byte(key)); !ok || !bytes.Equal(e.Value(), value(i)) {
				t.Errorf("value %d changed", i)
			}
		})
	}
	if !bytes.Equal(read.Bytes(), value(every)) {
		t.Error("a retained value changed")
	}
	read.Release()
	for i := 0; i < n; i += every {
		s.del(epoch, 0, fmt.Sprint(i))
	}
	s.settle(epoch)
	if st := s.Stats(); st.Resident > 4<<20 {
		t.Errorf("an empty store holds %+v", st)
	}
}

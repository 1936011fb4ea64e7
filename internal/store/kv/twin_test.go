package kv

import (
	"bytes"
	"sort"

	"github.com/synapdb/synap/internal/effect"
)

// twin is the store as a plain map: slow, obvious, and the oracle of the model test.
type twin struct {
	db  [Databases]map[string]*twinEntry
	now int64
}

type twinEntry struct {
	value    []byte
	flags    effect.Flag
	version  uint32
	deadline int64
}

func newTwin() *twin {
	w := new(twin)
	for i := range w.db {
		w.db[i] = map[string]*twinEntry{}
	}
	return w
}

func (w *twin) get(db uint8, key string) *twinEntry {
	e := w.db[db][key]
	if e != nil && e.deadline != 0 && e.deadline <= w.now {
		delete(w.db[db], key)
		return nil
	}
	return e
}

// count is the number of live keys.
func (w *twin) count(db uint8) int {
	n := 0
	for key := range w.db[db] {
		if w.get(db, key) != nil {
			n++
		}
	}
	return n
}

func (w *twin) apply(e effect.Effect) uint32 {
	m := w.db[e.DB]
	n := w.get(e.DB, string(e.Key))
	switch e.Kind {
	case effect.Set, effect.Patch:
		if n == nil {
			n = &twinEntry{}
			m[string(e.Key)] = n
		}
		n.version++
		if e.Kind == effect.Set {
			n.value, n.flags, n.deadline = bytes.Clone(e.Value), e.Flags, e.Deadline
		} else {
			if need := e.Offset + len(e.Value); need > len(n.value) {
				n.value = append(n.value, make([]byte, need-len(n.value))...)
			}
			copy(n.value[e.Offset:], e.Value)
		}
		return n.version
	case effect.Delete, effect.Expire, effect.Evict:
		delete(m, string(e.Key))
	case effect.Deadline:
		if n != nil {
			n.deadline = e.Deadline
			n.version++
			return n.version
		}
	case effect.Flush:
		w.db[e.DB] = map[string]*twinEntry{}
	case effect.FlushAll:
		for i := range w.db {
			w.db[i] = map[string]*twinEntry{}
		}
	case effect.Swap:
		w.db[e.DB], w.db[e.Other] = w.db[e.Other], w.db[e.DB]
	}
	return 0
}

// clone is a deep copy, for going back to it.
func (w *twin) clone() *twin {
	c := newTwin()
	c.now = w.now
	for db := range w.db {
		for key, e := range w.db[db] {
			d := *e
			d.value = bytes.Clone(e.value)
			c.db[db][key] = &d
		}
	}
	return c
}

// scan returns the live keys of a range in order.
func (w *twin) scan(db uint8, r Range) []string {
	var keys []string
	for k := range w.db[db] {
		in := bytes.HasPrefix([]byte(k), r.Prefix) &&
			(r.Start == nil || k >= string(r.Start)) && (r.End == nil || k < string(r.End)) &&
			(r.After == nil || !r.Reverse && k > string(r.After) ||
				r.Reverse && k < string(r.After))
		if in && w.get(db, k) != nil {
			keys = append(keys, k)
		}
	}
	sort.Strings(keys)
	if r.Reverse {
		sort.Sort(sort.Reverse(sort.StringSlice(keys)))
	}
	return keys
}

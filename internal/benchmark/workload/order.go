package workload

import (
	"slices"
	"sync"
	"sync/atomic"
)

// order watches numbers that must come one after the other, from 0 on.
//
// Invariants: every number below next came or is in missing; spans of missing are not empty, don't
// touch, and ascend.
type order struct {
	next    int64
	missing []span
}

// span is the numbers from from to before to.
type span struct{ from, to int64 }

// verdict is what a number is that came.
type verdict uint8

const (
	inOrder verdict = iota // it is new; what it skipped is missing from now on
	late                   // it was missing
	twice                  // it has come before
)

func (o *order) see(n int64) verdict {
	if n >= o.next {
		if n > o.next {
			o.missing = append(o.missing, span{o.next, n})
		}
		o.next = n + 1
		return inOrder
	}
	i, found := slices.BinarySearchFunc(o.missing, n, func(s span, n int64) int {
		switch {
		case n < s.from:
			return 1
		case n >= s.to:
			return -1
		}
		return 0
	})
	if !found {
		return twice
	}
	s := o.missing[i]
	var rest []span
	for _, part := range []span{{s.from, n}, {n + 1, s.to}} {
		if part.from < part.to {
			rest = append(rest, part)
		}
	}
	o.missing = slices.Replace(o.missing, i, i+1, rest...)
	return late
}

// each calls f with the spans that are missing of the numbers below top.
func (o *order) each(top int64, f func(span)) {
	for _, s := range o.missing {
		f(s)
	}
	if o.next < top {
		f(span{o.next, top})
	}
}

// cells are numbers by index, from 0 on, that any goroutine may use. They grow as needed, and
// never move.
type cells struct {
	mu     sync.Mutex // for growing
	chunks atomic.Pointer[[]*chunk]
}

// chunk is so many that an event of a small run costs little, and a large run few chunks.
type chunk [4096]atomic.Int64

func (c *cells) at(i int64) *atomic.Int64 {
	var none chunk
	at := int(i / int64(len(none)))
	all := c.chunks.Load()
	if all == nil || at >= len(*all) {
		all = c.grow(at + 1)
	}
	return &(*all)[at][i%int64(len(none))]
}

func (c *cells) grow(size int) *[]*chunk {
	c.mu.Lock()
	defer c.mu.Unlock()
	var more []*chunk
	if all := c.chunks.Load(); all != nil {
		more = slices.Clone(*all)
	}
	for len(more) < size {
		more = append(more, new(chunk))
	}
	c.chunks.Store(&more)
	return &more
}

package order

import (
	"bytes"
	"fmt"
)

// table is the simplest Keys.
type table [][]byte

func (t *table) Key(ref uint32) []byte { return (*t)[ref] }

func (t *table) add(k []byte) uint32 {
	*t = append(*t, k)
	return uint32(len(*t) - 1)
}

// checker walks a set and reports the first broken invariant:
//
//  1. keys ascend strictly, and Len counts them;
//  2. all keys of a node share its prefix, and each disc is what disc computes;
//  3. a separator is the smallest ref below the child it stands for;
//  4. leaves are at one depth, no node but an only leaf is empty, inner nodes have minKids;
//  5. every node of a pool is either reachable or free.
type checker struct {
	s     *Set
	live  [classes]uint32
	count int
	last  []byte
}

func (s *Set) check() error {
	c := &checker{s: s}
	if s.height > maxHeight {
		return fmt.Errorf("height %d", s.height)
	}
	if s.height > 0 {
		if _, err := c.walk(s.root, 0); err != nil {
			return err
		}
	}
	if c.count != s.len {
		return fmt.Errorf("%d refs, Len %d", c.count, s.len)
	}
	for i := range s.pools {
		p := &s.pools[i]
		free := uint32(0)
		for n := p.head; n != none; n = uint32(p.at(n)[1]) {
			if p.at(n)[0] != freeMark || n >= p.used {
				return fmt.Errorf("pool %d: node %d in the free list isn't free", i, n)
			}
			free++
		}
		if free != p.free || c.live[i]+free != p.used {
			return fmt.Errorf("pool %d: %d live, %d free (%d), %d used",
				i, c.live[i], free, p.free, p.used)
		}
		if p.sparse() {
			return fmt.Errorf("pool %d: %d of %d free", i, p.free, p.used)
		}
	}
	return nil
}

func (c *checker) walk(id uint32, depth int) (smallest uint32, err error) {
	s, v := c.s, c.s.node(id)
	c.live[id&classMask]++
	leaf := isLeaf(id)
	if leaf != (depth == s.height-1) {
		return 0, fmt.Errorf("depth %d of %d: leaf %v", depth, s.height, leaf)
	}
	if v.n == 0 || !leaf && depth > 0 && v.n < minKids || v.n > len(v.slots) {
		return 0, fmt.Errorf("depth %d: %d slots of %d", depth, v.n, len(v.slots))
	}
	from := 0
	if !leaf {
		from = 1
	}
	for i := from; i < v.n; i++ {
		k := s.keys.Key(v.ref(i))
		if len(k) < v.pre || !bytes.Equal(k[:v.pre], s.keys.Key(v.ref(from))[:v.pre]) {
			return 0, fmt.Errorf("slot %d: %q hasn't the prefix of %d bytes", i, k, v.pre)
		}
		if v.disc(i) != disc(k, v.pre) {
			return 0, fmt.Errorf("slot %d: disc %x of %q", i, v.disc(i), k)
		}
	}
	if leaf {
		for _, x := range v.slots[:v.n] {
			k := s.keys.Key(uint32(x))
			if c.count > 0 && bytes.Compare(c.last, k) >= 0 {
				return 0, fmt.Errorf("%q before %q", c.last, k)
			}
			c.last = k
			c.count++
		}
		return v.ref(0), nil
	}
	for i, kid := range v.kids()[:v.n] {
		least, err := c.walk(uint32(kid), depth+1)
		if err != nil {
			return 0, err
		}
		if i == 0 {
			smallest = least
		} else if v.ref(i) != least {
			return 0, fmt.Errorf("separator %d isn't the smallest, %d", v.ref(i), least)
		}
	}
	return smallest, nil
}

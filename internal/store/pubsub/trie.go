package pubsub

import "bytes"

// branch is what patterns may go on with after some segments. It is reached by one way only, so a
// walk visits it at most once.
type branch struct {
	few   []edge             // by literal segment, while there are at most fewEdges
	many  map[string]*branch // instead of few
	star  *branch            // by `*`
	globs *affixes[*branch]  // by a segment with `*` in it
	here  *Target            // the pattern that ends here
	rest  *Target            // the one that ends here with `#`
}

type edge struct {
	segment string
	to      *branch
}

// fewEdges is how many segments are compared one by one. A map costs about 300 bytes even for one.
const fewEdges = 8

// collect appends the patterns that match a topic of which this is left.
func (b *branch) collect(topic []byte, dst []*Target) []*Target {
	if b.rest != nil {
		dst = append(dst, b.rest)
	}
	segment, rest, more := cut(topic)
	if to := b.literal(segment); to != nil {
		dst = to.follow(rest, more, dst)
	}
	if b.star != nil {
		dst = b.star.follow(rest, more, dst)
	}
	if b.globs != nil {
		var buf [8]*branch
		for _, to := range b.globs.find(segment, buf[:0]) {
			dst = to.follow(rest, more, dst)
		}
	}
	return dst
}

func (b *branch) follow(rest []byte, more bool, dst []*Target) []*Target {
	if more {
		return b.collect(rest, dst)
	}
	if b.here != nil {
		dst = append(dst, b.here)
	}
	if b.rest != nil {
		dst = append(dst, b.rest)
	}
	return dst
}

func (b *branch) literal(segment []byte) *branch {
	if b.many != nil {
		return b.many[string(segment)]
	}
	for i := range b.few {
		if e := &b.few[i]; e.segment == string(segment) {
			return e.to
		}
	}
	return nil
}

// child is where a segment of a pattern leads to, or nil.
func (b *branch) child(segment []byte) *branch {
	switch {
	case string(segment) == "*":
		return b.star
	case bytes.IndexByte(segment, '*') < 0:
		return b.literal(segment)
	case b.globs != nil:
		to, _ := b.globs.get(segment)
		return to
	}
	return nil
}

func (b *branch) grow(segment []byte) *branch {
	to := new(branch)
	switch {
	case string(segment) == "*":
		b.star = to
	case bytes.IndexByte(segment, '*') < 0:
		b.growLiteral(string(segment), to)
	default:
		if b.globs == nil {
			b.globs = newAffixes[*branch](matchStars)
		}
		head := segment[:bytes.IndexByte(segment, '*')]
		tail := segment[bytes.LastIndexByte(segment, '*')+1:]
		b.globs.put(string(segment), head, tail, to)
	}
	return to
}

func (b *branch) growLiteral(segment string, to *branch) {
	if b.many == nil && len(b.few) < fewEdges {
		b.few = append(b.few, edge{segment, to})
		return
	}
	if b.many == nil {
		b.many = make(map[string]*branch, 2*fewEdges)
		for _, e := range b.few {
			b.many[e.segment] = e.to
		}
		b.few = nil
	}
	b.many[segment] = to
}

func (b *branch) prune(segment []byte) {
	switch {
	case string(segment) == "*":
		b.star = nil
	case bytes.IndexByte(segment, '*') >= 0:
		if b.globs.remove(segment); len(b.globs.all) == 0 {
			b.globs = nil
		}
	case b.many != nil:
		if delete(b.many, string(segment)); len(b.many) == 0 {
			b.many = nil
		}
	default:
		for i := range b.few {
			if b.few[i].segment == string(segment) {
				last := len(b.few) - 1
				b.few[i], b.few[last] = b.few[last], edge{}
				b.few = b.few[:last]
				break
			}
		}
		if len(b.few) == 0 {
			b.few = nil
		}
	}
}

func (b *branch) empty() bool {
	return b.here == nil && b.rest == nil && b.star == nil && b.globs == nil && b.few == nil &&
		b.many == nil
}

// find is the target of a valid pattern, or nil.
func (b *branch) find(pattern []byte) *Target {
	for more := true; more; {
		var segment []byte
		segment, pattern, more = cut(pattern)
		if string(segment) == "#" && !more {
			return b.rest
		}
		if b = b.child(segment); b == nil {
			return nil
		}
	}
	return b.here
}

// insert puts the target of a valid pattern there; there is none yet.
func (b *branch) insert(pattern []byte, t *Target) {
	for more := true; more; {
		var segment []byte
		segment, pattern, more = cut(pattern)
		if string(segment) == "#" {
			b.rest = t
			return
		}
		to := b.child(segment)
		if to == nil {
			to = b.grow(segment)
		}
		b = to
	}
	b.here = t
}

// remove takes a pattern out, which is there, and every branch that leads nowhere without it.
func (b *branch) remove(pattern []byte) {
	segment, rest, more := cut(pattern)
	if string(segment) == "#" {
		b.rest = nil
		return
	}
	to := b.child(segment)
	if more {
		to.remove(rest)
	} else {
		to.here = nil
	}
	if to.empty() {
		b.prune(segment)
	}
}

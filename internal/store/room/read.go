package room

import (
	"bytes"
	"math"
	"sort"

	"github.com/synapdb/synap/internal/errs"
)

const (
	defaultLimit = 100
	// mostScan bounds the events that one Read with a filter looks at under the lock.
	mostScan = 20_000
)

// resolve is the offset at which reading begins, which may be below r.first.
func (r *room) resolve(from Start) uint64 {
	switch from.kind {
	case startLast:
		return r.next - min(from.offset, r.next-r.first)
	case startSince:
		return r.shard.since(r, from.time)
	case startTail:
		return r.next
	}
	return from.offset
}

// Read appends events to dst, which it returns in the page, oldest first. They stay in the room. To
// ask for an offset that the room keeps no longer is an OffsetTrimmed error; offsets to come are
// empty. A query with a filter may end early, and say that there is More.
func (t *Tx) Read(name []byte, q *Query, dst []View) (Page, error) {
	r, err := t.need(name)
	if err != nil {
		return Page{}, err
	}
	r.active = max(r.active, t.now)
	p := Page{Events: dst, Next: r.resolve(q.From)}
	if p.Next < r.first {
		return Page{}, errs.Newf(errs.OffsetTrimmed,
			"Stream offset %d out of range; earliest retained offset is %d", p.Next, r.first)
	}
	r.read(q, &p)
	return p, nil
}

// read appends to p what q asks for, from p.Next on, which is not below r.first.
func (r *room) read(q *Query, p *Page) {
	until, limit, left := r.next, q.Limit, q.Bytes
	if q.Until != 0 {
		until = min(until, q.Until)
	}
	if limit <= 0 {
		limit = defaultLimit
	}
	if left <= 0 {
		left = math.MaxInt
	}
	sh := r.shard
	sh.quoted = sh.quoted[:0]
	if len(q.Event) > 0 {
		sh.quoted = appendQuoted(sh.quoted, q.Event)
	}
	n, scanned := len(p.Events), 0
	enough := func() bool {
		return p.Next >= until || len(p.Events)-n >= limit || left <= 0 || scanned >= mostScan
	}
	for !enough() {
		segment, i := r.find(p.Next)
		g := &r.segs[segment]
		for ; i < g.count && !enough(); i++ {
			if v, ok := r.view(g, i, sh.quoted); ok {
				p.Events = append(p.Events, v)
				left -= len(v.Name) + len(v.Data) + len(v.Metadata)
			}
			p.Next++
			scanned++
		}
	}
	p.More = p.Next < until
	r.consumed += int64(len(p.Events) - n)
}

// view is event i of a segment, if its name is the given one, as JSON string; empty = any.
func (r *room) view(g *segment, i uint32, name []byte) (View, bool) {
	sh := r.shard
	e := sh.entry(g, i)
	if len(name) > 0 && e.quoted() != len(name) {
		return View{}, false
	}
	offset := g.first + uint64(i)
	frame := sh.frames(g)[e.at:sh.at(g, i+1):sh.at(g, i+1)]
	if len(name) > 0 {
		at := quotedAt(frame, len(r.prefix), offset)
		if !bytes.Equal(frame[at:at+len(name)], name) {
			return View{}, false
		}
	}
	return e.view(frame, len(r.prefix), offset, g.base+int64(e.time)), true
}

// Frames appends whole frames to dst, from an offset on, while they are no more than most bytes;
// one larger frame comes alone. If the room keeps no longer what was asked for there is a gap.
func (t *Tx) Frames(name []byte, from uint64, most int, dst []byte) (Frames, error) {
	r, err := t.need(name)
	if err != nil {
		return Frames{}, err
	}
	r.active = max(r.active, t.now)
	return r.frames(from, most, dst), nil
}

func (r *room) frames(from uint64, most int, dst []byte) Frames {
	f := Frames{Bytes: dst, Next: from}
	if from < r.first {
		f.Gap = Gap{from, r.first}
		f.Next, f.More = r.first, r.first < r.next
		return f
	}
	sh, left := r.shard, most
	for f.Next < r.next && left > 0 {
		segment, i := r.find(f.Next)
		g := &r.segs[segment]
		begin := sh.at(g, i)
		to, end := g.count, g.used
		if int(end-begin) > left {
			// The first event that ends beyond what is left.
			to = i + uint32(sort.Search(int(g.count-i), func(n int) bool {
				return int(sh.at(g, i+uint32(n)+1)-begin) > left
			}))
			if to == i && f.Events == 0 {
				to++
			}
			end, left = sh.at(g, to), 0
		}
		f.Bytes = append(f.Bytes, sh.frames(g)[begin:end]...)
		f.Events += int(to - i)
		f.Next += uint64(to - i)
		left -= int(end - begin)
	}
	f.More = f.Next < r.next
	r.consumed += int64(f.Events)
	return f
}

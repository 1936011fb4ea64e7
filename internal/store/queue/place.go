package queue

import (
	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/store/slab"
)

// place is where a message is in its life: all of it that effects change.
type place struct {
	seq          uint64
	due, expires int64
	token, conn  uint64
	consumer     []byte
	retries      uint16
	state        effect.MessageState
	reason       effect.Reason
	push         bool
}

// placeOf is where the message is now. Consumer is a view of a string.
func (sh *shard) placeOf(q *queue, m *message) place {
	p := place{
		seq: m.seq, retries: m.retries, state: effect.MessageState(m.state),
		reason: effect.Reason(m.reason),
	}
	if m.aux == 0 {
		return p
	}
	a := sh.aux(m.aux)
	p.expires = a.expires
	if p.state == effect.Leased || p.state == effect.Delayed {
		p.due = a.due
	}
	if p.state == effect.Leased {
		p.token, p.conn, p.push = a.token, a.conn, a.push()
		p.consumer = bytesOf(q.holderAt(a.holder).name)
	}
	return p
}

// exit takes the message out of its list, stops its timer and gives up its lease.
func (sh *shard) exit(q *queue, m *message) {
	sh.unlink(q, m)
	if m.aux == 0 {
		return
	}
	sh.stop(m.aux)
	if effect.MessageState(m.state) == effect.Leased {
		a := sh.aux(m.aux)
		sh.release(q, a)
		a.owner &^= pushAux
	}
}

// enter puts a message that is nowhere into a place.
func (sh *shard) enter(q *queue, ref slab.Ref, p *place, bulk bool) {
	m := sh.message(ref)
	m.seq, m.retries, m.state, m.reason = p.seq, p.retries, uint8(p.state), uint8(p.reason)
	leased := p.state == effect.Leased
	switch {
	case leased || p.state == effect.Delayed || p.expires != 0:
		a := sh.needAux(q, ref, m, leased)
		a.due, a.expires = p.due, p.expires
		if leased {
			a.token, a.conn = p.token, p.conn
			if p.push {
				a.owner |= pushAux
			}
			sh.hold(q, q.holder(p.consumer), m.aux, a)
		}
	case m.aux != 0:
		sh.freeAux(q, m)
	}
	sh.link(q, ref, m, bulk)
	sh.arm(m)
}

// detach takes a message out of everything but its block.
func (sh *shard) detach(q *queue, ref slab.Ref) {
	m := sh.message(ref)
	sh.exit(q, m)
	sh.forgetNumber(q, m.id)
}

package workload

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/synapdb/synap/internal/benchmark/load"
	"github.com/synapdb/synap/internal/benchmark/target"
)

// listener is one subscriber. One goroutine reads; what others look at is atomic.
type listener struct {
	run   *Broadcast
	index int
	conn  target.Subscriber
	lanes map[uint32]*lane // by name
	// history says that it reads what was published before: messages count for nobody else.
	history bool

	recorder atomic.Pointer[load.Recorder] // nil: what comes is not measured
	got      atomic.Int64                  // deliveries, without duplicates
	marks    atomic.Int64                  // of them, those that mark the end
	ended    atomic.Pointer[error]         // why, unless we wanted it
	trimmed  atomic.Int64                  // events the room forgot before they could be read
}

// lane is what a subscriber got of one room or topic.
type lane struct {
	offsets order   // of a room
	seqs    []order // of a topic, by publisher
}

// listen subscribes.
func (b *Broadcast) listen(ctx context.Context, i int) (*listener, error) {
	l := &listener{run: b, index: i, lanes: make(map[uint32]*lane, len(b.params.Matches[i]))}
	for _, name := range b.params.Matches[i] {
		l.lanes[uint32(name)] = new(lane)
	}
	var err error
	l.conn, err = b.server.Subscriber(ctx, b.params.Space, b.params.Subscriptions[i])
	return l, err
}

// read takes what comes until the connection ends.
func (l *listener) read(ctx context.Context) {
	for {
		e, err := l.conn.Next(ctx)
		if err != nil {
			if !l.run.closing.Load() {
				l.ended.Store(&err)
			}
			return
		}
		l.take(&e)
	}
}

// take checks what came, and measures it.
func (l *listener) take(e *target.Event) {
	b := l.run
	if e.Trimmed > 0 {
		l.trimmed.Add(e.Trimmed)
		if l.history {
			l.skip(e)
		}
		return
	}
	var m broadcastMessage
	if !m.read(e.Payload, b.params.Size, b.run) || int(m.name) >= len(b.sent) ||
		int(m.publisher) >= b.publishers() || m.number >= b.numbers.Load() {
		b.faults.Unexpected(fmt.Sprintf("subscriber %d got what nobody has published: %.60q",
			l.index, e.Payload))
		return
	}
	to := l.lanes[m.name]
	if to == nil || e.Name != b.params.Names[m.name] {
		b.faults.Unexpected(fmt.Sprintf("subscriber %d of %q got a message to %s as one of %s",
			l.index, b.params.Subscriptions[l.index].Names, b.params.Names[m.name], e.Name))
		return
	}
	at, seq := &to.offsets, e.Offset
	if e.Offset < 0 {
		if to.seqs == nil {
			to.seqs = make([]order, b.publishers())
		}
		at, seq = &to.seqs[m.publisher], int64(m.seq)
	} else {
		b.content(&m, e.Offset)
	}
	switch at.see(seq) {
	case twice:
		b.faults.Duplicate(fmt.Sprintf("subscriber %d got message %d of %s twice", l.index, seq,
			e.Name))
		return
	case late:
		b.faults.Reordered(fmt.Sprintf("subscriber %d got message %d of %s behind later ones",
			l.index, seq, e.Name))
	case inOrder:
	}
	l.measure(&m)
	l.got.Add(1) // whoever counts on it finds the measurement
}

// skip begins a history where the room's does.
func (l *listener) skip(e *target.Event) {
	for name, to := range l.lanes {
		if l.run.params.Names[name] == e.Name {
			to.offsets.next = max(to.offsets.next, e.Offset)
		}
	}
}

// measure takes down how late a message came, and whether it was the last one to get it.
func (l *listener) measure(m *broadcastMessage) {
	if l.history {
		return
	}
	b, r := l.run, l.recorder.Load()
	if int(m.publisher) == b.marker() {
		l.marks.Add(1)
		r = nil
	}
	latency := time.Since(b.start) - m.due
	if r != nil {
		r.RecordLatency(deliveryOp, latency, b.params.Size, nil)
	}
	if b.left.at(m.number).Add(-1) == 0 {
		if r != nil {
			r.RecordLatency(fanoutOp, latency, 0, nil)
		}
		b.done()
	}
}

// judge counts what was published and never came to whom it should, when nothing can come any
// more. Nobody else uses b or its listeners.
func (b *Broadcast) judge() {
	for i := range b.sent {
		b.holes(i)
	}
	for _, l := range b.all {
		lost := l.lost()
		why := l.ended.Load()
		switch {
		case lost > 0 && why != nil:
			b.faults.Lost(lost, fmt.Sprintf("subscriber %d was cut off and missed %d: %v",
				l.index, lost, *why))
		case lost > 0 && l.trimmed.Load() > 0:
			b.faults.Lost(lost, fmt.Sprintf("subscriber %d missed %d: the room forgot them before "+
				"they were read", l.index, lost))
		case lost > 0:
			b.faults.Lost(lost, fmt.Sprintf("subscriber %d of %q never got %d messages", l.index,
				b.params.Subscriptions[l.index].Names, lost))
		case why != nil:
			b.faults.Unexpected(fmt.Sprintf("subscriber %d was cut off: %v", l.index, *why))
		}
	}
}

// holes counts the offsets of a room that no message has.
func (b *Broadcast) holes(name int) {
	to := &b.sent[name]
	for offset := range to.top.Load() {
		if to.contents.at(offset).Load() == 0 {
			b.faults.Gap(1, fmt.Sprintf("no event of %s has offset %d", b.params.Names[name],
				offset))
		}
	}
}

// lost is how many messages a subscriber should have got and did not.
func (l *listener) lost() int64 {
	var lost int64
	for name, got := range l.lanes {
		to := &l.run.sent[name]
		if top := to.top.Load(); top > 0 {
			got.offsets.each(top, func(s span) {
				for offset := s.from; offset < s.to; offset++ {
					if to.contents.at(offset).Load() != 0 {
						lost++
					}
				}
			})
			continue
		}
		if got.seqs == nil {
			got.seqs = make([]order, l.run.publishers())
		}
		for p := range got.seqs {
			got.seqs[p].each(to.seqs[p].Load(), func(s span) {
				for seq := s.from; seq < s.to; seq++ {
					if !to.mu.refused[[2]int64{int64(p), seq}] {
						lost++
					}
				}
			})
		}
	}
	return lost
}

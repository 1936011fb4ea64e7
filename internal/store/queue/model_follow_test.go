package queue

import (
	"bytes"
	"slices"

	"github.com/synapdb/synap/internal/effect"
)

// The store does what has come due before what it was asked for, and chooses ids, tokens and how
// back-off is jittered. Its record tells: the twin follows it, having checked each step.

type messageKey struct {
	queue  string
	number uint64
}

// observed is what a record says that the twin still has to use.
type observed struct {
	at      int                         // bytes of the present Tx' record that were read
	puts    map[string][]uint64         // numbers of new messages, in order
	returns map[messageKey]effect.Queue // the last of each message
	many    bool                        // more was due than a call does
}

func decodeAll(t tester, record []byte) (list []effect.Queue) {
	for len(record) > 0 {
		e, rest, err := effect.DecodeQueue(record)
		if err != nil {
			t.Fatalf("%v", err)
		}
		list = append(list, e)
		record = rest
	}
	return list
}

// observe reads what is new in the record of tx. Of that, the twin does what was due; what the
// call itself did is left for the twin's own call, before which observe must come.
func (m *model) observe(t tester, tx *Tx) {
	list := decodeAll(t, bytes.Clone(tx.Record()[m.seen.at:]))
	m.seen.at = len(tx.Record())
	m.note(list)
	for i := range list {
		m.follow(t, &list[i])
	}
}

func (m *model) note(list []effect.Queue) {
	m.seen.many = len(m.w.over()) > fireMost
	m.seen.puts, m.seen.returns = map[string][]uint64{}, map[messageKey]effect.Queue{}
	for _, e := range list {
		switch name := string(e.Name); e.Kind {
		case effect.QueuePut:
			m.seen.puts[name] = append(m.seen.puts[name], e.Message)
		case effect.QueueReturn:
			m.seen.returns[messageKey{name, e.Message}] = e
		}
	}
}

// taped are the effects of the records from number mark on.
func (m *model) taped(t tester, mark int) (list []effect.Queue) {
	for _, r := range m.j.records[mark:] {
		list = append(list, decodeAll(t, r.payload)...)
	}
	return list
}

// about is the message of which e says that it left its place, nil if e says no such thing.
func (m *model) about(e *effect.Queue) *twinMessage {
	switch e.Kind {
	case effect.QueueReturn, effect.QueueRemove, effect.QueueDead:
	default:
		return nil
	}
	q := m.w.queues[string(e.Name)]
	if q == nil {
		return nil
	}
	return q.find(ID{q.made, e.Message})
}

// follow does to the twin what the store did first to one message because it was due, having
// checked that nothing of its queue was due earlier.
func (m *model) follow(t tester, e *effect.Queue) {
	n := m.about(e)
	if n == nil || n.due() == 0 || n.due() > m.w.now {
		return
	}
	for _, o := range m.w.over() {
		if m.seen.many {
			break // a call does not do so much, and then what stands in its own way
		}
		if o.queue == n.queue && o.due() < n.due() && !m.w.elsewhere(o) {
			t.Fatalf("%s: message %d, due at %d, before %d, due at %d", e.Name, e.Message,
				n.due()-epoch, o.ID.Number, o.due()-epoch)
		}
	}
	m.w.happen(n)
	m.adopt(t)
}

// adopt takes over what the store chose. After a publish the newest number is the message's own.
func (m *model) adopt(t tester) {
	for _, n := range m.w.unknown {
		name := n.queue.name
		if len(m.seen.puts[name]) == 0 {
			t.Fatalf("no message came to %s", name)
		}
		n.ID = ID{n.queue.made, m.seen.puts[name][0]}
		m.seen.puts[name] = m.seen.puts[name][1:]
		m.newID(t, n.ID)
	}
	for _, n := range m.w.loose {
		e, ok := m.seen.returns[messageKey{n.queue.name, n.ID.Number}]
		at := e.Due
		if e.State == effect.Ready {
			at = m.w.now
		}
		if !ok || at < n.least || at > n.most {
			t.Fatalf("%s: back-off until %d, want %d to %d (now %d)", n.queue.name, at-epoch,
				n.least-epoch, n.most-epoch, m.w.now-epoch)
		}
		n.State, n.Due = e.State, e.Due
	}
	m.w.unknown, m.w.loose = nil, nil
}

// adopted ends a call: the twin has done it too.
func (m *model) adopted(t tester) {
	m.adopt(t)
	for name, numbers := range m.seen.puts {
		if len(numbers) > 0 {
			t.Fatalf("messages %v came to %s unexpectedly", numbers, name)
		}
	}
}

// settle lets the store do what is due, as any call does first, with every queue locked.
func (m *model) settle(t tester) {
	m.locked(func(tx *Tx) {
		for before := -1; before != len(tx.Record()); {
			before = len(tx.Record())
			for _, name := range queueNames {
				_, _ = tx.Stats([]byte(name))
				m.observe(t, tx)
				m.adopted(t)
			}
		}
	})
	m.nothingDue(t)
}

func (m *model) nothingDue(t tester) {
	if left := m.w.over(); len(left) > 0 {
		t.Fatalf("%d due messages were left alone: %+v (now %d)", len(left), left[0].View,
			m.w.now)
	}
	m.refresh()
}

// maintain lets come due what is, in the store and then, in the same order, in the twin.
func (m *model) maintain(t tester) {
	mark := len(m.j.records)
	m.alarmed = false
	m.next = m.w.now
	for i := 0; m.next != 0 && m.next <= m.w.now; i++ {
		if i > 1000 {
			t.Fatalf("Maintain does not come to an end")
		}
		m.next = m.s.Maintain(m.w.now, 1000)
	}
	list := m.taped(t, mark)
	m.note(list)
	for i := range list {
		if e := &list[i]; e.Kind != effect.QueuePut && m.about(e) == nil {
			t.Fatalf("Maintain did %+v", e)
		}
		m.follow(t, &list[i])
	}
	m.adopted(t)
	m.nothingDue(t)
}

// release does to the twin what the end of push connections did: all of them, or one of a queue.
func (m *model) release(t tester, mark int, mine func(*twinMessage) bool) {
	list := m.taped(t, mark)
	m.note(list)
	for i := range list {
		n := m.about(&list[i])
		if n == nil && list[i].Kind == effect.QueuePut {
			continue
		}
		if n == nil || n.State != effect.Leased || !mine(n) {
			t.Fatalf("the end of a connection did %+v", list[i])
		}
		m.w.released(n)
		m.adopt(t)
	}
	m.adopted(t)
	for _, q := range m.w.queues {
		if slices.ContainsFunc(q.in(effect.Leased), mine) {
			t.Fatalf("a connection that ended still holds leases of %s", q.name)
		}
	}
}

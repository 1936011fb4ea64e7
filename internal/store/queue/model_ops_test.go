package queue

import (
	"bytes"
	"fmt"

	"pgregory.net/rapid"

	"github.com/synapdb/synap/internal/effect"
)

// prepare makes most queues, so that the runs have something to do.
func (m *model) prepare(t *rapid.T) {
	for _, name := range queueNames[:rapid.IntRange(1, 4).Draw(t, "queues")] {
		m.create(t, name)
	}
}

func (m *model) create(t *rapid.T, name string) {
	if name == "absent" {
		return
	}
	o := drawSettings(t)
	m.locked(func(tx *Tx) {
		created, err := tx.Create([]byte(name), o)
		if o.DeadLetter == name && m.w.queues[name] == nil {
			sameError(t, "create", err, ownDeadLetters)
			return
		}
		sameError(t, "create", err, "")
		if want := m.w.create(name, o); created != want {
			t.Fatalf("create %s: %v, want %v", name, created, want)
		}
		for _, e := range decodeAll(t, tx.Record()) {
			m.w.queues[name].made = e.Settings.Incarnation
		}
	}, name)
}

// single runs one call on one queue and compares everything.
func (m *model) single(call func(*rapid.T, *Tx, string)) func(*rapid.T) {
	return func(t *rapid.T) {
		name := drawName(t)
		m.locked(func(tx *Tx) { call(t, tx, name) }, name)
	}
}

func (m *model) actions() map[string]func(*rapid.T) {
	a := map[string]func(*rapid.T){
		"create":    func(t *rapid.T) { m.create(t, drawName(t)) },
		"delete":    m.delete,
		"update":    m.single(m.update),
		"pause":     m.single(m.pause),
		"ack":       m.single(m.ack),
		"extend":    m.single(m.extend),
		"purge":     m.single(m.purge),
		"redrive":   m.single(m.redrive),
		"purgeDead": m.single(m.purgeDead),
		"detach":    m.detach,
		"group":     m.group,
		"time":      m.time,
		"maintain":  func(t *rapid.T) { m.maintain(t) },
		"": func(t *rapid.T) {
			if !m.late {
				m.compare(t)
			}
			m.late = false
		},
	}
	for n := range 4 { // most often
		a[fmt.Sprint("publish", n)], a[fmt.Sprint("deliver", n)] =
			m.single(m.publish), m.single(m.deliver)
		a[fmt.Sprint("nack", n)] = m.single(m.nack)
	}
	return a
}

func (m *model) delete(t *rapid.T) {
	name := drawName(t)
	if rapid.IntRange(0, 3).Draw(t, "really") != 0 {
		return
	}
	m.locked(func(tx *Tx) {
		want := m.w.queues[name] != nil
		if got := tx.Delete([]byte(name)); got != want {
			t.Fatalf("delete %s: %v, want %v", name, got, want)
		}
	}, name)
	delete(m.w.queues, name)
}

func (m *model) update(t *rapid.T, tx *Tx, name string) {
	q, o := m.w.queues[name], drawSettings(t)
	err := tx.Update([]byte(name), func(s *Settings) {
		n := o
		n.Incarnation, n.Created, n.Paused = s.Incarnation, s.Created, s.Paused
		*s = n
	})
	m.observe(t, tx)
	switch {
	case q == nil:
		sameError(t, "update", err, notFound(name))
	case o.DeadLetter == name:
		m.w.saw("settings refused")
		sameError(t, "update", err, ownDeadLetters)
	default:
		sameError(t, "update", err, "")
		paused := q.set.Paused
		q.set = m.w.needed(o)
		q.set.Paused = paused
	}
}

func (m *model) pause(t *rapid.T, tx *Tx, name string) {
	q, pause := m.w.queues[name], rapid.IntRange(0, 3).Draw(t, "pause") == 0
	err := tx.Update([]byte(name), func(s *Settings) { s.Paused = pause })
	m.observe(t, tx)
	if q == nil {
		sameError(t, "pause", err, notFound(name))
		return
	}
	sameError(t, "pause", err, "")
	q.set.Paused = pause
}

func (m *model) publish(t *rapid.T, tx *Tx, name string) {
	for range rapid.SampledFrom([]int{1, 1, 2, 5}).Draw(t, "n") {
		m.publishOne(t, tx, name, drawMessage(t, m.w.now))
	}
}

func (m *model) publishOne(t tester, tx *Tx, name string, in *Message) {
	got, err := tx.Publish([]byte(name), in)
	m.observe(t, tx)
	fail, dup, n := m.w.publish(name, in)
	sameError(t, "publish", err, fail)
	m.adopt(t)
	switch {
	case fail != "":
	case n == nil:
		if !got.Duplicate || got.ID != dup {
			t.Fatalf("publish %q: %+v, want duplicate of %v", in.Dedup, got, dup)
		}
	default:
		m.w.unknown = []*twinMessage{n}
		m.adopt(t)
		if n.ID != got.ID || got.Duplicate {
			t.Fatalf("published %+v is recorded as %v", got, n.ID)
		}
		if q := n.queue; len(in.Dedup) > 0 && q.set.DedupWindow > 0 {
			q.dedup[string(in.Dedup)] = twinDedup{got.ID, m.w.now + q.set.DedupWindow}
		}
	}
	m.adopted(t)
}

func (m *model) deliver(t *rapid.T, tx *Tx, name string) {
	d := &Deliver{
		Consumer: []byte(drawConsumer(t)),
		Deadline: rapid.SampledFrom([]int64{0, 0, 1, 300}).Draw(t, "deadline"),
		Count:    rapid.SampledFrom([]int{1, 1, 2, 10}).Draw(t, "count"),
		Bytes:    rapid.SampledFrom([]int{0, 0, 1, 25}).Draw(t, "bytes"),
	}
	if rapid.IntRange(0, 2).Draw(t, "push") == 0 {
		d.Conn = uint64(rapid.IntRange(1, 2).Draw(t, "conn"))
		d.Window = rapid.IntRange(0, 2).Draw(t, "window")
	}
	got := tx.Deliver([]byte(name), d, nil)
	m.observe(t, tx)
	want := m.w.deliver(name, d)
	if len(got) != len(want) {
		t.Fatalf("deliver %s %+v: %d messages, want %d", name, d, len(got), len(want))
	}
	for i, v := range got {
		m.fresh(t, v.Token)
		want[i].Token = v.Token
		sameView(t, "delivered", v, want[i])
		m.taken = append(m.taken, Lease{v.ID, v.Token, bytes.Clone(d.Consumer)})
	}
}

func (m *model) ack(t *rapid.T, tx *Tx, name string) {
	l := m.drawLease(t, name)
	err := tx.Ack([]byte(name), l)
	m.observe(t, tx)
	sameError(t, "ack", err, m.w.ack(name, l))
}

func (m *model) nack(t *rapid.T, tx *Tx, name string) {
	l := m.drawLease(t, name)
	n := Nack{Requeue: rapid.IntRange(0, 4).Draw(t, "requeue") != 0,
		Delay: rapid.SampledFrom([]int64{-1, -1, 0, 1, 400}).Draw(t, "delay")}
	err := tx.Nack([]byte(name), l, n)
	m.observe(t, tx)
	sameError(t, "nack", err, m.w.nack(name, l, n))
	m.adopted(t)
}

func (m *model) extend(t *rapid.T, tx *Tx, name string) {
	l := m.drawLease(t, name)
	d := rapid.SampledFrom([]int64{0, 1, 2000}).Draw(t, "duration")
	got, err := tx.Extend([]byte(name), l, d)
	m.observe(t, tx)
	want, fail := m.w.extend(name, l, d)
	sameError(t, "extend", err, fail)
	if got != want {
		t.Fatalf("extended until %d, want %d", got-epoch, want-epoch)
	}
}

func (m *model) purge(t *rapid.T, tx *Tx, name string) {
	if rapid.IntRange(0, 2).Draw(t, "really") != 0 {
		return
	}
	delayed := rapid.Bool().Draw(t, "delayed")
	got, err := tx.Purge([]byte(name), delayed)
	m.observe(t, tx)
	want, fail := m.w.purge(name, delayed, len(m.j.records), tx.atomic)
	sameError(t, "purge", err, fail)
	if got != want {
		t.Fatalf("purged %d, want %d", got, want)
	}
}

// drawDead names some dead letters, or all by naming none.
func (m *model) drawDead(t *rapid.T, name string) (ids []ID) {
	for range rapid.SampledFrom([]int{0, 0, 1, 1, 3}).Draw(t, "named") {
		ids = append(ids, m.drawID(t, name, effect.DeadLetter))
	}
	return ids
}

func (m *model) redrive(t *rapid.T, tx *Tx, name string) {
	ids, dry := m.drawDead(t, name), rapid.IntRange(0, 3).Draw(t, "dry") == 0
	limit := rapid.SampledFrom([]int{0, 1, 2}).Draw(t, "limit")
	got, err := tx.Redrive([]byte(name), ids, limit, dry)
	m.observe(t, tx)
	want, fail := m.w.redrive(name, ids, limit, dry)
	sameError(t, "redrive", err, fail)
	if got != want {
		t.Fatalf("redrive %v (%d): %d, want %d", ids, limit, got, want)
	}
}

func (m *model) purgeDead(t *rapid.T, tx *Tx, name string) {
	ids, dry := m.drawDead(t, name), rapid.Bool().Draw(t, "dry")
	got, err := tx.PurgeDead([]byte(name), ids, dry)
	m.observe(t, tx)
	want, fail := m.w.purgeDead(name, ids, dry)
	sameError(t, "purgeDead", err, fail)
	if got != want {
		t.Fatalf("purgeDead %v: %d, want %d", ids, got, want)
	}
}

func (m *model) detach(t *rapid.T) {
	name, conn := drawName(t), uint64(rapid.IntRange(1, 2).Draw(t, "conn"))
	mark := len(m.j.records)
	m.s.Detach([]byte(name), conn, m.w.now)
	m.release(t, mark, func(n *twinMessage) bool {
		return n.queue.name == name && n.conn == conn
	})
	if q := m.w.queues[name]; q != nil {
		delete(q.conns, conn)
	}
}

// group is an atomic section that is kept or rolled back.
func (m *model) group(t *rapid.T) {
	m.settle(t)
	before, mark := m.w.clone(), len(m.j.records)
	ids, digest := len(m.ids), m.s.Digest(m.w.now)
	rollback := rapid.Bool().Draw(t, "rollback")
	calls := []func(*rapid.T, *Tx, string){m.publish, m.publish, m.deliver, m.ack, m.nack,
		m.extend, m.update, m.pause, m.purge, m.redrive, m.purgeDead}
	m.locked(func(tx *Tx) {
		tx.Atomic()
		for range rapid.IntRange(1, 8).Draw(t, "calls") {
			call := calls[rapid.IntRange(0, len(calls)-1).Draw(t, "call")]
			call(t, tx, drawName(t))
		}
		if rollback {
			tx.Rollback()
		}
	})
	if !rollback {
		m.w.saw("kept atomically")
		return
	}
	m.w.saw("rolled back")
	for name, q := range before.queues {
		q.conns = m.w.queues[name].conns // they are there, whatever became of their deliveries
	}
	m.w, m.ids = before, m.ids[:ids]
	if len(m.j.records) != mark {
		t.Fatalf("a group that was rolled back reached the journal")
	}
	if m.s.Digest(m.w.now) != digest {
		t.Fatalf("the digest after a rollback is another one")
	}
}

func (m *model) time(t *rapid.T) {
	m.w.now += rapid.OneOf(rapid.Int64Range(0, 60), rapid.Int64Range(0, 2500),
		rapid.SampledFrom([]int64{1, 50, 100, 200, 300, 400}), // as deadlines and windows are
		rapid.SampledFrom([]int64{10, 10, 10, 10, 1 << 41})).Draw(t, "ms")
	if m.late = true; rapid.Bool().Draw(t, "maintain") {
		m.maintain(t)
	}
}

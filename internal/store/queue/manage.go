package queue

import (
	"slices"
	"strings"

	"github.com/synapdb/synap/internal/effect"
)

// mostConsumers bounds the consumers that Info lists.
const mostConsumers = 1000

// Create makes a queue, the zero values of settings completed by the defaults: a queue without any
// retries, or without a bound, is made by Create and Update in one Tx. false: it exists, and stays
// as it is. The error is about settings out of bounds.
func (t *Tx) Create(name []byte, o Settings) (created bool, err error) {
	if err := checkName("queue", name); err != nil {
		return false, err
	}
	if t.find(name) != nil {
		return false, nil
	}
	own := string(name)
	complete(&o, &t.s.defaults, own)
	o.Priority = min(o.Priority, Priorities-1)
	if err := check(own, &o); err != nil {
		return false, err
	}
	o.Created, o.Incarnation = t.now, 0
	for o.Incarnation == 0 {
		o.Incarnation = t.s.random() & (1<<incarnationBits - 1)
	}
	q := t.set(nil, own, &effect.Queue{Kind: effect.QueueSet, Settings: o})
	t.touch(q)
	return true, nil
}

// Update changes the settings of a queue. What change leaves counts as it is, zeros too, except
// that AckDeadline, BackoffCap and BackoffMilli of 0 are the defaults; Incarnation and Created
// stay. Errors: QueueNotFound, settings out of bounds; then nothing changes.
func (t *Tx) Update(name []byte, change func(*Settings)) error {
	q, err := t.queueNamed(name)
	if err != nil {
		return err
	}
	o := q.set
	change(&o)
	completeNeeded(&o, &t.s.defaults)
	o.Priority = min(o.Priority, Priorities-1)
	o.Incarnation, o.Created = q.set.Incarnation, q.set.Created
	if err := check(q.name, &o); err != nil {
		return err
	}
	t.touch(q)
	if o == q.set {
		return nil
	}
	t.set(q, q.name, &effect.Queue{Kind: effect.QueueSet, Settings: o})
	return nil
}

// Delete removes a queue with all its messages; false: there is none.
func (t *Tx) Delete(name []byte) bool {
	q := t.find(name)
	if q == nil {
		return false
	}
	t.discard(q)
	return true
}

// Purge removes ready messages, and delayed ones if wanted.
func (t *Tx) Purge(name []byte, delayed bool) (purged int64, err error) {
	q, err := t.queueNamed(name)
	if err != nil {
		return 0, err
	}
	t.touch(q)
	states := []effect.MessageState{effect.Ready, effect.Delayed}
	if !delayed {
		states = states[:1]
	}
	for _, state := range states {
		if *q.size(uint8(state)) == 0 {
			continue
		}
		if t.atomic {
			purged += t.purgeEach(q, state)
		} else {
			purged += t.purge(q, state, q.seq)
		}
	}
	return purged, nil
}

// purgeEach is purge by an effect for each message, which can be undone.
func (t *Tx) purgeEach(q *queue, state effect.MessageState) (n int64) {
	for i := listIn(state, 0); i <= listIn(state, Priorities-1); i++ {
		for ref := q.lists[i].head; ref != 0; ref = q.lists[i].head {
			t.remove(q, ref, effect.NoReason)
			n++
		}
	}
	return n
}

// Stats reads the counters of a queue.
func (t *Tx) Stats(name []byte) (Stats, error) {
	q, err := t.queueNamed(name)
	if err != nil {
		return Stats{}, err
	}
	return q.stats, nil
}

// Info reads everything about a queue.
func (t *Tx) Info(name []byte) (Info, error) {
	q, err := t.queueNamed(name)
	if err != nil {
		return Info{}, err
	}
	sh := q.shard
	info := Info{Name: q.name, Settings: q.set, Stats: q.stats}
	for i := range Priorities {
		sh.inOrder(q, i)
		if ref := q.lists[i].head; ref != 0 {
			if at := sh.message(ref).created; info.Oldest == 0 || at < info.Oldest {
				info.Oldest = at
			}
		}
	}
	if q.set.SingleActive {
		info.Active = q.active
	}
	info.Consumers = q.consumers()
	return info, nil
}

// consumers are those that hold leases or wait, by name.
func (q *queue) consumers() []ConsumerInfo {
	leased := map[string]ConsumerInfo{}
	for name, h := range q.holders.byName {
		if h.leases > 0 {
			leased[name] = ConsumerInfo{Name: name, Leased: h.leases}
		}
	}
	if q.line != nil {
		for w := q.line.first; w != nil; w = w.next {
			c := leased[string(w.consumer)]
			c.Name, c.Waiting = string(w.consumer), true
			leased[c.Name] = c
		}
	}
	all := make([]ConsumerInfo, 0, len(leased))
	for _, c := range leased {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b ConsumerInfo) int { return strings.Compare(a.Name, b.Name) })
	return all[:min(len(all), mostConsumers)]
}

// Peek appends up to limit messages in a state to dst, from the one behind after (zero: from the
// first), without leasing them: ready ones in order of service, delayed ones and dead letters in
// the order they became so, leased ones in no particular one. Expired ones are left out.
// MessageNotFound: after is no longer in that state.
func (t *Tx) Peek(name []byte, state effect.MessageState, after ID, limit int,
	dst []View,
) ([]View, error) {
	q, err := t.queueNamed(name)
	if err != nil {
		return dst, err
	}
	if state > effect.DeadLetter {
		return dst, nil
	}
	sh := q.shard
	i := listIn(state, Priorities-1)
	sh.inOrder(q, i)
	ref := q.lists[i].head
	if after != (ID{}) {
		from := sh.find(q, after.Number)
		if after.Queue != q.set.Incarnation || from == 0 ||
			sh.message(from).state != uint8(state) {
			return dst, errNoMessage(after)
		}
		i = listOf(sh.message(from))
		sh.inOrder(q, i)
		ref = sh.message(from).next
	}
	for n := 0; n < limit; {
		if ref == 0 {
			if i--; state != effect.Ready || i < 0 {
				break
			}
			sh.inOrder(q, i)
			ref = q.lists[i].head
			continue
		}
		m := sh.message(ref)
		if state > effect.Delayed || !sh.expired(m, t.now) {
			dst = append(dst, sh.view(q, m))
			n++
		}
		ref = m.next
	}
	return dst, nil
}

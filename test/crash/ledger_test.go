package crash

import (
	"fmt"
	"sync"
)

// note is what the workers know of one message, whose payload is unlike all others.
type note struct {
	queue string
	there bool // surely published: it was answered, or the message was seen
	void  bool // surely not published: it may never appear
	gone  bool // surely acknowledged
	// goneAt and lastAt are the ledger's time when it was known to be gone, and delivered last.
	goneAt, lastAt int
	leaving        int          // acknowledgements that were sent and are not answered
	retries        map[int]bool // with which retry counts it was delivered, as far as answers came
	last           int          // the highest of them, -1 = none
}

// deal is asked for as one: a message is acknowledged, a key set and another message published.
type deal struct {
	key         string
	done, spawn string // payloads of the two messages
}

// ledger is what all workers know together. Unlike a key, a message passes from one to the other.
type ledger struct {
	mu    sync.Mutex
	notes map[string]*note // by payload
	deals map[string]*deal // not answered, by key
	kept  map[string]bool  // keys of those that happened
	live  int              // messages there may be, dead letters excepted
	time  int              // grows with every step
	lost  int              // lives of a server in which the answer to a consumer was lost
	loses bool             // this one is such a life
}

func newLedger() *ledger {
	return &ledger{notes: map[string]*note{}, deals: map[string]*deal{}, kept: map[string]bool{}}
}

// locked runs f as one step.
func (l *ledger) locked(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.time++
	f()
}

func (l *ledger) add(payload, queue string) {
	l.notes[payload] = &note{queue: queue, retries: map[int]bool{}, last: -1}
	l.live++
}

func (l *ledger) publishing(payload, queue string) { l.locked(func() { l.add(payload, queue) }) }

func (l *ledger) published(payload string) { l.locked(func() { l.notes[payload].there = true }) }

// room says whether there are few messages, and at what time it is.
func (l *ledger) room() (few bool, at int) {
	l.locked(func() { few, at = l.live < mostLive, l.time })
	return few, at
}

// unanswered notes that an answer to a consumer was lost: messages may be in nobody's hands.
func (l *ledger) unanswered() { l.locked(func() { l.loses = true }) }

// delivered checks a delivery that was asked for at a time.
func (l *ledger) delivered(d *delivery, asked int) (err error) {
	l.locked(func() {
		n := l.notes[d.payload]
		switch {
		case n == nil || n.void:
			err = fmt.Errorf("%q was delivered and never published", d.payload)
		case n.gone && n.goneAt < asked:
			err = fmt.Errorf("%q was delivered after its acknowledgement", d.payload)
		case n.retries[d.retries], n.lastAt < asked && d.retries <= n.last:
			err = fmt.Errorf("%q has retry count %d as before, the highest was %d", d.payload,
				d.retries, n.last)
		default:
			n.there = true
			n.retries[d.retries] = true
			n.last, n.lastAt = max(n.last, d.retries), l.time
		}
	})
	return err
}

func (l *ledger) acking(payload string) { l.locked(func() { l.notes[payload].leaving++ }) }

// acked notes the answer: refused means that the lease had ended.
func (l *ledger) acked(payload string, refused bool) {
	l.locked(func() {
		n := l.notes[payload]
		n.leaving--
		if !refused {
			l.leave(n)
		}
	})
}

// leave notes that a message is gone.
func (l *ledger) leave(n *note) {
	if !n.gone {
		n.gone, n.goneAt = true, l.time
		l.live--
	}
}

func (l *ledger) dealing(d *deal, queue string) {
	l.locked(func() {
		l.deals[d.key] = d
		l.notes[d.done].leaving++
		l.add(d.spawn, queue)
	})
}

func (l *ledger) dealt(d *deal, refused bool) { l.locked(func() { l.close(d, refused) }) }

func (l *ledger) close(d *deal, refused bool) {
	delete(l.deals, d.key)
	done, spawn := l.notes[d.done], l.notes[d.spawn]
	done.leaving--
	if refused {
		spawn.void = true
		l.live--
		return
	}
	l.leave(done)
	spawn.there = true
	l.kept[d.key] = true
}

// sighting is a message as a server shows it.
type sighting struct {
	queue, state string
	retries      int
}

// settle compares what a server holds after a kill with what may be, and takes it as the truth.
func (l *ledger) settle(found map[string]sighting, keys map[string]bool) (problems []error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.time++
	if l.loses {
		l.lost, l.loses = l.lost+1, false
	}
	for _, d := range l.deals {
		if err := l.whole(d, found, keys[d.key]); err != nil {
			problems = append(problems, err)
		}
		l.close(d, !keys[d.key])
	}
	for key := range l.kept {
		if !keys[key] {
			problems = append(problems, fmt.Errorf("the key %s of a batch is gone", key))
		}
	}
	if len(keys) != len(l.kept) {
		problems = append(problems, fmt.Errorf("%d keys of batches, not %d", len(keys),
			len(l.kept)))
	}
	l.live = 0
	for payload, n := range l.notes {
		if err := l.compare(payload, n, found); err != nil {
			problems = append(problems, err)
		}
	}
	for payload := range found {
		if l.notes[payload] == nil {
			problems = append(problems, fmt.Errorf("%q was never published", payload))
		}
	}
	return problems
}

// whole says whether all parts of an unanswered deal agree with its key. Others may have taken
// either message before the server died.
func (l *ledger) whole(d *deal, found map[string]sighting, happened bool) error {
	done, spawn := l.notes[d.done], l.notes[d.spawn]
	_, held := found[d.done]
	_, spawned := found[d.spawn]
	spawned = spawned || spawn.gone || spawn.leaving > 0
	taken := done.gone || done.leaving > 1
	if happened && (!spawned || held) || !happened && (spawned || !held && !taken) {
		return fmt.Errorf("half of a batch: key %v, new message %v, old message %v", happened,
			spawned, held)
	}
	return nil
}

// compare settles one message.
func (l *ledger) compare(payload string, n *note, found map[string]sighting) error {
	s, held := found[payload]
	if n.leaving > 0 && !held {
		n.gone, n.goneAt = true, l.time
	}
	n.leaving = 0
	switch {
	case !held && n.gone, !held && n.void:
		return nil
	case !held && !n.there:
		n.void = true
		return nil
	case !held:
		return fmt.Errorf("%q is lost: %+v", payload, *n)
	case n.gone:
		return fmt.Errorf("%q is back after its acknowledgement, %+v", payload, s)
	case n.void:
		return fmt.Errorf("%q is there, and was not before", payload)
	case s.queue != n.queue:
		return fmt.Errorf("%q is in %s, not in %s", payload, s.queue, n.queue)
	}
	n.there = true
	if s.state != "dead" {
		l.live++
	}
	least, most := len(n.retries), len(n.retries)+l.lost
	if s.state == "leased" { // that delivery has not failed yet
		least--
	}
	if s.retries < least || s.retries > most {
		return fmt.Errorf("%q is %s with retry count %d, not %d..%d", payload, s.state, s.retries,
			least, most)
	}
	if (s.state == "dead") != (s.queue == brittle && s.retries > brittleRetries) {
		return fmt.Errorf("%q is %s with retry count %d", payload, s.state, s.retries)
	}
	return nil
}

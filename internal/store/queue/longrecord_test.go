package queue

import (
	"testing"

	"github.com/synapdb/synap/internal/effect"
)

// scale is a journal that knows its longest record.
type scale struct{ longest int }

func (j *scale) Append(_ int64, payload []byte) uint64 {
	j.longest = max(j.longest, len(payload))
	return 1
}

func (j *scale) Admit(int) error { return nil }

const (
	heavy   = 4 << 20 // bytes of a payload
	tooMany = 12      // messages that are too much for one record
)

// heavyBench is a queue with n ready messages of 4 MiB, and one that takes its dead letters.
func heavyBench(t *testing.T, n int, o Settings) (*bench, *scale) {
	t.Helper()
	o.DeadLetter = "morgue"
	b := newBench(t, o)
	j := &scale{}
	b.s.SetJournal(j)
	name := b.name
	b.name = []byte("morgue")
	b.do(func(tx *Tx) { _, _ = tx.Create(b.name, Settings{}) })
	b.name = name
	m := plain(string(make([]byte, heavy)))
	m.MaxRetries = 0
	for range n {
		if _, err := b.publish(m); err != nil {
			t.Fatal(err)
		}
	}
	return b, j
}

// moved checks that all n messages came to the queue of dead letters, in bearable records.
func (b *bench) moved(t *testing.T, n int64, j *scale) {
	t.Helper()
	b.name = []byte("morgue")
	if st := b.stats(t); st.Depth != n {
		t.Errorf("%d of %d dead letters moved", st.Depth, n)
	}
	if j.longest > 40<<20 {
		t.Errorf("a record has %d bytes", j.longest)
	}
	checkInvariants(t, b.s)
}

// However many large messages come due at once, one record does not hold them all.
func TestDueDeadLettersMoveInBearableRecords(t *testing.T) {
	b, j := heavyBench(t, tooMany, Settings{TTL: 1000})
	b.now += 2000
	for range 100 {
		next := b.s.Maintain(b.now, 1000)
		if next == 0 || next > b.now {
			break
		}
	}
	b.moved(t, tooMany, j)
}

func TestLeasesOfAConnectionEndInBearableRecords(t *testing.T) {
	b, j := heavyBench(t, tooMany, Settings{})
	b.do(func(tx *Tx) {
		d := &Deliver{Consumer: []byte("socket"), Conn: 7, Count: tooMany}
		if got := tx.Deliver(b.name, d, nil); len(got) != tooMany {
			t.Fatalf("%d messages", len(got))
		}
	})
	b.s.Detach(b.name, 7, b.now)
	b.moved(t, tooMany, j)
}

// Expired messages that a consumer meets don't make a long record either.
func TestExpiredMessagesInTheWayMoveInBearableRecords(t *testing.T) {
	b, j := heavyBench(t, tooMany, Settings{TTL: 1000})
	b.now += 2000
	for range 5 {
		b.do(func(tx *Tx) {
			d := &Deliver{Consumer: []byte("c"), Count: 1}
			if got := tx.Deliver(b.name, d, nil); len(got) > 0 {
				t.Fatal("an expired message was delivered")
			}
		})
	}
	b.moved(t, tooMany, j)
}

// What a lowered depth drops is not one record either.
func TestDroppedMessagesMoveInBearableRecords(t *testing.T) {
	b, j := heavyBench(t, tooMany, Settings{DropOldest: true})
	b.do(func(tx *Tx) { _ = tx.Update(b.name, func(s *Settings) { s.MaxDepth = 2 }) })
	for range 3 {
		if _, err := b.publish(plain("small")); err != nil {
			t.Fatal(err)
		}
	}
	if st := b.stats(t); st.Depth != 2 {
		t.Errorf("%+v", st)
	}
	b.moved(t, tooMany+1, j)
}

// What one transaction asks for is bounded, too: beyond that dead letters stay where they are, and
// no publish drops what could not move.
func TestTooLongRecords(t *testing.T) {
	b, _ := heavyBench(t, 4, Settings{MaxDepth: 4, DropOldest: true})
	b.s.mostRecord = heavy
	b.do(func(tx *Tx) {
		for range 4 { // the first one makes the record too long for another
			small := plain("small")
			small.MaxRetries = 0
			_, _ = tx.Publish(b.name, small)
		}
	})
	if st := b.stats(t); st.Depth != 4 || st.Dropped != 1 || st.Published != 5 {
		t.Errorf("%+v", st)
	}
	b.do(func(tx *Tx) {
		d := &Deliver{Consumer: []byte("c"), Count: 4}
		for _, v := range tx.Deliver(b.name, d, nil) {
			if err := tx.Nack(b.name, &Lease{ID: v.ID}, Nack{Requeue: true}); err != nil {
				t.Fatal(err)
			}
		}
	})
	if st := b.stats(t); st.DeadLettered != 5 {
		t.Errorf("%+v", st)
	}
	b.do(func(tx *Tx) {
		if dead := mustPeek(t, tx, b.name, effect.DeadLetter); len(dead) != 3 {
			t.Errorf("%d dead letters stayed", len(dead))
		}
	})
	checkInvariants(t, b.s)
}

package queue

import (
	"fmt"
	"testing"

	"github.com/synapdb/synap/internal/effect"
)

// rest lets the store look after its memory until nothing is left to do.
func (b *bench) rest() {
	for range 1000 {
		next := b.s.Maintain(b.now, 1000)
		if next == 0 || next > b.now+upkeepPause {
			return
		}
		b.now = max(b.now, next)
	}
}

// TestPagesOfTheIndexMove: of four pages three go, with all their messages.
func TestPagesOfTheIndexMove(t *testing.T) {
	q := newBench(t, Settings{MaxDepth: most})
	const n = 40_000
	for i := range n {
		if _, err := q.publish(plain(fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	q.do(func(tx *Tx) {
		for _, v := range tx.Deliver(q.name, &Deliver{Consumer: []byte("c"), Count: n}, nil) {
			if v.ID.Number>>pageShift%4 != 0 {
				if err := tx.Ack(q.name, &Lease{ID: v.ID}); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
	kept := contents(t, q)
	memory := q.s.Resident()
	q.rest()
	checkInvariants(t, q.s)
	if q.s.Resident() > memory*2/3 {
		t.Errorf("%d of %d bytes stay resident", q.s.Resident(), memory)
	}
	q.do(func(tx *Tx) {
		for id, payload := range kept {
			own := tx.find(q.name)
			ref := own.shard.find(own, id.Number)
			if ref == 0 || string(own.shard.payload(own.shard.message(ref))) != payload {
				t.Fatalf("message %d is not found", id.Number)
			}
		}
	})
}

// TestNumbersMayComeInAnyOrder: as they do while a journal is replayed over a snapshot.
func TestNumbersMayComeInAnyOrder(t *testing.T) {
	q := newBench(t, Settings{MaxDepth: most})
	var record []byte
	for i := range uint64(3000) {
		number := (i*1999)%3000 + 1
		record = effect.AppendQueue(record, &effect.Queue{
			Kind: effect.QueuePut, Name: q.name, Message: number, Seq: number, Priority: 5,
			Created: start, Payload: fmt.Append(nil, number),
		})
	}
	if _, err := q.s.ReplayRecord(start, record); err != nil {
		t.Fatal(err)
	}
	q.s.FinishImport()
	checkInvariants(t, q.s)
	q.do(func(tx *Tx) {
		for i, v := range mustPeek(t, tx, q.name, effect.Ready) {
			if v.ID.Number != uint64(i+1) || string(v.Payload) != fmt.Sprint(i+1) {
				t.Fatalf("message %d, %q at %d", v.ID.Number, v.Payload, i)
			}
		}
	})
}

// TestIDsOfOneHash: deduplication ids of the same hash are told apart, moved and forgotten.
func TestIDsOfOneHash(t *testing.T) {
	q := newBench(t, Settings{MaxDepth: most})
	q.s.Clear()
	q.s.seed = [3]uint64{} // now every name has the same hash
	q.do(func(tx *Tx) { _, _ = tx.Create(q.name, Settings{}) })
	const n = 1200
	publish := func(i int) Published {
		m := plain("x")
		m.Dedup = fmt.Appendf(nil, "some id %d", i)
		p, err := q.publish(m)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	ids := map[int]ID{}
	for i := range n {
		q.now = start + int64(i%4)*10_000 // three quarters run out earlier
		ids[i] = publish(i).ID
	}
	q.now = start + builtin.DedupWindow + 20_001
	q.rest()
	checkInvariants(t, q.s)
	for i := range n {
		if p := publish(i); p.Duplicate != (i%4 == 3) || p.Duplicate != (p.ID == ids[i]) {
			t.Fatalf("id %d: %+v, first %v", i, p, ids[i])
		}
	}
	checkInvariants(t, q.s)
	q.do(func(tx *Tx) { tx.Delete(q.name) })
	checkInvariants(t, q.s)
}

// TestClockThatRanAhead: after it was put right, timers come due by the right time.
func TestClockThatRanAhead(t *testing.T) {
	q := newBench(t, Settings{})
	m := plain("later")
	q.now += 3600_000
	m.DeliverAt = q.now + 50
	_, _ = q.publish(m)
	q.s.Maintain(q.now, 1000)
	q.now = start
	m.DeliverAt = q.now + 100
	p, _ := q.publish(m)
	q.s.Maintain(q.now, 1000)
	q.now += 100
	if next := q.s.Maintain(q.now, 1000); next <= q.now || next > start+3600_050 {
		t.Errorf("Maintain wants to be called at %d", next-start)
	}
	q.do(func(tx *Tx) {
		got := tx.Deliver(q.name, &Deliver{Consumer: []byte("c"), Count: 2}, nil)
		if len(got) != 1 || got[0].ID != p.ID {
			t.Errorf("%+v", got)
		}
	})
	checkInvariants(t, q.s)
}

// TestOneTickKeepsTheOrder: delays that end together end in the order of publishing, however far
// away they were set.
func TestOneTickKeepsTheOrder(t *testing.T) {
	q := newBench(t, Settings{MaxDepth: most})
	const n, at = 700, start + 100_000
	m := plain("x")
	m.DeliverAt = at
	for i := range n {
		q.now = start + int64(i)*99_990/n
		if i%5 == 0 {
			q.s.Maintain(q.now, 1000)
		}
		if _, err := q.publish(m); err != nil {
			t.Fatal(err)
		}
	}
	checkInvariants(t, q.s)
	q.now = at
	for got := uint64(0); got < n; {
		q.do(func(tx *Tx) {
			for _, v := range tx.Deliver(q.name, &Deliver{Consumer: []byte("c"), Count: 9}, nil) {
				if got++; v.ID.Number != got {
					t.Fatalf("message %d came as number %d", v.ID.Number, got)
				}
			}
		})
	}
}

// TestMapsAreMemory: what the index and remembered ids take in Go's heap is part of Memory.
func TestMapsAreMemory(t *testing.T) {
	q := newBench(t, Settings{MaxDepth: most})
	var sh *shard
	q.do(func(tx *Tx) { sh = tx.find(q.name).shard })
	heap := sh.heap
	const n = 10 * pageRefs
	for i := range n {
		m := plain("x")
		m.Dedup = fmt.Append(nil, i)
		_, _ = q.publish(m)
	}
	if more := sh.heap - heap; more < 10*indexByte+n*hashedByte {
		t.Errorf("maps of %d messages count %d bytes", n, more)
	}
	checkInvariants(t, q.s)
	q.do(func(tx *Tx) { tx.Delete(q.name) })
	if sh.heap != 0 {
		t.Errorf("%d bytes of an empty shard's heap", sh.heap)
	}
}

// TestPagesComeAndGoBelowOthers: a journal replayed over a later snapshot makes and frees pages in
// front of many others; each is linked without going through those.
func TestPagesComeAndGoBelowOthers(t *testing.T) {
	q := newBench(t, Settings{MaxDepth: most})
	put := func(record []byte, number uint64) []byte {
		return effect.AppendQueue(record, &effect.Queue{Kind: effect.QueuePut, Name: q.name,
			Message: number, Seq: number, Priority: 5, Created: start})
	}
	var record []byte
	for i := range uint64(20_000) { // a page each
		record = put(record, (i+1000)<<pageShift)
	}
	for i := range uint64(20_000) {
		record = put(record, i+1)
		record = effect.AppendQueue(record, &effect.Queue{Kind: effect.QueueRemove, Name: q.name,
			Message: i + 1, Reason: effect.Acked})
	}
	if _, err := q.s.ReplayRecord(start, record); err != nil {
		t.Fatal(err)
	}
	q.s.FinishImport()
	checkInvariants(t, q.s)
	q.do(func(tx *Tx) {
		if st, _ := tx.Stats(q.name); st.Depth != 20_000 {
			t.Errorf("%d messages", st.Depth)
		}
	})
}

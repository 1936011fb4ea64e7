package queue

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/errs"
)

func plain(payload string) *Message {
	return &Message{Payload: []byte(payload), Priority: -1, MaxRetries: -1}
}

func kindOfError(err error) errs.Kind {
	var e *errs.Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return errs.Internal
}

// everySort publishes n messages, of which each fourth expires, is delayed, has a deduplication id.
func everySort(t *testing.T, q *bench, n int) {
	t.Helper()
	for i := range n {
		m := plain(fmt.Sprint("message ", i))
		m.Priority = i % 10
		switch i % 4 {
		case 0:
			m.TTL = 2_000_000 + int64(i)
		case 1:
			m.DeliverAt = start + 1_000_000
		case 2:
			m.Dedup = m.Payload
		}
		if _, err := q.publish(m); err != nil {
			t.Fatal(err)
		}
	}
}

// contents is the payload of every message of the queue, by id.
func contents(t *testing.T, q *bench) map[ID]string {
	t.Helper()
	all := map[ID]string{}
	q.do(func(tx *Tx) {
		for s := range effect.DeadLetter + 1 {
			for _, v := range mustPeek(t, tx, q.name, s) {
				all[v.ID] = string(v.Payload)
			}
		}
	})
	return all
}

// TestBlocksMoveAndMemoryReturns: most of many messages of all sorts go; what they leave is given
// back, and the others are as they were, wherever their blocks were moved.
func TestBlocksMoveAndMemoryReturns(t *testing.T) {
	const n = 24_000
	q := newBench(t, Settings{MaxDepth: most})
	everySort(t, q, n)
	var leased []Lease
	q.do(func(tx *Tx) {
		d := &Deliver{Consumer: []byte("worker"), Conn: 7, Count: n, Deadline: 3_000_000}
		for _, v := range tx.Deliver(q.name, d, nil) {
			leased = append(leased, Lease{ID: v.ID, Token: v.Token})
		}
	})
	resident := q.s.Resident()
	for i, l := range leased {
		q.do(func(tx *Tx) {
			if i%16 == 0 {
				return
			}
			if err := tx.Ack(q.name, &l); err != nil {
				t.Fatal(err)
			}
		})
	}
	q.do(func(tx *Tx) { // most of the delayed ones go, too
		own := tx.find(q.name)
		for i, v := range mustPeek(t, tx, q.name, effect.Delayed) {
			if i%8 != 0 {
				tx.remove(own, own.shard.find(own, v.ID.Number), effect.NoReason)
			}
		}
	})
	kept := contents(t, q)
	checkInvariants(t, q.s)
	for range 1000 {
		next := q.s.Maintain(q.now, 1000)
		if next > q.now+upkeepPause {
			break
		}
		q.now = max(q.now, next)
	}
	checkInvariants(t, q.s)
	if now := q.s.Resident(); now > resident*2/3 {
		t.Errorf("%d bytes are resident, %d were with %d messages", now, resident, n)
	}
	if now := contents(t, q); !maps.Equal(now, kept) {
		t.Errorf("%d messages are left of %d, or others", len(now), len(kept))
	}
	q.s.Detach(q.name, 7, q.now)
	q.do(func(tx *Tx) {
		if st, _ := tx.Stats(q.name); st.Leased != 0 || st.Returned != int64(len(leased)/16) {
			t.Errorf("after Detach: %+v", st)
		}
	})
	checkInvariants(t, q.s)
}

func mustPeek(t testing.TB, tx *Tx, name []byte, s effect.MessageState) []View {
	t.Helper()
	views, err := tx.Peek(name, s, ID{}, 1<<30, nil)
	if err != nil {
		t.Fatal(err)
	}
	return views
}

// TestLargePayloads have mappings of their own, also when they move to a dead-letter queue.
func TestLargePayloads(t *testing.T) {
	q := newBench(t, Settings{DeadLetter: "morgue", MaxDepth: 2, DropOldest: true})
	big := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	m := &Message{Payload: big, MaxRetries: -1, Headers: []byte(`{"a":1}`)}
	empty := q.s.Memory()
	for i := range 4 {
		if i == 1 {
			name := q.name
			q.name = []byte("morgue")
			q.do(func(tx *Tx) { _, _ = tx.Create(q.name, Settings{}) })
			q.name = name
		}
		if _, err := q.publish(m); err != nil {
			t.Fatal(err)
		}
	}
	checkInvariants(t, q.s)
	var c ExportCursor
	var blocks [][]byte
	for more := true; more; {
		var b []byte
		b, more = q.s.Export(&c, nil)
		blocks = append(blocks, b)
	}
	again, err := New(Options{Shards: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	for _, b := range blocks {
		if err := again.Import(start, b); err != nil {
			t.Fatal(err)
		}
	}
	if again.Digest(start) != q.s.Digest(start) {
		t.Error("the copy has another digest")
	}
	if got := q.s.Memory() - empty; got < 4<<20 || got > 5<<20 {
		t.Errorf("4 payloads of a MiB take %d bytes", got)
	}
	q.name = []byte("morgue")
	q.do(func(tx *Tx) {
		views := tx.Deliver(q.name, &Deliver{Consumer: []byte("c"), Count: 9}, nil)
		if len(views) != 2 || !bytes.Equal(views[0].Payload, big) {
			t.Fatalf("%d dead letters", len(views))
		}
		if h := string(views[0].Headers); !bytes.Contains(views[0].Headers, []byte(`"a":1`)) ||
			!bytes.Contains(views[0].Headers, []byte(`"x-dead-letter-reason":"overflow"`)) {
			t.Errorf("headers %s", h)
		}
		for _, v := range views {
			if err := tx.Ack(q.name, &Lease{ID: v.ID}); err != nil {
				t.Fatal(err)
			}
		}
	})
	checkInvariants(t, q.s)
}

func TestIDsReadBack(t *testing.T) {
	for _, id := range []ID{{1, 1}, {1<<60 - 1, 1<<62 - 1}, {0x123456789ABCDEF, 42}} {
		text := AppendID(nil, id)
		if got, ok := ParseID(bytes.ToUpper(text)); !ok || got != id || len(text) != 36 {
			t.Errorf("%v reads %s, and back %v", id, text, got)
		}
	}
	for _, bad := range []string{"", "x", "00000000-0000-0000-0000-000000000000",
		"9bb6f45b-b9aa-883f-8000-00000000000g", "9bb6f45bbb9aa-883f-8000-000000000001"} {
		if _, ok := ParseID([]byte(bad)); ok {
			t.Errorf("%q is no id", bad)
		}
	}
}

func TestNamesArePaged(t *testing.T) {
	q := newBench(t, Settings{})
	var want []string
	for i := range 300 {
		name := fmt.Sprintf("%c%03d", 'a'+i%3, i)
		q.name = []byte(name)
		q.do(func(tx *Tx) { _, _ = tx.Create(q.name, Settings{}) })
		if i%3 == 1 {
			want = append(want, name)
		}
		if i%7 == 0 {
			q.do(func(tx *Tx) { tx.Delete(q.name) })
			want = slices.DeleteFunc(want, func(s string) bool { return s == name })
		}
	}
	var got []string
	for after := ""; ; after = got[len(got)-1] {
		page := q.s.Names("b", after, 10)
		if len(page) == 0 {
			break
		}
		got = append(got, page...)
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestCreateAndUpdateTellZeroApart: to make, zero is the default; to change, it is zero.
func TestCreateAndUpdateTellZeroApart(t *testing.T) {
	q := newBench(t, Settings{})
	q.do(func(tx *Tx) {
		err := tx.Update(q.name, func(o *Settings) {
			o.MaxRetries, o.Priority, o.MaxDepth, o.DedupWindow, o.AckDeadline = 0, 0, 0, 0, 0
		})
		info, _ := tx.Info(q.name)
		if err != nil || info.MaxRetries != 0 || info.Priority != 0 || info.MaxDepth != 0 ||
			info.DedupWindow != 0 || info.AckDeadline != builtin.AckDeadline {
			t.Errorf("%v, %+v", err, info.Settings)
		}
		before := info.Settings
		for _, change := range []func(*Settings){
			func(o *Settings) { o.AckDeadline = mostDeadline + 1 },
			func(o *Settings) { o.DeadLetter = string(q.name) },
			func(o *Settings) { o.BackoffMilli = 1 },
			func(o *Settings) { o.JitterMilli = 1001 },
			func(o *Settings) { o.MaxDepth = -1 },
		} {
			if err := tx.Update(q.name, change); kindOfError(err) != errs.BadValue {
				t.Errorf("settings out of bounds: %v", err)
			}
		}
		if info, _ = tx.Info(q.name); info.Settings != before {
			t.Errorf("refused settings changed %+v", info.Settings)
		}
	})
}

// TestMemoryFallsToWhatItWas: what grew with messages is given up when they are gone.
func TestMemoryFallsToWhatItWas(t *testing.T) {
	q := newBench(t, Settings{MaxDepth: most})
	if _, err := q.publish(plain("first")); err != nil {
		t.Fatal(err)
	}
	before := q.s.Memory()
	m := plain("x")
	for i := range 5000 {
		m.Dedup = fmt.Append(nil, i)
		m.TTL = int64(i%2) * 1000
		_, _ = q.publish(m)
	}
	q.now += 400_000
	for range 1000 {
		if next := q.s.Maintain(q.now, 1000); next == 0 || next > q.now+10_000 {
			break
		} else {
			q.now = max(q.now, next)
		}
	}
	q.do(func(tx *Tx) {
		if n, err := tx.Purge(q.name, true); n != 2501 || err != nil {
			t.Errorf("purged %d, %v", n, err)
		}
		st, _ := tx.Stats(q.name)
		if st.Expired != 2500 || st.Bytes != 0 {
			t.Errorf("%+v", st)
		}
	})
	checkInvariants(t, q.s)
	if after := q.s.Memory(); after > before+16<<10 {
		t.Errorf("%d bytes before, %d after", before, after)
	}
}

// TestFullWithinOneTransaction: the address space of a shard ends in the middle of a transaction.
// Publishes and moves of dead letters are refused from there on, and leases still have room.
func TestFullWithinOneTransaction(t *testing.T) {
	s, err := New(Options{Shards: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	s.share = 32 << 20
	q := &bench{s: s, now: start, name: []byte("jobs")}
	q.do(func(tx *Tx) {
		_, _ = tx.Create([]byte("dead"), Settings{MaxDepth: most})
		_, _ = tx.Create(q.name, Settings{MaxDepth: most, DeadLetter: "dead"})
	})
	q.do(func(tx *Tx) {
		m := plain(string(make([]byte, 100<<10)))
		m.MaxRetries = 0
		for err = error(nil); err == nil; {
			_, err = tx.Publish(q.name, m)
		}
		if kindOfError(err) != errs.MemoryLimit {
			t.Error(err)
		}
		for _, v := range tx.Deliver(q.name, &Deliver{Count: 1000}, nil) {
			if err := tx.Nack(q.name, &Lease{ID: v.ID}, Nack{Requeue: true}); err != nil {
				t.Error(err)
			}
		}
	})
	checkInvariants(t, s)
}

// TestLeasesOfAFullShard: small messages fill its address space, more than there is room left to
// lease at once. Consumers get all of them, by and by.
func TestLeasesOfAFullShard(t *testing.T) {
	s, err := New(Options{Shards: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	s.share = 32 << 20
	q := &bench{s: s, now: start, name: []byte("jobs")}
	q.do(func(tx *Tx) {
		_, _ = tx.Create(q.name, Settings{MaxDepth: most})
		for err = error(nil); err == nil; {
			_, err = tx.Publish(q.name, plain("x"))
		}
	})
	left, rounds := 0, 0
	q.do(func(tx *Tx) {
		st, _ := tx.Stats(q.name)
		left = int(st.Depth)
	})
	for ; left > 0 && rounds < 1000; rounds++ {
		q.do(func(tx *Tx) {
			for _, v := range tx.Deliver(q.name, &Deliver{Count: left}, nil) {
				left--
				if err := tx.Ack(q.name, &Lease{ID: v.ID}); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
	if left > 0 || rounds < 2 {
		t.Errorf("%d are left after %d rounds", left, rounds)
	}
	checkInvariants(t, s)
}

package queue

import (
	"bytes"
	"errors"
	"testing"

	"pgregory.net/rapid"

	"github.com/synapdb/synap/internal/effect"
)

// snapshot is an export in the making, of a store that goes on changing.
type snapshot struct {
	c      ExportCursor
	blocks [][]byte
	from   int // of the journal: records from here on are replayed
	done   bool
}

func (x *snapshot) slice(s *Store) {
	block, more := s.Export(&x.c, nil)
	if len(block) > 0 {
		x.blocks = append(x.blocks, block)
	}
	x.done = !more
}

// load imports the blocks and replays what came since.
func (x *snapshot) load(t tester, m *model, s *Store) {
	for _, b := range x.blocks {
		if err := s.Import(m.w.now, b); err != nil {
			t.Fatalf("%v", err)
		}
	}
	s.FinishImport()
	m.j.replay(t, s, x.from, len(m.j.records))
}

// quiet are the model's actions without the comparison after each.
func (m *model) quiet() map[string]func(*rapid.T) {
	a := m.actions()
	a[""] = func(*rapid.T) {}
	return a
}

// TestSnapshotAndJournalEqualLive: slices exported while the store changes, and the journal since
// the first of them, lead to the same state.
func TestSnapshotAndJournalEqualLive(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := newModel(t, rapid.SampledFrom([]int{1, 4}).Draw(t, "shards"), 7)
		m.prepare(t)
		if rapid.Bool().Draw(t, "many") {
			m.fill(t)
		}
		var x *snapshot
		actions := m.quiet()
		for _, name := range []string{"slice", "slice1", "slice2", "slice3"} {
			actions[name] = func(*rapid.T) {
				if x == nil {
					x = &snapshot{from: len(m.j.records)}
				}
				if !x.done {
					x.slice(m.s)
				}
			}
		}
		t.Repeat(actions)
		if x == nil {
			x = &snapshot{from: len(m.j.records)}
		}
		for !x.done {
			x.slice(m.s)
			m.single(m.publish)(t)
			m.single(m.deliver)(t)
			m.single(m.nack)(t)
		}
		m.settle(t)
		again := modelStore(t, rapid.SampledFrom([]int{1, 4, 8}).Draw(t, "other shards"), 8)
		x.load(t, m, again)
		m.sameAs(t, again)
		m.goesOn(t, again, x.from)
	})
}

// fill makes an export last several slices.
func (m *model) fill(t *rapid.T) {
	name := queueNames[0]
	m.locked(func(tx *Tx) {
		n := rapid.IntRange(100, 300).Draw(t, "messages")
		for i := range n {
			in := &Message{Payload: make([]byte, 3000+i), Priority: i % 10, MaxRetries: -1}
			if i%7 == 0 {
				in.DeliverAt = m.w.now + int64(i)*10
			}
			m.publishOne(t, tx, name, in)
		}
	}, name)
}

// goesOn lets the recovered store and the twin, which stood for the first one, live on together.
func (m *model) goesOn(t *rapid.T, s *Store, from int) {
	m.s, m.j = s, new(tape)
	s.SetJournal(m.j)
	m.w.recovered(from)
	s.Recovered(m.w.now)
	m.release(t, 0, func(n *twinMessage) bool { return n.conn != 0 })
	for range rapid.IntRange(0, 10).Draw(t, "more") {
		m.single(m.deliver)(t)
		m.single(m.nack)(t)
		m.single(m.publish)(t)
		m.time(t)
	}
	m.settle(t)
	m.locked(func(tx *Tx) { m.compareViews(t, tx) })
}

// recovered is what a restart does: counters begin anew, and no connection is there any more.
func (w *twin) recovered(from int) {
	for _, q := range w.queues {
		q.stats, q.active, q.asked, q.conns = Stats{}, "", 0, map[uint64]string{}
		if q.purgedIn < from {
			q.purged = 0
		}
	}
}

// TestPrefixesOfTheJournalEqualLive: whenever the process ends, what was recorded until then is
// what there was.
func TestPrefixesOfTheJournalEqualLive(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := newModel(t, 2, 7)
		m.prepare(t)
		type state struct {
			now    int64
			digest [32]byte
		}
		states := map[int]state{}
		actions := m.quiet()
		actions[""] = func(*rapid.T) {
			states[len(m.j.records)] = state{m.w.now, m.s.Digest(m.w.now)}
		}
		t.Repeat(actions)
		prefix := modelStore(t, 2, 8)
		done := 0
		for i := range len(m.j.records) + 1 {
			was, ok := states[i]
			if !ok || rapid.IntRange(0, 3).Draw(t, "skip") == 0 {
				continue
			}
			m.j.replay(t, prefix, done, i)
			if done = i; prefix.Digest(was.now) != was.digest {
				t.Fatalf("the digests differ after %d of %d records", i, len(m.j.records))
			}
		}
	})
}

// TestPurgeMeetsNoneThatReturnedLater: a purge that is replayed over a snapshot taken after it must
// not remove what a lost connection gave back since then, although that goes to its old place.
func TestPurgeMeetsNoneThatReturnedLater(t *testing.T) {
	s, j, a := modelStore(t, 1, 7), new(tape), []byte("a")
	s.SetJournal(j)
	publish := func(tx *Tx) {
		if _, err := tx.Publish(a, &Message{Payload: a, Priority: -1, MaxRetries: -1}); err != nil {
			t.Error(err)
		}
	}
	lockedAt(s, epoch, func(tx *Tx) {
		if _, err := tx.Create(a, Settings{}); err != nil {
			t.Error(err)
		}
		publish(tx)
		if got := tx.Deliver(a, &Deliver{Consumer: a, Count: 1, Conn: 1}, nil); len(got) != 1 {
			t.Errorf("%d messages delivered", len(got))
		}
		publish(tx)
	})
	x := &snapshot{from: len(j.records)}
	lockedAt(s, epoch, func(tx *Tx) {
		if n, err := tx.Purge(a, true); n != 1 || err != nil {
			t.Errorf("%d messages purged, %v", n, err)
		}
	})
	s.Detach(a, 1, epoch)
	again := modelStore(t, 1, 8)
	for !x.done {
		x.slice(s)
	}
	x.load(t, &model{j: j, w: &twin{now: epoch}}, again)
	if again.Digest(epoch) != s.Digest(epoch) {
		t.Error("the digests differ")
	}
}

// TestReplayingTwiceChangesNothing: a snapshot may hold what the records after it say once more.
func TestReplayingTwiceChangesNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := newModel(t, 2, 7)
		m.prepare(t)
		t.Repeat(m.quiet())
		m.settle(t)
		again := modelStore(t, 4, 8)
		m.j.replay(t, again, 0, len(m.j.records))
		x := &snapshot{done: false}
		for !x.done { // the end state, and all that led to it
			x.slice(m.s)
		}
		x.from = rapid.IntRange(0, len(m.j.records)).Draw(t, "from")
		x.load(t, m, modelStore(t, 1, 8))
		m.sameAs(t, again)
	})
}

// TestFrozenStoreKeepsEverything: while the journal takes nothing, nothing goes by itself.
func TestFrozenStoreKeepsEverything(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := newModel(t, 2, 7)
		m.prepare(t)
		t.Repeat(m.quiet())
		m.j.full = true
		m.w.now += rapid.Int64Range(0, 10_000).Draw(t, "ms")
		records, digest := len(m.j.records), m.s.Digest(m.w.now)
		for range 5 {
			if next := m.s.Maintain(m.w.now, 1000); next != 0 && next <= m.w.now {
				t.Fatalf("Maintain wants to be called again at once while nothing can be done")
			}
			m.locked(func(tx *Tx) {
				for name := range m.w.queues {
					_, _ = tx.Stats([]byte(name))
					_ = peek(t, tx, name, effect.Ready)
				}
			})
		}
		if len(m.j.records) != records || m.s.Digest(m.w.now) != digest {
			t.Fatalf("the frozen store changed")
		}
		m.j.full = false
		m.maintain(t)
		m.locked(func(tx *Tx) { m.compareViews(t, tx) })
	})
}

// lived makes a store with something of everything in it, and its journal.
func lived(t tester) *model {
	m := newModel(t, 2, 7)
	steps := rapid.Custom(func(r *rapid.T) *model {
		m.prepare(r)
		actions := m.quiet()
		for range 10 {
			for _, name := range []string{"publish0", "publish1", "deliver0", "nack0",
				"publish2", "deliver1", "ack", "extend", "group", "detach", "time", "redrive",
				"pause", "update", "publish3", "create", "purge"} {
				actions[name](r)
			}
		}
		return m
	})
	return steps.Example(3)
}

// TestMalformedRecordsChangeNothing: a record is taken whole or not at all.
func TestMalformedRecordsChangeNothing(t *testing.T) {
	t.Parallel()
	m := lived(t)
	rapid.Check(t, func(t *rapid.T) {
		s := modelStore(t, 2, 8)
		upTo := rapid.IntRange(0, len(m.j.records)-1).Draw(t, "after")
		m.j.replay(t, s, 0, upTo)
		before := s.Digest(0)
		bad := mutated(t, m.j.records[upTo].payload)
		if _, err := s.ReplayRecord(epoch, bad); err != nil {
			if !errors.Is(err, effect.ErrMalformed) {
				t.Fatalf("%v", err)
			}
			if s.Digest(0) != before {
				t.Fatalf("%x was refused, and changed something", bad)
			}
		}
		s.FinishImport()
		checkInvariants(t, s)
		useAfter(t, s)
		checkInvariants(t, s)
	})
}

func mutated(t *rapid.T, b []byte) []byte {
	b = bytes.Clone(b)
	for range rapid.IntRange(1, 3).Draw(t, "mutations") {
		if len(b) == 0 {
			return b
		}
		at := rapid.IntRange(0, min(len(b)-1, 60)).Draw(t, "at")
		switch rapid.IntRange(0, 3).Draw(t, "mutation") {
		case 0:
			b[at] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		case 1:
			b = b[:at]
		case 2:
			b = append(b, rapid.SliceOfN(rapid.Byte(), 1, 20).Draw(t, "tail")...)
		default:
			b = append(b[:at], append([]byte{rapid.Byte().Draw(t, "byte")}, b[at:]...)...)
		}
	}
	return b
}

// useAfter does something of everything with every queue that is there.
func useAfter(t tester, s *Store) {
	names := s.Names("", "", 1000)
	lockedAt(s, epoch, func(tx *Tx) {
		for _, name := range names {
			n := []byte(name)
			_, _ = tx.Info(n)
			for _, state := range states {
				views := peek(t, tx, name, state)
				if state == effect.DeadLetter && len(views) > 0 {
					_, _ = tx.Redrive(n, nil, 1, false)
				}
			}
			_, _ = tx.Publish(n, &Message{Payload: []byte("x"), Priority: -1, MaxRetries: -1})
			for i, v := range tx.Deliver(n, &Deliver{Consumer: n, Count: 3}, nil) {
				if l := (&Lease{ID: v.ID, Token: v.Token}); i == 0 {
					sameError(t, "ack", tx.Ack(n, l), "")
				} else {
					sameError(t, "nack", tx.Nack(n, l, Nack{Requeue: true}), "")
				}
			}
		}
	})
	for i := 0; i < 50; i++ {
		s.Maintain(epoch+1<<40, 10_000)
	}
	var c ExportCursor
	for more := true; more; {
		_, more = s.Export(&c, nil)
	}
}

// FuzzReplay: whatever a record or a block says, the store stays whole.
func FuzzReplay(f *testing.F) {
	m := lived(f)
	whole := []byte{}
	for i, r := range m.j.records {
		if len(r.payload) < 2000 {
			f.Add(r.payload, uint16(i))
			whole = append(whole, r.payload...)
		}
	}
	f.Add(whole, uint16(0))
	f.Add([]byte("\x12\x01aX90\t0000\x02\x01000"), uint16(18)) // a place that is taken
	f.Fuzz(func(t *testing.T, b []byte, upTo uint16) {
		s := modelStore(t, 2, 8)
		m.j.replay(t, s, 0, int(upTo)%len(m.j.records))
		before := s.Digest(0)
		_, err := s.ReplayRecord(epoch, b)
		if err != nil && s.Digest(0) != before {
			t.Fatal("a refused record changed something")
		}
		if imported := s.Import(epoch, b); err != nil && imported == nil {
			t.Fatalf("imported what replay refuses: %v", err)
		}
		s.FinishImport()
		checkInvariants(t, s)
		useAfter(t, s)
		checkInvariants(t, s)
	})
}

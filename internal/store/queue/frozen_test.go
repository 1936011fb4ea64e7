package queue

import "testing"

// door is a journal that admits nothing while it is shut, as on a full disk.
type door struct {
	sink
	shut bool
}

func (j *door) Admit(int) error {
	if j.shut {
		return errMemory
	}
	return nil
}

// frozenBench is a store over a door, with a long lease of a push connection.
func frozenBench(t *testing.T, o Settings) (*bench, *door) {
	t.Helper()
	j := &door{}
	b := newBench(t, o)
	b.s.SetJournal(j)
	if _, err := b.publish(plain("work")); err != nil {
		t.Fatal(err)
	}
	b.do(func(tx *Tx) {
		d := &Deliver{Consumer: []byte("socket"), Conn: 7, Count: 1}
		if got := tx.Deliver(b.name, d, nil); len(got) != 1 {
			t.Fatalf("%+v", got)
		}
	})
	return b, j
}

func (b *bench) stats(t *testing.T) (st Stats) {
	t.Helper()
	b.do(func(tx *Tx) {
		var err error
		if st, err = tx.Stats(b.name); err != nil {
			t.Fatal(err)
		}
	})
	return st
}

// A push connection that goes while the journal takes nothing gives back what it holds as soon as
// it does again, not only when something else comes due.
func TestWhatAConnectionHeldComesBackWhenTheJournalOpens(t *testing.T) {
	b, j := frozenBench(t, Settings{AckDeadline: mostDeadline})
	j.shut = true
	records := j.records
	b.s.Detach(b.name, 7, b.now)
	next := b.s.Maintain(b.now, 1000)
	if next <= b.now || next > b.now+frozenPause || j.records != records {
		t.Fatalf("at %d it wants to be called at %d, having made %d records", b.now, next,
			j.records-records)
	}
	if st := b.stats(t); st.Leased != 1 || st.Depth != 0 {
		t.Errorf("while frozen: %+v", st)
	}
	j.shut = false
	b.now = next
	b.s.Maintain(b.now, 1000)
	if st := b.stats(t); st.Leased != 0 || st.Depth != 1 || st.Returned != 1 {
		t.Errorf("afterwards: %+v", st)
	}
	checkInvariants(t, b.s)
}

// A lease does not end while the journal takes nothing, and whoever runs the timers may sleep.
func TestLeasesStayWhileTheJournalIsShut(t *testing.T) {
	b, j := frozenBench(t, Settings{AckDeadline: 1000})
	j.shut = true
	b.now += 5000
	for range 10 {
		next := b.s.Maintain(b.now, 1000)
		if next < b.now+frozenPause {
			t.Fatalf("at %d it wants to be called at %d", b.now, next)
		}
		b.now = next
	}
	if st := b.stats(t); st.Leased != 1 || st.LeasesExpired != 0 {
		t.Errorf("while frozen: %+v", st)
	}
	j.shut = false
	b.s.Maintain(b.now, 1000)
	if st := b.stats(t); st.Depth != 1 || st.LeasesExpired != 1 {
		t.Errorf("afterwards: %+v", st)
	}
	checkInvariants(t, b.s)
}

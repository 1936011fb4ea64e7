package store

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/synapdb/synap/internal/store/queue"
)

const socket = 7 // a connection to which messages of z were pushed

// crowded fills queue a, from which dead letters go to z, so that exporting each takes some slices.
func crowded(t *testing.T) (Stores, *recorder) {
	t.Helper()
	s, j := open(t)
	s.do(func(tx *Tx) {
		for name, o := range map[string]queue.Settings{"a": {DeadLetter: "z"}, "m": {}, "z": {}} {
			if _, err := tx.Queues.Create([]byte(name), o); err != nil {
				t.Fatal(err)
			}
			for i := range 400 { // priorities, so that any numbers are served first
				m := &queue.Message{Payload: fmt.Append(nil, name, i), Priority: i % 10}
				if name == "z" {
					m.MaxRetries = 3
				}
				if _, err := tx.Queues.Publish([]byte(name), m); err != nil {
					t.Fatal(err)
				}
			}
		}
		for i := range 10 {
			set(tx, fmt.Sprint("key", i), fmt.Sprint(i))
		}
		d := worker(5)
		d.Conn = socket
		tx.Queues.Deliver([]byte("z"), d, nil)
	})
	return s, j
}

// While an export is anywhere (before, between or in the middle of the queues), something happens.
// The blocks, in whatever order they are loaded, and the records since the export began lead to
// the same state as live.
func TestWhatHappensDuringAnExport(t *testing.T) {
	for name, happen := range map[string]func(*testing.T, Stores){
		"dead letters move to another queue":    bury,
		"a queue is deleted and made again":     renew,
		"a queue is deleted, then its target":   vanish,
		"dead letters are kept and come back":   redrive,
		"leases end after a purge":              purge,
		"the target of dead letters is changed": retarget,
	} {
		t.Run(name, func(t *testing.T) {
			for slice := 0; duringExport(t, slice, happen); slice++ {
			}
		})
	}
}

// duringExport lets something happen before a slice of an export, and says whether there was one.
func duringExport(t *testing.T, at int, happen func(*testing.T, Stores)) bool {
	t.Helper()
	s, j := crowded(t)
	since := len(j.records)
	var c ExportCursor
	var blocks [][]byte
	n := 0
	for more := true; more; n++ {
		if n == at {
			happen(t, s)
			happen(t, s)
		}
		var block []byte
		if block, _, more = s.Export(&c, nil); len(block) > 0 {
			blocks = append(blocks, block)
		}
	}
	random := rand.New(rand.NewPCG(uint64(at), 1))
	random.Shuffle(len(blocks), func(i, k int) { blocks[i], blocks[k] = blocks[k], blocks[i] })
	twin, _ := open(t)
	for _, b := range blocks {
		if err := twin.Import(epoch, b); err != nil {
			t.Fatal(err)
		}
	}
	twin.FinishImport()
	twin.Arrange()
	for _, record := range j.records[since:] {
		if err := twin.ReplayRecord(epoch, record); err != nil {
			t.Fatal(err)
		}
	}
	twin.Arrange()
	if twin.Digest(epoch) != s.Digest(epoch) {
		t.Errorf("before slice %d: another state", at)
	}
	for _, name := range []string{"a", "z"} {
		if s.there(name) && !slices.Equal(twin.ready(t, name), s.ready(t, name)) {
			t.Errorf("before slice %d: other messages in %s", at, name)
		}
	}
	return at < n
}

func (s Stores) there(name string) bool { return len(s.Queues.Names(name, "", 1)) > 0 }

// fail makes dead letters of n messages of queue a.
func fail(t *testing.T, tx *Tx, n int) {
	t.Helper()
	for _, v := range tx.Queues.Deliver([]byte("a"), worker(n), nil) {
		l := &queue.Lease{ID: v.ID}
		if err := tx.Queues.Nack([]byte("a"), l, queue.Nack{Requeue: true}); err != nil {
			t.Fatal(err)
		}
	}
}

func worker(n int) *queue.Deliver { return &queue.Deliver{Consumer: []byte("c"), Count: n} }

// aim makes dead letters of queue a go elsewhere.
func aim(t *testing.T, tx *Tx, target string) {
	t.Helper()
	err := tx.Queues.Update([]byte("a"), func(o *queue.Settings) { o.DeadLetter = target })
	if err != nil {
		t.Fatal(err)
	}
}

func bury(t *testing.T, s Stores) { s.do(func(tx *Tx) { fail(t, tx, 70) }) }

func retarget(t *testing.T, s Stores) {
	s.do(func(tx *Tx) { aim(t, tx, "m") })
	bury(t, s)
}

func renew(t *testing.T, s Stores) {
	s.do(func(tx *Tx) { tx.Queues.Delete([]byte("a")) })
	s.do(func(tx *Tx) {
		_, err := tx.Queues.Create([]byte("a"), queue.Settings{MaxRetries: 9})
		if err != nil {
			t.Fatal(err)
		}
		publish(t, tx, "a", "new")
	})
}

func vanish(t *testing.T, s Stores) {
	if s.there("a") {
		bury(t, s)
		s.do(func(tx *Tx) { tx.Queues.Delete([]byte("a")) })
		return
	}
	s.do(func(tx *Tx) { tx.Queues.Delete([]byte("z")) })
}

func redrive(t *testing.T, s Stores) {
	s.do(func(tx *Tx) {
		aim(t, tx, "")
		fail(t, tx, 70)
	})
	s.do(func(tx *Tx) {
		if _, err := tx.Queues.Redrive([]byte("a"), nil, 30, false); err != nil {
			t.Fatal(err)
		}
	})
}

func purge(t *testing.T, s Stores) {
	s.do(func(tx *Tx) {
		if st, err := tx.Queues.Stats([]byte("z")); err != nil || st.Leased == 0 {
			return // they came back the last time, and shall stay
		}
		if _, err := tx.Queues.Purge([]byte("z"), true); err != nil {
			t.Fatal(err)
		}
		publish(t, tx, "z", "later")
	})
	bury(t, s)
	s.Queues.Detach([]byte("z"), socket, epoch)
}

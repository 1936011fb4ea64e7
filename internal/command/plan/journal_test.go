package plan

import (
	"errors"
	"strconv"
	"testing"

	"github.com/synapdb/synap/internal/command/journaltest"
	"github.com/synapdb/synap/internal/store/kv"
)

// narrow is a journal that takes records up to room bytes, and knows the longest it got.
type narrow struct {
	journaltest.Fake
	room, longest int
}

func (n *narrow) Append(_ int64, payload []byte) uint64 {
	n.longest = max(n.longest, len(payload))
	return 1
}

func (n *narrow) Admit(bytes int) error {
	if bytes > n.room {
		return errors.New("the disk is full")
	}
	return nil
}

// TestCopiesOfOneRecordAskForAllOfIt: a transaction is one record however many values it makes.
func TestCopiesOfOneRecordAskForAllOfIt(t *testing.T) {
	for _, size := range []int{unasked - 1000, 10 * unasked} {
		store, err := kv.New(kv.Options{Shards: 4, Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		var tx kv.Tx
		run := func(change func()) {
			store.Begin(&tx, 1)
			tx.DeclareAll()
			tx.Lock()
			change()
			tx.Unlock()
		}
		from := Place{Key: []byte("from")}
		run(func() { Set(&tx, 0, from.Key, make([]byte, size), SetOptions{}) })
		j := &narrow{room: 20 * unasked}
		store.SetJournal(j)
		refused := 0
		run(func() {
			for i := range 50 {
				to := Place{Key: strconv.AppendInt(nil, int64(i), 10)}
				if Copy(&tx, from, to, false) != nil {
					refused++
				}
			}
		})
		if j.longest > j.room+unasked || refused == 0 || refused == 50 {
			t.Errorf("copies of %d bytes: a record of %d bytes where %d are admitted, %d refused",
				size, j.longest, j.room, refused)
		}
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	}
}

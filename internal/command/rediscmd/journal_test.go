package rediscmd

import (
	"errors"
	"strconv"
	"testing"

	"github.com/synapdb/synap/internal/command/journaltest"
	"github.com/synapdb/synap/internal/command/replytest"
)

// narrow is a journal with room for small records only. Commands that make a large value out of
// small arguments must ask for it.
type narrow struct{ journaltest.Fake }

const narrowRoom = 100_000

func (*narrow) Append(int64, []byte) uint64 { return 1 }

func (*narrow) Admit(bytes int) error {
	if bytes > narrowRoom {
		return errors.New("the disk is full")
	}
	return nil
}

// announced is a journal that compares records with what was asked for.
type announced struct {
	journaltest.Fake
	asked, got int
}

func (a *announced) Append(_ int64, payload []byte) uint64 {
	a.got = len(payload)
	return 1
}

func (a *announced) Admit(bytes int) error {
	a.asked = max(a.asked, bytes)
	return nil
}

func TestManySmallWordsAnnounceTheirRecord(t *testing.T) {
	c := newClient(t)
	set, del := [][]byte{[]byte("MSET")}, [][]byte{[]byte("DEL")}
	for i := range 10_000 {
		key := strconv.AppendInt(nil, int64(i), 36)
		set, del = append(set, key, nil), append(del, key)
	}
	for _, argv := range [][][]byte{set, del} {
		j := new(announced)
		c.engine.Persistence = j
		c.engine.Store.SetJournal(j)
		c.engine.Exec(c.session, argv, new(replytest.Recorder))
		if j.got > j.asked || j.got < 10_000 {
			t.Errorf("%s: a record of %d bytes, announced as %d", argv[0], j.got, j.asked)
		}
	}
}

func TestLargeResultsAskTheJournal(t *testing.T) {
	c := newClient(t)
	c.talk(`
		SETRANGE large 199999 x => 200000
		SETRANGE small 999 x => 1000
	`)
	j := new(narrow)
	c.engine.Persistence = j
	c.engine.Store.SetJournal(j)
	c.talk(`
		COPY large b => !the disk is full
		COPY large b DB 1 => !the disk is full
		RENAME large b => !the disk is full
		RENAMENX large b => !the disk is full
		MOVE large 1 => !the disk is full
		BITOP NOT b large => !the disk is full
		EXISTS b => 0
		STRLEN large => 200000
		COPY small b => 1
		COPY small b => 0
		MOVE small 1 => 1
		BITOP NOT d b => 1000
		DEL large => 1
	`)
}

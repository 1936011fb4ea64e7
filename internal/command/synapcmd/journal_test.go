package synapcmd_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/command/journaltest"
	"github.com/synapdb/synap/internal/command/synapcmd"
)

// counted is a journal with room for so many writes.
type counted struct {
	journaltest.Fake
	left int
}

func (c *counted) Admit(int) error {
	if c.left--; c.left < 0 {
		return errors.New("the disk is full")
	}
	return nil
}

// A prefix delete asks for each piece: what was removed stays removed, and the answer says that
// there is more.
func TestPrefixDeleteStopsWhenTheJournalIsFull(t *testing.T) {
	b := newBench(t, synapcmd.Options{})
	b.fill("k", 2000)
	j := &counted{left: 1 + 2} // for the command, and for two pieces
	b.Persistence = j
	s := new(command.Session)
	got := b.run(s, "kv.delprefix", "prefix", "k")
	if !strings.Contains(got, `"deleted" 1024`) || !strings.Contains(got, `"more" (true)`) {
		t.Errorf("got %s", got)
	}
	if got := b.run(s, "kv.delprefix", "prefix", "k"); !strings.Contains(got, "the disk is full") {
		t.Errorf("got %s", got)
	}
	if n := b.Store.Count(0); n != 976 {
		t.Errorf("%d keys are left", n)
	}
	b.Persistence = nil
	if got := b.run(s, "kv.delprefix", "prefix", "k"); !strings.Contains(got, `"deleted" 976`) {
		t.Errorf("got %s", got)
	}
}

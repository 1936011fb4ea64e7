// Package journaltest stands in for journal and snapshots in tests.
//
// Receives: writes to be admitted, levels to be committed, snapshots to be made.
// Hands on: what a test told it to answer, and what it was asked.
// Never does: store anything.
package journaltest

import (
	"context"
	"fmt"
	"sync"

	"github.com/synapdb/synap/internal/command"
)

// Fake is a command.Persistence. A write admitted counts as one record appended. It is safe for
// concurrent use; its zero value is a journal of level os that works.
type Fake struct {
	mu    sync.Mutex
	state State
}

// State is what a Fake answers and what it was asked.
type State struct {
	Level command.Level // 0 = OSLevel
	Last  uint64        // records appended

	Written, Synced uint64
	// Full refuses writes, Broken commits.
	Full, Broken error
	// SaveErr is what snapshots end with.
	SaveErr error
	// Hold, when not nil, has Commit and Save wait until it is closed.
	Hold chan struct{}
	// Begun gets a word at the beginning of Commit and Save, when not nil.
	Begun chan string

	Asked  []string // "commit 3 disk", "save", "background"
	Status command.PersistenceStatus
}

var _ command.Persistence = (*Fake)(nil)

// Do changes or reads the state.
func (f *Fake) Do(change func(*State)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(&f.state)
}

// Asked returns what was asked since the last call.
func (f *Fake) Asked() (asked []string) {
	f.Do(func(s *State) { asked, s.Asked = s.Asked, nil })
	return asked
}

// Level is part of command.Persistence, as are all below.
func (f *Fake) Level() (l command.Level) {
	f.Do(func(s *State) { l = max(s.Level, command.OSLevel) })
	return l
}

// Admit appends a record unless the journal is full.
func (f *Fake) Admit(int) (err error) {
	f.Do(func(s *State) {
		if err = s.Full; err == nil {
			s.Last++
		}
	})
	return err
}

// Last counts the writes admitted.
func (f *Fake) Last() (n uint64) {
	f.Do(func(s *State) { n = s.Last })
	return n
}

// History has nothing.
func (f *Fake) History(uint64) command.History { return nothing{} }

type nothing struct{}

func (nothing) Next() (command.Record, bool, error) { return command.Record{}, false, nil }
func (nothing) Advance(int) (bool, error)           { return true, nil }
func (nothing) Rest(bool)                           {}
func (nothing) Close() error                        { return nil }

// Synced is as far as commits to the disk came.
func (f *Fake) Synced() (n uint64) {
	f.Do(func(s *State) { n = s.Synced })
	return n
}

// Commit waits for Hold, then fails with Broken or succeeds.
func (f *Fake) Commit(upTo uint64, level command.Level) (err error) {
	f.ask(fmt.Sprintf("commit %d %s", upTo, level))
	f.Do(func(s *State) {
		if err = s.Broken; err != nil {
			return
		}
		s.Written = max(s.Written, upTo)
		if level == command.DiskLevel {
			s.Synced = max(s.Synced, upTo)
		}
	})
	return err
}

func (f *Fake) ask(what string) {
	var hold chan struct{}
	var begun chan string
	f.Do(func(s *State) {
		s.Asked = append(s.Asked, what)
		hold, begun = s.Hold, s.Begun
	})
	if begun != nil {
		begun <- what
	}
	if hold != nil {
		<-hold
	}
}

// Save waits for Hold and ends with SaveErr.
func (f *Fake) Save(context.Context) (err error) {
	f.ask("save")
	f.Do(func(s *State) { err = s.SaveErr })
	return err
}

// Background ends with SaveErr at once.
func (f *Fake) Background() (err error) {
	f.Do(func(s *State) {
		s.Asked = append(s.Asked, "background")
		err = s.SaveErr
	})
	return err
}

// Status is the state's.
func (f *Fake) Status() (st command.PersistenceStatus) {
	f.Do(func(s *State) { st = s.Status })
	return st
}

package store

import (
	"crypto/sha256"

	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/store/kv"
	"github.com/synapdb/synap/internal/store/queue"
	"github.com/synapdb/synap/internal/store/room"
)

// Stores are all stores of a server, as recovery, snapshots and statistics see them.
type Stores struct {
	Keys   *kv.Store
	Queues *queue.Store // nil: there are none, and their effects are refused
	Rooms  *room.Store  // nil: likewise
}

// SetJournal makes every change go to j from now on; see kv.Store.SetJournal.
func (s Stores) SetJournal(j effect.Journal) {
	s.Keys.SetJournal(j)
	if s.Queues != nil {
		s.Queues.SetJournal(j)
	}
	if s.Rooms != nil {
		s.Rooms.SetJournal(j)
	}
}

// ReplayRecord applies a record of the journal, written at timeMillis, exactly; see the methods of
// the stores. One that is malformed is an error; some of its effects may have been applied then.
func (s Stores) ReplayRecord(timeMillis int64, payload []byte) error {
	rest := payload
	var err error
	if len(rest) > 0 && rest[0] < effect.FirstQueue {
		if rest, err = s.Keys.ReplayRecord(timeMillis, rest); err != nil {
			return err
		}
	}
	if len(rest) > 0 && rest[0] < effect.FirstRoom {
		if s.Queues == nil {
			return errNoQueues
		}
		if rest, err = s.Queues.ReplayRecord(timeMillis, rest); err != nil {
			return err
		}
	}
	switch {
	case len(rest) == 0:
		return nil
	case s.Rooms == nil:
		return errNoRooms
	}
	return s.Rooms.ReplayRecord(timeMillis, rest)
}

// Arrange puts queues and rooms in order, in which imported and replayed messages and events did
// not come. Call it after
// FinishImport, and after the last ReplayRecord.
func (s Stores) Arrange() {
	if s.Queues != nil {
		s.Queues.FinishImport()
	}
	if s.Rooms != nil {
		s.Rooms.FinishImport()
	}
}

// Recovered ends a recovery at now (ms since the Unix epoch): what depended on the earlier process
// is given back, by effects. Call it after SetJournal and before anybody uses the stores.
func (s Stores) Recovered(now int64) {
	if s.Queues != nil {
		s.Queues.Recovered(now)
	}
	if s.Rooms != nil {
		s.Rooms.Recovered(now)
	}
}

// Clear empties the stores without effects: what was imported last turned out to be damaged.
func (s Stores) Clear() {
	// It names no key, so there is nothing that could be malformed.
	_, _ = s.Keys.ReplayRecord(0, effect.Append(nil, &effect.Effect{Kind: effect.FlushAll}))
	if s.Queues != nil {
		s.Queues.Clear()
	}
	if s.Rooms != nil {
		s.Rooms.Clear()
	}
}

// ResetStats zeroes the counters over keys that CONFIG RESETSTAT zeroes, which replaying counted.
func (s Stores) ResetStats() { s.Keys.ResetStats() }

// Memory is the bytes in use over all stores; it locks nothing.
func (s Stores) Memory() int64 {
	n := s.Keys.Stats().Memory
	if s.Queues != nil {
		n += s.Queues.Memory()
	}
	if s.Rooms != nil {
		n += s.Rooms.Memory()
	}
	return n
}

// Contents are numbers of what stores hold.
type Contents struct {
	Keys     int64
	Queues   int64
	Messages int64 // of all queues, dead letters included
	Rooms    int64
	Events   int64 // of all rooms
}

// Contents counts what the stores hold.
func (s Stores) Contents() (c Contents) {
	c.Keys = s.Keys.Stats().Keys
	if s.Queues != nil {
		n, sum := s.Queues.Totals()
		c.Queues, c.Messages = n, sum.Depth+sum.Delayed+sum.Leased+sum.Dead
	}
	if s.Rooms != nil {
		n, sum := s.Rooms.Totals()
		c.Rooms, c.Events = n, sum.Messages
	}
	return c
}

// Digest is a checksum over the contents of all stores at now (ms since the Unix epoch), which
// depends on nothing else; see the methods of the stores. Each store is locked in turn, so nobody
// may write meanwhile.
func (s Stores) Digest(now int64) [sha256.Size]byte {
	keys := s.Keys.Digest()
	if s.Queues == nil && s.Rooms == nil {
		return keys
	}
	all := keys[:]
	if s.Queues != nil {
		queues := s.Queues.Digest(now)
		all = append(all, queues[:]...)
	}
	if s.Rooms != nil {
		rooms := s.Rooms.Digest()
		all = append(all, rooms[:]...)
	}
	return sha256.Sum256(all)
}

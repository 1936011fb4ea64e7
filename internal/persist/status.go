package persist

import "github.com/synapdb/synap/internal/journal"

// Status is a reading. Times are ms since the Unix epoch, 0 = never.
type Status struct {
	Percent float64 // how far recovery is, 100 when done
	// Changes is the number of records since the last snapshot began.
	Changes     int64
	Saving      bool
	SavingSince int64
	LastSave    int64 // end of the last successful snapshot
	// LastError is why the last attempt failed, nil if it did not or there was none.
	LastError  error
	LastMillis int64  // how long it took; -1 = there was none
	Covered    uint64 // number of the last record that the last snapshot surely contains
	Journal    journal.Stats
}

// Status describes journal and snapshots.
func (m *Manager) Status() Status {
	s := Status{Percent: m.Percent(), Saving: m.saving.Load(), LastSave: m.saved.Load(),
		LastMillis: -1}
	if s.Saving {
		s.SavingSince = m.since.Load()
	}
	if last := m.last.Load(); last != nil {
		s.LastMillis, s.LastError = last.millis, last.err
	}
	if base := m.base.Load(); base > 0 {
		s.Covered = base - 1
	}
	if l := m.log.Load(); l != nil {
		s.Journal = l.Stats()
		if m.Changed() {
			s.Changes = int64(uint64(s.Journal.Last) - s.Covered)
		}
	}
	return s
}

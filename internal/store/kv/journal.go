package kv

import "github.com/synapdb/synap/internal/effect"

// recordBytes is what the record of an expiry or eviction takes beyond the key, with the journal's
// header.
const recordBytes = 64

// SetJournal makes every change go to j from now on; nil, as at first, means none does. Call it
// after recovery and before anybody uses the store.
//
// While j admits no records the store is frozen: nothing expires or is evicted, so that what it
// holds stays what the journal says. Expired keys are absent to readers nevertheless.
func (s *Store) SetJournal(j effect.Journal) { s.journal = j }

// Admit says why a write of about so many bytes, all effects of it together, can't be recorded:
// the journal's verdict, nil without one. Ask before planning a write, beside MakeRoom.
func (s *Store) Admit(bytes int) error {
	if s.journal == nil {
		return nil
	}
	return s.journal.Admit(bytes)
}

// Admit is Store.Admit, for an effect that brings more than the command's arguments. What the
// record holds already counts, too: a transaction may make many values of one.
func (t *Tx) Admit(bytes int) error { return t.s.Admit(len(t.effects.Bytes) + bytes) }

// Recorded is the bytes that the record of t holds so far; 0 without a journal.
func (t *Tx) Recorded() int { return len(t.effects.Bytes) }

// frozen says whether the store must not change by itself, by removing a key of so many bytes.
func (s *Store) frozen(keyBytes int) bool {
	return s.journal != nil && s.journal.Admit(keyBytes+recordBytes) != nil
}

// Swaps counts the Swap effects applied. Applying a Swap twice is not the same as once, so a
// snapshot during which it changes must be taken anew. Read it first, then the journal's last
// number, then Export: a Swap is counted after its record is in the journal.
func (s *Store) Swaps() uint64 { return s.swaps.Load() }

// LSN is the highest number of a record that this Tx value, over all its uses, gave to the
// journal; 0 is none. It is known after Unlock.
func (t *Tx) LSN() uint64 { return t.lsn }

// record puts e into the record of t.
func (t *Tx) record(e *effect.Effect, sh *shard) {
	if t.s.journal == nil || t.replay {
		return
	}
	t.effects.Borrow(&sh.scratch)
	t.effects.Bytes = effect.Append(t.effects.Bytes, e)
	t.place++
}

// Join adds effects over other stores, encoded, to the record of t. The caller keeps extra as it is
// until Unlock, and holds the locks of what they changed until then.
func (t *Tx) Join(extra []byte) { t.joined = extra }

// handOn gives the record to the journal. All locks are still held, so nobody saw its effects yet
// who could get a record of his own in front of it.
func (t *Tx) handOn() {
	switch joined := t.joined; {
	case len(t.effects.Bytes) == 0 && len(joined) > 0:
		t.lsn = t.s.journal.Append(t.now, joined)
	case len(t.effects.Bytes) > 0:
		t.effects.Bytes = append(t.effects.Bytes, joined...)
		t.lsn = t.s.journal.Append(t.now, t.effects.Bytes)
	}
	t.joined = nil
	t.effects.GiveBack()
	t.place = 0
}

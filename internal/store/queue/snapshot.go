package queue

// ReplayRecord applies the effects over queues of a record written at timeMillis, exactly. A
// malformed record changes nothing and is an error.
func (s *Store) ReplayRecord(timeMillis int64, payload []byte) error { return nil }

// ExportCursor is how far an Export came. The zero value is the beginning.
type ExportCursor struct {
	Entries uint64 // exported so far: queues, messages, deduplication ids
}

// Export appends the next slice of the store to dst, as effects, and says whether there may be
// more: see kv.Store.Export.
func (s *Store) Export(c *ExportCursor, dst []byte) (out []byte, more bool) { return dst, false }

// Import adds what Export wrote, at now. Several may run at once; FinishImport ends it.
func (s *Store) Import(now int64, block []byte) error { return nil }

// FinishImport puts imported messages in order. It is also called at the end of replaying.
func (s *Store) FinishImport() {}

// Clear removes everything, without effects: a snapshot turned out to be damaged.
func (s *Store) Clear() {}

// Digest is a checksum over queues, their settings and their messages in all states, and what is
// remembered for deduplication at now. Counters of the process are not part of it.
func (s *Store) Digest(now int64) [32]byte { return [32]byte{} }

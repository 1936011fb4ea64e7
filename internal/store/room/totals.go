package room

// Names returns up to limit names of rooms that begin with prefix and come after after, sorted. It
// waits for no shard's lock.
func (s *Store) Names(prefix, after string, limit int) []string {
	return s.names.Page(prefix, after, limit)
}

// Totals adds up the stats of all rooms, and counts them; counters keep what rooms counted that
// were deleted since. Offsets are left out. No lock may be held.
func (s *Store) Totals() (rooms int64, sum Stats) {
	for i := range s.shards {
		sh := &s.shards[i]
		sh.mu.Lock()
		rooms += int64(len(sh.rooms))
		sum.count(&sh.gone)
		for _, r := range sh.rooms {
			st := r.stats()
			sum.count(&st)
			sum.Messages += st.Messages
			sum.Bytes += st.Bytes
			sum.Subscribers += st.Subscribers
		}
		sh.mu.Unlock()
	}
	return rooms, sum
}

// count adds the counters of o, but not its sizes.
func (st *Stats) count(o *Stats) {
	st.Published += o.Published
	st.Consumed += o.Consumed
	st.Dropped += o.Dropped
}

package queue

// Names returns up to limit names of queues that begin with prefix and come after after, sorted.
// It waits for no shard's lock.
func (s *Store) Names(prefix, after string, limit int) []string {
	return s.names.Page(prefix, after, limit)
}

// Totals adds up the stats of all queues, and counts them; counters keep what queues counted that
// were deleted since. No lock may be held.
func (s *Store) Totals() (queues int64, sum Stats) {
	for i := range s.shards {
		sh := &s.shards[i]
		sh.mu.Lock()
		queues += int64(len(sh.queues))
		sum.count(&sh.gone)
		for _, q := range sh.queues {
			sum.count(&q.stats)
			sum.Depth += q.stats.Depth
			sum.Delayed += q.stats.Delayed
			sum.Leased += q.stats.Leased
			sum.Dead += q.stats.Dead
			sum.Consumers += q.stats.Consumers
			sum.Waiters += q.stats.Waiters
			sum.Bytes += q.stats.Bytes
		}
		sh.mu.Unlock()
	}
	return queues, sum
}

// count adds the counters of o, but not its sizes.
func (st *Stats) count(o *Stats) {
	st.Published += o.Published
	st.Consumed += o.Consumed
	st.Acked += o.Acked
	st.Nacked += o.Nacked
	st.DeadLettered += o.DeadLettered
	st.Expired += o.Expired
	st.Dropped += o.Dropped
	st.Duplicates += o.Duplicates
	st.LeasesExpired += o.LeasesExpired
	st.Returned += o.Returned
}

package queue

// MoveBytes is about how long the record of t becomes if a delivery fails: the dead-letter queue
// gets a copy of the message, about which the command says nothing. rejected: it is not to be
// delivered again, whatever its retries. 0: it would not move.
func (t *Tx) MoveBytes(name []byte, id ID, rejected bool) int {
	q := t.find(name)
	if q == nil || q.set.DeadLetter == "" || id.Queue != q.set.Incarnation {
		return 0
	}
	ref := q.shard.find(q, id.Number)
	if ref == 0 {
		return 0
	}
	m := q.shard.message(ref)
	if !rejected && m.retries < m.most && !q.shard.expired(m, t.now) {
		return 0
	}
	return len(t.effects.Bytes) + int(m.payload) + int(m.headers) + deadHeaderBytes
}

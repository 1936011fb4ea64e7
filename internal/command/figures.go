package command

// Memory is the memory of all stores, as kv.Stats has it for the keys, in bytes.
type Memory struct{ Used, Peak, Resident int64 }

// Memory reads the memory of all stores.
func (e *Engine) Memory() Memory {
	s := e.Store.Stats()
	m := Memory{s.Memory, s.Peak, s.Resident}
	if e.Queues != nil {
		m.Used += e.Queues.Memory()
		m.Resident += e.Queues.Resident()
	}
	m.Peak = max(m.Peak, m.Used) // the queues may have grown since the keys' store looked
	return m
}

// Figure is one number about all queues together.
type Figure struct {
	Name  string
	Value int64
}

// QueueFigures are what INFO says of the queues; the totals are since the start of the process.
// There are none inside a transaction over queues, whose locks the sum would wait for.
func (c *Ctx) QueueFigures() []Figure {
	e := c.Engine
	if e.Queues == nil || c.Session.tx.HoldsQueues() {
		return nil
	}
	n, s := e.Queues.Totals()
	return []Figure{
		{"queues", n},
		{"queue_messages_ready", s.Depth},
		{"queue_messages_delayed", s.Delayed},
		{"queue_messages_in_flight", s.Leased},
		{"queue_messages_dead", s.Dead},
		{"queue_memory_bytes", e.Queues.Memory()},
		{"queue_waiters", s.Waiters},
		{"queue_published_total", s.Published},
		{"queue_consumed_total", s.Consumed},
		{"queue_acked_total", s.Acked},
		{"queue_nacked_total", s.Nacked},
		{"queue_dead_lettered_total", s.DeadLettered},
		{"queue_expired_total", s.Expired},
		{"queue_dropped_total", s.Dropped},
		{"queue_duplicates_total", s.Duplicates},
		{"queue_leases_expired_total", s.LeasesExpired},
		{"queue_returned_total", s.Returned},
	}
}

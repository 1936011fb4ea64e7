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
	if e.Rooms != nil {
		m.Used += e.Rooms.Memory()
		m.Resident += e.Rooms.Resident()
	}
	m.Peak = max(m.Peak, m.Used) // the keys' store knows of all only while it makes room
	return m
}

// Figure is one number about all queues, all rooms or all topics together.
type Figure struct {
	Name  string
	Value int64
}

// QueueFigures are what INFO says of the queues; the totals are since the start of the process.
// There are none inside a transaction over queues, whose locks the sum would wait for, or over
// rooms, whose locks come after those of queues.
func (c *Ctx) QueueFigures() []Figure {
	e := c.Engine
	if tx := &c.Session.tx; e.Queues == nil || tx.HoldsQueues() || tx.HoldsRooms() {
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

// RoomFigures are what INFO says of the rooms, likewise.
func (c *Ctx) RoomFigures() []Figure {
	e := c.Engine
	if e.Rooms == nil || c.Session.tx.HoldsRooms() {
		return nil
	}
	n, s := e.Rooms.Totals()
	return []Figure{
		{"rooms", n},
		{"room_events", s.Messages},
		{"room_event_bytes", s.Bytes},
		{"room_memory_bytes", e.Rooms.Memory()},
		{"room_subscribers", s.Subscribers},
		{"room_waiters", e.Waits.Count()},
		{"room_published_total", s.Published},
		{"room_consumed_total", s.Consumed},
		{"room_dropped_total", s.Dropped},
	}
}

// TopicFigures are what INFO says of topics and of those who watch keys.
func (e *Engine) TopicFigures() []Figure {
	var list []Figure
	if e.Topics != nil {
		s, shards := e.Topics.Stats(), e.Topics.Shards.Stats()
		list = append(list,
			Figure{"topics", int64(s.Topics)},
			Figure{"topic_subscribers", int64(s.Subscribers)},
			Figure{"topic_pattern_subscriptions", int64(s.Wildcards)},
			Figure{"topic_published_total", int64(s.Published)},
			Figure{"topic_delivered_total", int64(s.Delivered)},
			Figure{"topic_subscribers_dropped_total", int64(s.Dropped)},
			Figure{"shard_topics", int64(shards.Topics)},
			Figure{"shard_topic_subscribers", int64(shards.Subscribers)},
			Figure{"shard_topic_published_total", int64(shards.Published)},
			Figure{"shard_topic_delivered_total", int64(shards.Delivered)},
			Figure{"shard_topic_subscribers_dropped_total", int64(shards.Dropped)})
	}
	if e.Watches != nil {
		s := e.Watches.Stats()
		list = append(list,
			Figure{"watchers", e.Watches.Watchers()},
			Figure{"watch_events_total", int64(s.Published)},
			Figure{"watch_delivered_total", int64(s.Delivered)},
			Figure{"watchers_dropped_total", int64(s.Dropped)})
	}
	return list
}

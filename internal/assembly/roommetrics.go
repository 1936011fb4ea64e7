package assembly

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/synapdb/synap/internal/clock"
	"github.com/synapdb/synap/internal/store/room"
)

// labelledRooms bounds the rooms that have series of their own: see labelledQueues.
const labelledRooms = 1000

var (
	descRoomEvents = describe("stream_room_events",
		"Events kept by a room; of the first 1000 rooms by name.", "room")
	descRoomSubscribers = describe("stream_room_subscribers",
		"Subscribers of a room; of the first 1000 rooms by name.", "room")
	descRoomLeftOut = describe("stream_series_left_out",
		"Rooms without series of their own, being more than 1000.")
	descRooms         = describe("stream_rooms", "Event rooms.")
	descEvents        = describe("stream_events", "Events kept by all rooms.")
	descEventBytes    = describe("stream_event_bytes", "Bytes of the encoded events of all rooms.")
	descSubscribers   = describe("stream_subscribers", "Subscribers of all rooms.")
	descStreamWaiters = describe("stream_waiters", "Commands that wait for an event.")
	descRoomMemory    = describe("stream_memory_bytes", "Memory of rooms and events; it is "+
		"part of synap_memory_bytes.")
	descEventsPublished = describe("stream_published_total", "Events published.")
	descEventsConsumed  = describe("stream_consumed_total", "Events handed to readers and "+
		"subscribers.")
	descEventsDropped = describe("stream_dropped_total", "Events removed by the bounds of rooms.")
)

// rooms sends the figures of the rooms; totals are since the start of the process, but that of
// events published, which is since the rooms were made.
func (m *metrics) rooms(
	send func(*prometheus.Desc, prometheus.ValueType, float64, ...string),
) {
	s := m.in.stores.Rooms
	n, sum := s.Totals()
	gauge := func(d *prometheus.Desc, v int64, labels ...string) {
		send(d, prometheus.GaugeValue, float64(v), labels...)
	}
	count := func(d *prometheus.Desc, v int64) { send(d, prometheus.CounterValue, float64(v)) }
	gauge(descRooms, n)
	gauge(descEvents, sum.Messages)
	gauge(descEventBytes, sum.Bytes)
	gauge(descSubscribers, sum.Subscribers)
	gauge(descStreamWaiters, m.in.engine.Waits.Count())
	gauge(descRoomMemory, s.Memory())
	count(descEventsPublished, sum.Published)
	count(descEventsConsumed, sum.Consumed)
	count(descEventsDropped, sum.Dropped)
	names := s.Names("", "", labelledRooms)
	for _, name := range names {
		if st, err := roomStats(s, name); err == nil { // it may have been deleted since
			gauge(descRoomEvents, st.Messages, name)
			gauge(descRoomSubscribers, st.Subscribers, name)
		}
	}
	gauge(descRoomLeftOut, max(n-int64(len(names)), 0))
}

// roomStats reads the counters of one room.
func roomStats(s *room.Store, name string) (room.Stats, error) {
	var t room.Tx
	s.Begin(&t, clock.Real{}.Now())
	t.Declare([]byte(name))
	t.Lock()
	defer t.Unlock()
	return t.Stats([]byte(name))
}

package assembly

import (
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/synapdb/synap/internal/clock"
	"github.com/synapdb/synap/internal/store/queue"
)

// labelledQueues bounds the queues that have series of their own: with a series for each, tens of
// thousands of queues make scrapes of tens of megabytes. The sums are over all of them.
const labelledQueues = 1000

var (
	descQueueDepth = describe("queue_depth",
		"Ready messages of a queue; of the first 1000 queues by name.", "queue")
	descQueueConsumers = describe("queue_consumers",
		"Consumers that hold messages of a queue; of the first 1000 queues by name.", "queue")
	descQueueInFlight = describe("queue_in_flight",
		"Leased messages of a queue; of the first 1000 queues by name.", "queue")
	descQueueDelayed = describe("queue_delayed",
		"Delayed messages of a queue; of the first 1000 queues by name.", "queue")
	descQueueDead = describe("queue_dead_letters",
		"Dead letters kept with a queue; of the first 1000 queues by name.", "queue")
	descQueueLeftOut = describe("queue_series_left_out",
		"Queues without series of their own, being more than 1000 or not "+
			"named in UTF-8.")
	descQueues        = describe("queues", "Queues.")
	descQueueMessages = describe("queue_messages", "Messages of all queues.", "state")
	descQueueWaiters  = describe("queue_waiters", "Consumers that wait for a message.")
	descQueueMemory   = describe("queue_memory_bytes", "Memory of queues and messages; it is "+
		"part of synap_memory_bytes.")
)

// queueTotals are the counters over all queues, since the start of the process.
var queueTotals = []struct {
	desc *prometheus.Desc
	read func(*queue.Stats) int64
}{
	{describe("queue_published_total", "Messages published, without duplicates."),
		func(s *queue.Stats) int64 { return s.Published }},
	{describe("queue_consumed_total", "Deliveries of messages."),
		func(s *queue.Stats) int64 { return s.Consumed }},
	{describe("queue_acked_total", "Messages acknowledged."),
		func(s *queue.Stats) int64 { return s.Acked }},
	{describe("queue_nacked_total", "Deliveries that a consumer said had failed."),
		func(s *queue.Stats) int64 { return s.Nacked }},
	{describe("queue_dead_lettered_total", "Messages that became dead letters."),
		func(s *queue.Stats) int64 { return s.DeadLettered }},
	{describe("queue_expired_total", "Messages whose time to live passed."),
		func(s *queue.Stats) int64 { return s.Expired }},
	{describe("queue_dropped_total",
		"Messages rejected and removed, or pushed out of a full queue."),
		func(s *queue.Stats) int64 { return s.Dropped }},
	{describe("queue_duplicates_total", "Publishes left out because of their dedup_id."),
		func(s *queue.Stats) int64 { return s.Duplicates }},
	{describe("queue_leases_expired_total", "Deliveries that were not acknowledged in time."),
		func(s *queue.Stats) int64 { return s.LeasesExpired }},
	{describe("queue_returned_total", "Deliveries that a closed connection gave back."),
		func(s *queue.Stats) int64 { return s.Returned }},
}

// queues sends the figures of the queues.
func (m *metrics) queues(
	send func(*prometheus.Desc, prometheus.ValueType, float64, ...string),
) {
	s := m.in.stores.Queues
	n, sum := s.Totals()
	gauge := func(d *prometheus.Desc, v int64, labels ...string) {
		send(d, prometheus.GaugeValue, float64(v), labels...)
	}
	gauge(descQueues, n)
	gauge(descQueueMessages, sum.Depth, "ready")
	gauge(descQueueMessages, sum.Delayed, "delayed")
	gauge(descQueueMessages, sum.Leased, "in_flight")
	gauge(descQueueMessages, sum.Dead, "dead")
	gauge(descQueueWaiters, sum.Waiters)
	gauge(descQueueMemory, s.Memory())
	for _, total := range queueTotals {
		send(total.desc, prometheus.CounterValue, float64(total.read(&sum)))
	}
	shown := int64(0)
	for _, name := range s.Names("", "", labelledQueues) {
		if !utf8.ValidString(name) { // a label must be
			continue
		}
		shown++
		if st, err := statsOf(s, name); err == nil { // it may have been deleted since
			gauge(descQueueDepth, st.Depth, name)
			gauge(descQueueConsumers, st.Consumers, name)
			gauge(descQueueInFlight, st.Leased, name)
			gauge(descQueueDelayed, st.Delayed, name)
			gauge(descQueueDead, st.Dead, name)
		}
	}
	gauge(descQueueLeftOut, max(n-shown, 0))
}

// statsOf reads the counters of one queue.
func statsOf(s *queue.Store, name string) (queue.Stats, error) {
	var t queue.Tx
	s.Begin(&t, clock.Real{}.Now())
	t.Declare([]byte(name))
	t.Lock()
	defer t.Unlock()
	return t.Stats([]byte(name))
}

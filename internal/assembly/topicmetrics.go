package assembly

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/synapdb/synap/internal/store/pubsub"
)

// The two spaces of topics are apart by a label: topics are those of all doors, shards those of
// SSUBSCRIBE.
var (
	descTopics = describe("pubsub_topics",
		"Topics that somebody subscribed to by name, some without subscribers now.", "space")
	descTopicSubscribers = describe("pubsub_subscribers", "Subscribers.", "space")
	descPatterns         = describe("pubsub_pattern_subscriptions",
		"Subscriptions to patterns.", "space")
	descTopicPublished = describe("pubsub_published_total",
		"Messages published, keyspace notifications that somebody may hear included.", "space")
	descTopicDelivered = describe("pubsub_delivered_total",
		"Messages handed to subscribers, each as often as it was.", "space")
	descTopicDropped = describe("pubsub_subscribers_dropped_total",
		"Subscribers that were ended because they were too slow.", "space")
	descWatchers       = describe("watch_watchers", "Watchers of keys.")
	descWatchEvents    = describe("watch_events_total", "Changes that somebody watched.")
	descWatchDelivered = describe("watch_delivered_total",
		"Changes handed to watchers as they happened, each as often as it was.")
	descWatchDropped = describe("watch_watchers_dropped_total",
		"Watchers that were ended because they were too slow.")
)

// topics sends the figures of topics and watches; totals are since the start of the process.
func (m *metrics) topics(
	send func(*prometheus.Desc, prometheus.ValueType, float64, ...string),
) {
	gauge := func(d *prometheus.Desc, v int, labels ...string) {
		send(d, prometheus.GaugeValue, float64(v), labels...)
	}
	count := func(d *prometheus.Desc, v uint64, labels ...string) {
		send(d, prometheus.CounterValue, float64(v), labels...)
	}
	space := func(name string, s pubsub.Stats) {
		gauge(descTopics, s.Topics, name)
		gauge(descTopicSubscribers, s.Subscribers, name)
		gauge(descPatterns, s.Wildcards, name)
		count(descTopicPublished, s.Published, name)
		count(descTopicDelivered, s.Delivered, name)
		count(descTopicDropped, s.Dropped, name)
	}
	e := m.in.engine
	space("topics", e.Topics.Stats())
	space("shards", e.Topics.Shards.Stats())
	watches := e.Watches.Stats()
	gauge(descWatchers, int(e.Watches.Watchers()))
	count(descWatchEvents, watches.Published)
	count(descWatchDelivered, watches.Delivered)
	count(descWatchDropped, watches.Dropped)
}

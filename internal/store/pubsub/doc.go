// Package pubsub routes messages from whoever publishes to a topic to whoever subscribed to it.
//
// Receives: messages with a topic; subscriptions to topics, patterns and globs, with the time.
// Hands on: messages in the outboxes of subscribers, and wakes; who is subscribed to what.
// Never does: keep a message that nobody waits for, encode one, touch the journal, ask the time,
// or start goroutines.
//
// # What matches
//
// A topic is any bytes; its segments are what stands between dots. There are three kinds of
// subscription over one space of topics: a Topic (these bytes), a Pattern (see CheckPattern) and
// a Glob (Redis: over the whole topic, dots are bytes like others).
//
// # How a message finds its way
//
// Topics with subscribers, and those that had some, are in a hash table that is read without a
// lock. Patterns are in a trie of segments with children of their own for `*` and for globs
// within a segment; globs are in an index by the literal bytes that they begin or end with. Both
// are asked at most once as long as patterns stay the same: the answer is kept, see cache. What is
// kept names patterns, not subscribers, so one more subscriber of a known pattern changes nothing.
//
// # How it is delivered
//
// Subscribers belong to a Group: those of one event loop. A target keeps its subscribers by Group,
// and a Group has one line of arrivals, so a message takes one lock and gives one wake for all
// subscribers of a loop. The loop moves what has arrived into outboxes, under another lock:
// whoever publishes touches nothing of a subscriber but its place in a list.
//
// Measured on two cores that others used as well (BenchmarkFanOut, 1000 subscribers, best of
// several, ns for each delivery): publishing 2.7, with Ready and Drain 18 to 45. Rejected:
//
//   - the Group's lock also over the outboxes, which publishers fill: publishing 36, all 48 to 56;
//   - the same with a lock for each subscriber: publishing 60 and more, all 40 to 109.
//
// With two publishers and two loops at once (BenchmarkFanOutLoops, CPU per delivery) the three do
// not differ by more than the noise at 1000 subscribers (69, 69, 61), and at 50 the chosen one
// pays for moving messages twice (50, 35, 41). It was chosen because that work is done by the loops
// side by side, while the one who publishes goes on.
package pubsub

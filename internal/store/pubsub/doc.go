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
// Subscribers belong to a Group: those of one event loop. Whatever a delivery touches of them is
// under the lock of their Group, and a target keeps its subscribers by Group, so that a message
// takes one lock and gives one wake for all subscribers of a loop.
package pubsub

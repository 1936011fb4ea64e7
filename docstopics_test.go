package synap_test

// aboutTopics is what the tables cannot say of topics, with a tilde for every backtick.
const aboutTopics = `
## Topics

A message goes to all who are subscribed at that moment, and nowhere else: nothing is kept. There is
one space of topics for all doors. What ~PUBLISH~ sends reaches WebSockets, and what
~pubsub.publish~ sends reaches Redis clients.

**Subscriptions.** Those of dotted commands and WebSockets are topics, or patterns of segments
between dots: ~*~ alone is exactly one segment, ~*~ within one any part of it, and ~#~ at
the end any number of segments, also none. ~SUBSCRIBE~ takes its words as they are, and
~PSUBSCRIBE~ globs as Redis has them, for which a dot is a byte like others. A WebSocket gets
a message once, a Redis client once for each subscription that matches.

**Payloads.** Any JSON value. Redis clients get a string without quotes, and the compact JSON
text of anything else. What comes over RESP is text, or if it is not UTF-8 the base64 of its
bytes, with ~"encoding": "base64"~ beside it. ~PPUBLISH~ takes JSON text.

**Ids.** ~pubsub.subscribe~ only counts: its id is matched, and gets nothing until a WebSocket
opens with it (~subscriber_id~), which takes all its subscriptions over. ~/pubsub/ws~ wants
~topics~, separated by commas. Its first frame is
~{"type": "connected", "subscriber_id", "topics", "subscription_count"}~, then
~{"type": "message", "message_id", "topic", "payload", "metadata", "timestamp"}~ for each
message. ~/pubsub/events~ has the same values as server-sent events.

**Slow readers.** 1024 messages wait for a WebSocket whose peer takes nothing, and then it is
closed, with the reason ~slow consumer~. A RESP connection may pause while 65536 come: then it is
closed. In both cases no more than ~server.output_buffer_mb~ of them may wait, or one, and about
a million for all connections of an event loop, half of it for those that don't read. One that
fell behind is no longer counted by ~NUMSUB~ and its like, even before its connection is closed.

**Over RESP.** ~SUBSCRIBE~ and the like do what Redis does: each subscription is acknowledged
by a push, and messages are pushed, also while ~CLIENT REPLY~ is ~OFF~. A client that expects
one number and no pushes gets neither. In ~EXEC~, acknowledgements for a second name
and more stand between the replies, as in Redis 7. ~SSUBSCRIBE~, and ~SPUBLISH~ of two arguments,
have channels of their own; of three it publishes to a room.
`

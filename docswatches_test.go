package synap_test

// aboutWatches is what the tables cannot say of watches, with a tilde for every backtick.
const aboutWatches = `
## Watching keys

Who watches keys is told of every change of them, whatever made it: a command of any door, a batch
once it holds, expiry (when the key is collected, within about 64 ms), eviction, FLUSHDB, SWAPDB.

**Events.** ~{"key", "event", "version", "value", "lsn"}~. ~event~ is ~set~, ~append~, ~setrange~,
~incrby~ or ~decrby~, with the value after the change, or ~del~, ~expired~, ~evicted~, ~expire~,
~persist~ without one. ~version~ counts the changes of a key from 1, and is 0 of one that is gone. A
value that is not UTF-8, or longer than 65536 bytes, is left out and
~"truncated":true~ stands for it: read the key. ~flush~ and ~swap~, with an empty key, are about all
keys of the database: list them again. A rename is ~del~ and ~set~. ~lsn~ is the number of the
change's record in the journal; without one it is left out.

**Patterns** are those of topics over the key: ~user:*~ is every key that begins so and has no dot
behind it, ~a.*.#~ goes by segments, and ~#~ alone is every key.

**Doors.** A WebSocket at ~/kv/ws?keys=user:*,k1~, ~{"to":"keys"}~ on the one for everything, or
~curl -N 'localhost:15500/kv/events?keys=user:*'~. First comes ~connected~, with the ~lsn~ behind
which the watch begins, then messages as of topics, called ~__watch@0__:~ and the key.
~mode=notify~ leaves values out. ~KV.WATCH~ has the same over RESP, for the database of the
connection: ~message~ pushes, as of SUBSCRIBE, until ~KV.UNWATCH~. In RESP2 such a connection takes
no other commands, as one of SUBSCRIBE; say ~HELLO 3~ to go on with them. Events of one watch can't
be told from those of another on the same connection if both want the same key.

**List, then watch.** ~kv.scan~ answers the ~lsn~ of the moment it began. A watch with that as
~from_lsn~ (~FROM~ over RESP) is first told what the journal has since, then what happens: nothing
is missed in between, and nothing told twice. The same goes for the ~message_id~ of an event, which
is also the id of server-sent events: ~Last-Event-ID~ resumes behind it, after a restart of the
server, too. Part changes (APPEND, SETRANGE and the like) from the journal are ~truncated~. Where
the journal does not reach back so far any more, or has no such record, the watch is refused:
~history_gone~, 410. Then list again.

Over RESP the pushes have the number of the record alone: to resume behind a transaction that was
cut off, begin ~FROM~ the record before it, and leave out what is known by its version.

**Slow readers** are ended as those of topics, with the reason; they can resume behind what they
got.

**Keyspace notifications** as Redis has them are off, unless ~notify-keyspace-events~ (CONFIG SET,
or ~kv_store.notify_keyspace_events~) names classes: ~KEA~ is all of them. They go to subscribers of
~__keyspace@0__:key~ and ~__keyevent@0__:event~ at all doors. ~m~ (misses) is refused.
`

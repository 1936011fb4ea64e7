package synap_test

// aboutQueues is what the tables cannot say, with a tilde for every backtick.
const aboutQueues = `
## Queues

A message is leased to one consumer until it acknowledges it, gives it back, or its deadline
passes; then it is delivered again, ~retry_count~ one higher, and after ~max_retries~ kept
as a dead letter.

~~~
$ JSON='Content-Type: application/json'
$ curl localhost:15500/queue/mail -H "$JSON" -d '{"max_depth":1000}'
{"success":true,"queue":"mail"}
$ curl localhost:15500/queue/mail/publish -H "$JSON" -d '{"payload":{"to":"ada"},"ttl":3600}'
{"message_id":"fa4b2dd3-302c-8cf2-8000-000000000001"}
$ curl 'localhost:15500/queue/mail/consume/worker-1?wait_ms=5000'
{"message_id":"fa4b2dd3-302c-8cf2-8000-000000000001",
 "payload":[123,34,116,111,34,58,34,97,100,97,34,125],"priority":5,"retry_count":0,
 "max_retries":3,"headers":{},"timestamp":1795388431,"retries":0,"token":"098f3b3ca71565c4",
 "deadline":1795388461783,"value":{"to":"ada"}}
$ curl localhost:15500/queue/mail/nack -H "$JSON" -d '{"requeue":true,
  "message_id":"fa4b2dd3-302c-8cf2-8000-000000000001","token":"098f3b3ca71565c4"}'
{"success":true}
$ curl localhost:15500/queue/mail/consume/worker-1
{"message_id":"fa4b2dd3-302c-8cf2-8000-000000000001", …
 "retry_count":1, … "token":"6454cf62f7cdb3f1", …}
$ curl localhost:15500/queue/mail/ack -H "$JSON" -d '{
  "message_id":"fa4b2dd3-302c-8cf2-8000-000000000001","token":"6454cf62f7cdb3f1"}'
{"success":true}
~~~

**Order.** Higher priorities first, within one the oldest first. A message that comes back by a
nack or because its deadline passed goes to the back of its priority; what a WebSocket held when
it closed returns to its old place. Over the commands ~requeue~ is true when absent; the route
requires it.

**Payloads.** An array of whole numbers 0..255 and MessagePack's binary are bytes; so is
what comes over RESP. A string is its UTF-8 bytes. Anything else, an array with any other
element included, is kept as its compact JSON text. Answers have the bytes in ~payload~, as
an array of numbers or as MessagePack's binary, and what was given as a string or JSON value
once more in ~value~. A message has at most 16 MiB; one answer about several stops once it
holds 8 MiB of payloads and headers.

**Units.** ~ttl~ is in seconds, ~ttl_ms~ and QPUBLISH's TTL in milliseconds, as are all WAIT,
DELAY and DEADLINE; the second number of QCREATE is in seconds. Time to live counts while a
message is ready or delayed. QEXTEND with 0, and ~queue.extend~ without a time, give the queue's
ack deadline once more, from now.

**Deliveries.** A message has ~id~ (over the routes and the WebSocket ~message_id~),
~payload~, ~value~, ~priority~, ~retry_count~ (and the same as ~retries~), ~max_retries~,
~headers~, ~timestamp~ (seconds), ~token~ and ~deadline~ (ms). Settled with its token it
can't be mistaken for a later delivery: that is refused as ~stale_lease~. QCONSUME brings the
token only with FULL.

**Waiting.** Consuming finds nothing (null) in an empty or paused queue, at the prefetch limit,
and in a queue that is not there. To wait (~wait_ms~, WAIT) for a queue that is not there, or is
deleted meanwhile, fails: ~Queue not found~. Inside MULTI, EXEC and batches nothing waits.

**Consumers.** Leases, prefetch and the single active consumer go by the consumer's name.
QCONSUME without a name is ~resp3~ on every connection: name your consumers. ~consumers~ in
figures counts those that hold messages, not those that wait. A single active consumer keeps its
place while it holds messages, waits, or has a WebSocket, and for one ack deadline of the queue
after it last asked; then the next one who asks or waits takes over.

**Dead letters.** What failed more than ~max_retries~ times is kept with its queue, in
~queue.dlq.list~, or, if ~dead_letter_queue~ names another queue, moved there. There it is a new
message with a new id; its headers have ~x-dead-letter-queue~ (where it comes from),
~x-dead-letter-id~ (the id it had), ~x-dead-letter-retries~ and ~x-dead-letter-reason~:
~max_retries~, ~rejected~ (nack with ~requeue~ false), ~expired~ or ~overflow~. That queue need
not exist when it is named; as long as it does not, or is full, failed messages are kept with
their own queue. **Without a ~dead_letter_queue~ that exists and has room, rejected, expired and
overflowed messages are gone.** ~drop_oldest~ acts when the next message is published: it
removes the oldest ready one of the lowest priority, even if the new one's is lower.

~queue.dlq.retry~ answers ~retried~ and ~remaining~. Outside a transaction
many become ready in pieces, a million by one command: repeat it while there are some left.
With ~dry_run~ both commands answer ~count~ and change nothing.

**Duplicates.** A publish with a ~dedup_id~ (DEDUP) seen within ~dedup_window_secs~ adds nothing
and answers the id of the first message, also when that is done with; over HTTP with
~duplicate~, over RESP by nothing but that id.

**Errors.** Of the routes: ~Queue not found~ and ~Message not found~ (settled, or nobody's) are
404, ~Stale lease~ (the message was delivered again, or its lease is over) and ~CAS failed~ of
~if_version~ 409, ~Queue is full~ and no room in memory or on the disk 507, a message or request
too large 413.

**Many at once.** ~queue.publish_batch~ adds nothing if an item is wrong. If the queue fills
up midway, ~message_ids~ has null for what was refused, ~rejected~ counts it and ~error~
says why; if all is refused it fails. ~queue.ack~ and ~queue.nack~ of many answer ~success~
(none failed), ~settled~, ~failed~ and ~results~. In an atomic batch whatever can't be done
whole fails.

**Hand-over.** To take a message off one queue and put its follow-up into another, or to change
keys with it, use an atomic batch: it holds whole or not at all. MULTI, as in Redis, runs
its commands without others between, but a command that fails does not undo those that succeeded.

**Settings.** ~queue.create~ and ~queue.update~ take them beside the name or in ~config~. To
~queue.create~ absent or 0 is the server's default, since many clients send 0 for what was
left out; ~"none"~ is a real 0: no retries, priority 0, no bound of the depth, no window. To
~queue.update~ 0 is 0, absent ones stay, and ~"default"~ is the server's default again. Ack
deadline and the factor and cap of the back-off can't be 0: there it is the default, too.
Over RESP an unknown name is an error that lists them; over HTTP it is ignored, as all
fields that are not known.

**Push.** A WebSocket at ~/queue/{queue}/ws/{consumer_id}?prefetch=n~ gets messages as they
come, at most n of them not yet settled, 256 by default. It takes frames ~{"command":
"ack"|"nack"|"extend", …}~ with the fields of those commands. What it holds goes back at
once when it closes. A session at ~/queue/mail/ws/worker-2~, > from the server, < to it:

~~~
> {"type":"connected","queue":"mail","consumer_id":"worker-2"}
> {"type":"message","message_id":"fa4b2dd3-302c-8cf2-8000-000000000003","payload":[98,111,98],
   "priority":5,"retry_count":0,"created_at":1795388432,"headers":{},
   "token":"330742d3e5406ec7","deadline":1795388462493,"max_retries":3,"value":"bob"}
< {"command":"ack","message_id":"fa4b2dd3-302c-8cf2-8000-000000000003","request_id":"1"}
> {"type":"ack","request_id":"1","success":true,"payload":{"success":true}}
< {"command":"ack","message_id":"fa4b2dd3-302c-8cf2-8000-000000000003"}
> {"type":"error","error":"Message not found: fa4b2dd3-302c-8cf2-8000-000000000003",
   "code":"message_not_found","message_id":"fa4b2dd3-302c-8cf2-8000-000000000003"}
~~~

**Metrics** at ~/metrics~, each beginning with ~synap_~. Of each of the first 1000 queues by
name: ~queue_depth~ (ready), ~queue_in_flight~, ~queue_delayed~, ~queue_dead_letters~ (kept with
it), ~queue_consumers~. Of all: ~queues~, ~queue_messages~ by ~state~, ~queue_waiters~,
~queue_memory_bytes~, ~queue_series_left_out~, and since the start ~queue_published_total~,
~queue_consumed_total~, ~queue_acked_total~, ~queue_nacked_total~, ~queue_dead_lettered_total~,
~queue_expired_total~, ~queue_dropped_total~, ~queue_duplicates_total~,
~queue_leases_expired_total~, ~queue_returned_total~.
`

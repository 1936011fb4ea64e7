package synap_test

// aboutMux is what the tables cannot say of the multiplexed WebSocket, with a tilde for every
// backtick. test/readme plays its session.
const aboutMux = `
## One WebSocket for everything

~/api/v1/ws~ takes every command, and pushes rooms, topics, keys and queues, over one connection.
The subprotocol is ~synap.json~ (text messages; also if none is asked for, or only others) or
~synap.msgpack~ (binary messages). In MessagePack, pushes of rooms, topics and keys are the JSON
values translated: bytes that JSON wraps in base64 stay base64.

**Requests** are the envelopes of ~POST /api/v1/command~, batches included, and so are the
answers. ~request_id~ may be any value, and is repeated as it was; without it, it is ~null~.
~payload~ may be left out. Requests run and are answered in their order, but one that waits
(~wait_ms~) is answered when it has waited, and holds up none: up to 64 wait at once, of 16 KiB
each. What can't be read is answered too, as a failure. A message may be as large as a body.

**Subscriptions.** ~subscribe~ has the payload ~{"to": "room"|"topics"|"keys"|"queue"}~ with the
fields of ~stream.consume~, ~pubsub.subscribe~, ~kv.watch~ or ~queue.consume~ as their own
WebSockets have them, and ~subscription~, a name of your own. The answer has the name, and what the
first frame of that WebSocket has. Then come ~{"subscription", "push"}~: the frames of that
WebSocket. Queue messages are settled by ~queue.ack~ and the like. ~unsubscribe~ wants
~subscription~; nothing of it comes after the answer. A subscription that ends by itself, as when
its room is deleted or its peer is too slow, says
~{"subscription", "ended": true, "error", "code"}~, and the socket stays. A socket has up to 1024,
whose payloads have up to 4 KiB each; they have turns of about 4 KiB, so none waits for the backlog
of another. A session, > from the server, < to it:

~~~
< {"request_id":1,"command":"stream.create","payload":{"room":"orders"}}
> {"success":true,"request_id":1,"payload":{"success":true,"room":"orders"},"error":null}
< {"request_id":2,"command":"subscribe",
   "payload":{"to":"room","room":"orders","subscriber_id":"me","subscription":"new"}}
> {"success":true,"request_id":2,"payload":{"subscription":"new","room":"orders",
   "subscriber_id":"me","from_offset":0},"error":null}
< {"request_id":3,"command":"subscribe","payload":{"to":"keys","keys":["user:*"]}}
> {"success":true,"request_id":3,"payload":{"subscription":"s1","subscriber_id":"…",
   "topics":["__watch@0__:user:*"],"subscription_count":1,"lsn":1},"error":null}
< {"request_id":4,"command":"stream.consume",
   "payload":{"room":"orders","subscriber_id":"me","wait_ms":60000}}
< {"request_id":5,"command":"kv.set","payload":{"key":"user:1","value":"Ada"}}
> {"success":true,"request_id":5,"payload":{"success":true},"error":null}
> {"subscription":"s1","push":{"type":"message","message_id":"2-0","topic":"__watch@0__:user:1",
   "payload":{"key":"user:1","event":"set","version":1,"value":"Ada","lsn":2},"metadata":null,
   "timestamp":…}}
< {"request_id":6,"command":"unsubscribe","payload":{"subscription":"s1"}}
> {"success":true,"request_id":6,"payload":{"subscription":"s1","ended":true},"error":null}
< {"request_id":7,"command":"stream.publish",
   "payload":{"room":"orders","event":"placed","data":{"id":7}}}
> {"success":true,"request_id":7,"payload":{"offset":0,"room":"orders"},"error":null}
> {"success":true,"request_id":4,"payload":{"events":[…],"next_offset":1},"error":null}
> {"subscription":"new","push":{"type":"event","room":"orders","offset":0,"event":"placed",
   "data":{"id":7},"timestamp":…}}
< {"request_id":8,"command":"kv.got","payload":{"key":"user:1"}}
> {"success":false,"request_id":8,"payload":null,"error":"Unknown command: kv.got",
   "code":"unknown_command"}
~~~
`

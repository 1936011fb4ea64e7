package synap_test

// aboutRooms is what the tables cannot say of rooms, with a tilde for every backtick.
const aboutRooms = `
## Rooms

A room is a log of events. Each gets the next offset, from 0; reading removes nothing, and any
number of readers go through it, each at its own offset. ~next_offset~ of an answer is where to
go on.

**Events.** ~data~ is any JSON value. Over RESP the words are kept as they are if they are JSON
text, without line breaks between values; anything else is kept as a JSON string, of itself or,
where it is not UTF-8, of its base64, and comes back over RESP as it was. Answers over HTTP have
the bytes of the JSON text in ~data~, as an array of numbers or as MessagePack's binary, and the
value itself in ~value~; ~encoding~ is ~base64~ where MessagePack's binary or such words came in.
An event has ~id~, unlike that of any other event ever, ~offset~, ~room~, ~event~ (its type),
~timestamp~ (seconds), ~timestamp_ms~ and ~metadata~, an object. Data has at most 16 MiB; one
answer about several events stops after 8 MiB.

**What is kept.** The newest ~max_events~, ~max_bytes~ and those younger than ~retention_secs~;
events that a connected subscriber has not read stay up to ~stream.hard_events~. To go on from an
offset below the earliest is an error, so nothing is missed unnoticed; ~stream.history~ and XRANGE
without a beginning begin with the earliest. A setting of 0 is the server's default, -1 no bound.

**Writers.** ~expected_offset~, and an offset in XADD, refuse an event that would get another one:
~offset_conflict~, 409 over the routes. ~stream.publish_batch~ adds all of its events or, if one
is wrong, none. ~generation~ grows with every room made, over restarts too.

**Readers.** ~wait_ms~ and BLOCK wait for the next event. ~stream.commit~ keeps an offset under a
consumer's name, over restarts. XREADGROUP with ~>~ reads from the group's cursor and moves it;
XACK has nothing to do. Offsets of X commands may be written ~n-m~; reading begins at the offset,
not behind it.

**Over RESP3.** ~SFOLLOW room~ pushes events between replies, from the first on or as its options
say, behind its own answer: ~>3 event <room> <the JSON text that a WebSocket gets>~, gaps likewise.
A connection may follow 1024 things, each under an id of its own; ~>3 ended <id> <why>~ says that a
room was deleted, or that the server ends. What is pushed is as durable as what the connection's
commands answer. ~SUNFOLLOW~ is the end: nothing comes behind its answer.

**Live.** ~/stream/{room}/ws/{subscriber_id}~ pushes over a WebSocket, from ~from_offset~ on, or
~last=N~, ~since~ (ms since the Unix epoch) or ~new=1~: first ~{"type":"connected", …,
"from_offset"}~, then ~{"type":"event","room","offset","event","data","timestamp"}~ with ~metadata~
if there are some. ~{"type":"gap","from","to"}~ says that events from ~from~ up to before ~to~ were
gone before they could be sent; a deleted room is an ~error~ and the end. ~GET
/stream/{room}/events~ sends the same texts as server-sent events: ~event~ is the event's type
(~connected~, ~gap~ and ~_error~ are those messages), and ~id~ its id, generation and offset.
Last-Event-ID resumes behind it; an offset alone will do. Was the room deleted and made anew since,
the feed begins with the earliest event, and ~connected~ has ~"recreated":true~; so it is with
~generation~ beside ~from_offset~. EventSource has events of its own called ~error~ and ~open~, so
here such types have an underscore before them, on all feeds: ~_error~, and ~__error~ for ~_error~.
A peer that reads slowly holds up nobody: it goes on at its own offset when it reads again. ~GET
/stream/{room}/history?format=ndjson~, or Accept: application/x-ndjson, answers any length of
history, an event a line.
`

// Package queuecmd holds the commands over queues in both dialects: queue.* and Q*.
//
// Receives: decoded fields or command lines, with their queues, and keys that guard them, locked.
// Hands on: calls of a queue.Tx, and replies as wire-contract.md has them, with what goes beyond.
// Never does: keep messages, know an encoding, ask the time, wait.
//
// Where the contract leaves room, these are the choices:
//
//   - A payload is bytes when it is an array of whole numbers 0..255, MessagePack's binary, or
//     came over RESP; text when it is a string; anything else, an array with other elements
//     included, is kept as its JSON text. Answers have it as bytes in payload; what was no bytes
//     has a value too.
//   - queue.publish_batch is one record, and adds nothing if an item is wrong. A queue that fills
//     up midway keeps what it has: message_ids has null for the others, rejected counts them,
//     error says why. If all are refused, or in an atomic batch, it fails as a whole.
//   - queue.ack and queue.nack of many settle what can be settled and say of each item what
//     became of it; in an atomic batch the first failure undoes all.
//   - Without a token a message's id is enough to settle it. With one, or with consumer_id, only
//     the delivery that it belongs to can be settled: what came too late is a stale lease.
//   - A time to live, a deadline or a setting of 0 is as good as none: the default holds.
//   - At most maxAnswerBytes of payload leave in one answer, the first message whatever its size,
//     and a message has at most maxPayloadBytes: so what is leased can always be answered.
//   - Peeking shows no tokens: who looks on cannot settle.
package queuecmd

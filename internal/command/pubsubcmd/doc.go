// Package pubsubcmd holds the commands over topics: pubsub.*, and those of Redis.
//
// Receives: decoded fields or command lines.
// Hands on: messages and subscriptions to the hub; replies as wire-contract.md and Redis have them.
// Never does: keep messages, push one by itself, ask the time, touch the journal.
//
// Where the contract leaves room, these are the choices:
//
//   - A message's payload is a JSON value, or what came over RESP: text is the JSON string of it,
//     other bytes are that of their base64, and encoding says so. Redis' subscribers get a string
//     without quotes, so what one of them would publish comes out everywhere as it went in.
//   - A subscription by pubsub.subscribe only counts, until a WebSocket opens with its id.
//   - SUBSCRIBE and the like do what Redis does, push included. The contract has them answer one
//     number and push nothing, which no Redis client would understand.
//   - SSUBSCRIBE and SPUBLISH of two arguments have channels of their own, as in Redis.
//   - The payload of PPUBLISH is JSON text; what is none is taken as PUBLISH does.
package pubsubcmd

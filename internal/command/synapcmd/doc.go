// Package synapcmd is the dotted dialect: kv.*, key.*, batch and the commands of administration.
//
// Receives: decoded fields, with the shards of their keys locked.
// Hands on: effects to the store by way of package plan, and replies as wire-contract.md has them.
// Never does: parse a body or a path, choose a reply's encoding, ask the time.
//
// Where the contract leaves room, these are the choices:
//
//   - A ttl of 0 is an error for kv.set and kv.cas; for kv.expire it removes the key at once.
//   - Without ttl or keepttl a write makes the value live forever, kv.cas included.
//   - nx and xx that do not hold are no errors (written:false); a version that does not hold is
//     one, so that it fails an atomic batch.
//   - kv.get and kv.getset return the text of a value, kv.mget, kv.scan and old_value its JSON.
//   - Version 0, or an expected null, is an absent key.
//   - A cursor is the last key in base64 ("." for the empty key); it stays good whatever happens to
//     that key.
//   - kv.delprefix is not atomic: it locks the store for a few hundred keys at a time, and stops
//     after some thousands, saying that there are more.
package synapcmd

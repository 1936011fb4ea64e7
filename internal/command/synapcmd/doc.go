// Package synapcmd is the dotted dialect: kv.*, key.*, batch and the commands of administration.
//
// Receives: decoded fields, with the shards of their keys locked.
// Hands on: effects to the store by way of package plan, and replies as wire-contract.md has them.
// Never does: parse a body or a path, choose a reply's encoding, ask the time.
package synapcmd

// Package watchcmd lets connections watch how keys change: kv.watch, and KV.WATCH of lines.
//
// Receives: patterns of keys, and where in the journal to begin.
// Hands on: events as messages, from the journal at first if wanted, then as they happen.
// Never does: keep an event that nobody waits for, hold up whoever writes, ask the time.
//
// A watch that begins in the past reads the journal in slices until little is left. Then it
// subscribes, waits for what is under way (kv.Store.Barrier), reads up to the last record there is
// by then, and goes on with messages of later ones. As observers are told in the order of records,
// nothing is missing and nothing comes twice.
package watchcmd

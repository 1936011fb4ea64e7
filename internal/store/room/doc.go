// Package room keeps logs of events, each numbered from 0, for readers who come back and for
// subscribers who wait.
//
// Receives: room names to lock, then events, cursors and bounds, with the time.
// Hands on: views and frames of events, valid while their locks are held; effects for the journal;
// wakes.
// Never does: use the network or files, ask the time, or start goroutines.
//
// What a room keeps of an event is the frame that its subscribers get: the header of RFC 6455 and
// the JSON text behind it, so that catching up is to copy. See segment.go for where frames lie.
//
// Retention. A room keeps its newest MaxEvents events, or up to Options.HardEvents while one of its
// subscribers has not read them, of these the newest that fit into MaxBytes, and none that is older
// than MaxAge. The newest event stays whatever its size. Readers see the bounds of count and bytes
// exactly; an event may be seen after its age until the next event, or Options.Sweep. Memory goes
// by segments, of which none is larger than a sixteenth of what its room holds, or 2 KiB, or one
// event: so much may be kept that nobody sees any more.
package room

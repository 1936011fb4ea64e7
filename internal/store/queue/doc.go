// Package queue holds messages until a consumer acknowledges them.
//
// Receives: queue names to lock, then messages, consumers and acknowledgements, with the time.
// Hands on: deliveries, valid while their locks are held; effects for the journal; wakes.
// Never does: use the network or files, ask the time, or start goroutines.
package queue

// Package effect says what changed: the only record that is applied, stored and shipped.
//
// Receives: decisions, with time and randomness already resolved.
// Hands on: values that any node can apply and reach the same state.
// Never does: decide, read state or ask the time.
package effect

// Kind says what an effect does. The list is append-only: kinds are stored.
type Kind uint8

// The kinds of effect over the key-value store.
const (
	// Set puts a whole value under a key, replacing type, value and deadline.
	Set Kind = iota + 1
	// Patch overwrites bytes of a string at Offset, zero-filling up to it, creating it if absent.
	// Deadline and flags of an existing key stay.
	Patch
	// Delete removes a key on a caller's demand.
	Delete
	// Expire removes a key whose deadline has passed.
	Expire
	// Evict removes a key to make room.
	Evict
	// Deadline moves a key's deadline; zero removes it.
	Deadline
	// Flush removes every key of database DB.
	Flush
	// FlushAll removes every key of every database.
	FlushAll
	// Swap exchanges the contents of databases DB and Other.
	Swap
	// causeMark precedes an effect that has a Cause; it is no effect itself.
	causeMark
)

// Flag is a property of a stored value.
type Flag uint8

// JSON marks a value that was given as a JSON number, object, array, bool or null, not as a
// string: its bytes are JSON text, and JSON readers get the value back with its type.
const JSON Flag = 1

// Effect is one change. It carries results, not intentions: INCR records the new value.
// Key and Value are only borrowed; Apply copies what it keeps.
type Effect struct {
	Kind  Kind
	DB    uint8
	Other uint8 // Swap: the second database
	Flags Flag
	// Version is the key's version after the effect, counted from 1 since its creation.
	Version uint32
	// Offset is where a Patch starts, in bytes.
	Offset int
	// Deadline is when the key expires, in ms since the Unix epoch; 0 means never.
	Deadline int64
	Key      []byte
	Value    []byte
	// Cause is what those who watch are told; the effect is the same without it.
	Cause Cause
}

package errs

import (
	"errors"
	"fmt"
)

// Kind classifies a failure. The list is append-only: codes cross the wire.
type Kind uint8

// The kinds, in the order of the wire contract's table 1.4.
const (
	// Internal is a fault of the server itself.
	Internal Kind = iota
	// UnknownCommand is a command name that no row of the table has.
	UnknownCommand
	// BadRequest is a request whose shape is wrong.
	BadRequest
	// MissingField is a request without a required field.
	MissingField
	// BadValue is a well-shaped request whose value is out of bounds.
	BadValue
	// KeyNotFound is an absent key where one is required.
	KeyNotFound
	// KeyExists is a present key where none may be.
	KeyExists
	// KeyExpired is a key whose deadline has passed.
	KeyExpired
	// NotFound is an absent collection.
	NotFound
	// MemoryLimit is a write refused because the memory limit is reached.
	MemoryLimit
	// InvalidTTL is a time to live that is not a usable number.
	InvalidTTL
	// CASFailed is a compare-and-set whose comparison did not hold.
	CASFailed
	// Timeout is an operation that ran out of time.
	Timeout
	// Unauthorized is a caller without usable credentials.
	Unauthorized
	// Forbidden is a caller whose credentials do not reach this far.
	Forbidden
	// Serialization is a body that does not decode.
	Serialization
	// IO is a failed read or write of the machine.
	IO
	// TooLarge is a request over a configured bound.
	TooLarge
	// WrongType is an operation against a key holding another type.
	WrongType
	// NoRoute is an HTTP path that no row of the table has.
	NoRoute
	// Aborted is an item of an atomic batch undone because another one failed.
	Aborted
	// Redis is a failure worded as Redis words it, prefix included ("ERR syntax error").
	Redis
	// Storage is a write refused because the journal can't record it: no space, or a failed disk.
	Storage
	// Loading is a command refused while the data is being recovered.
	Loading
	// QueueNotFound is an absent queue.
	QueueNotFound
	// QueueFull is a message refused because its queue is at its depth.
	QueueFull
	// MessageNotFound is a message that is not there, or not leased.
	MessageNotFound
	// StaleLease is an acknowledgement of a delivery that is no longer the message's last.
	StaleLease
	// RoomNotFound is an absent room.
	RoomNotFound
	// RoomExists is a room where none may be.
	RoomExists
	// OffsetTrimmed is an offset below what its room still holds.
	OffsetTrimmed
	// OffsetConflict is an event refused because another writer took its offset first.
	OffsetConflict
	// HistoryGone is a record of the journal from which on changes are wanted, and which is gone.
	HistoryGone
)

type trait struct {
	code   string
	status int
}

var traits = [...]trait{
	Internal:       {"internal", 500},
	UnknownCommand: {"unknown_command", 400},
	BadRequest:     {"bad_request", 400},
	MissingField:   {"missing_field", 400},
	BadValue:       {"bad_value", 400},
	KeyNotFound:    {"key_not_found", 404},
	KeyExists:      {"key_exists", 409},
	KeyExpired:     {"key_expired", 410},
	NotFound:       {"not_found", 404},
	MemoryLimit:    {"memory_limit", 507},
	InvalidTTL:     {"invalid_ttl", 400},
	CASFailed:      {"cas_failed", 409},
	Timeout:        {"timeout", 408},
	Unauthorized:   {"unauthorized", 401},
	Forbidden:      {"forbidden", 403},
	Serialization:  {"serialization", 500},
	IO:             {"io", 500},
	TooLarge:       {"too_large", 413},
	WrongType:      {"wrong_type", 400},
	NoRoute:        {"no_route", 404},
	Aborted:        {"aborted", 409},
	Redis:          {"redis", 400},
	Storage:        {"storage", 507},
	Loading:        {"loading", 503},

	QueueNotFound:   {"queue_not_found", 404},
	QueueFull:       {"queue_full", 507},
	MessageNotFound: {"message_not_found", 404},
	StaleLease:      {"stale_lease", 409},

	RoomNotFound:   {"room_not_found", 400},
	RoomExists:     {"room_exists", 400},
	OffsetTrimmed:  {"offset_trimmed", 400},
	OffsetConflict: {"offset_conflict", 409},

	HistoryGone: {"history_gone", 410},
}

// Code is the machine-readable name of k, stable across releases.
func (k Kind) Code() string { return traits[k].code }

// HTTPStatus is the status a REST reply carries for k.
func (k Kind) HTTPStatus() int { return traits[k].status }

// Error is a failure with its kind and the exact text that clients see.
type Error struct {
	Kind Kind
	Text string
}

// Error returns the text that clients see.
func (e *Error) Error() string { return e.Text }

// New makes an error of kind k with text exactly as given.
func New(k Kind, text string) *Error { return &Error{Kind: k, Text: text} }

// Newf is New with formatting.
func Newf(k Kind, format string, args ...any) *Error {
	return &Error{Kind: k, Text: fmt.Sprintf(format, args...)}
}

// Request is a BadRequest with the contract's prefix.
func Request(why string) *Error { return New(BadRequest, "Invalid request: "+why) }

// Missing says which required field is absent.
func Missing(field string) *Error {
	return New(MissingField, "Invalid request: Missing '"+field+"' field")
}

// Value is a BadValue with the contract's prefix.
func Value(why string) *Error { return New(BadValue, "Invalid value: "+why) }

// NoKey says that key is absent.
func NoKey(key []byte) *Error { return New(KeyNotFound, "Key not found: "+string(key)) }

// Of returns the kind of err; errors of other packages are Internal.
func Of(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}

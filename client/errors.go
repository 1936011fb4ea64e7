package synap

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
)

// Kinds of errors, for errors.Is.
var (
	// ErrInvalid: the server refuses the request as it is; sending it again is of no use.
	ErrInvalid = errors.New("invalid request")
	// ErrNotFound: a queue, room or message that must be there is not. Absent keys are no error.
	ErrNotFound = errors.New("not found")
	// ErrConflict: somebody else came first: a version, an offset or a lease is not what was
	// expected, or what was to be made exists.
	ErrConflict = errors.New("conflict")
	// ErrAuth: credentials are missing, wrong, or not enough.
	ErrAuth = errors.New("not allowed")
	// ErrFull: memory, disk or a queue has no room.
	ErrFull = errors.New("full")
	// ErrTimeout: no answer before the deadline. A write may have happened.
	ErrTimeout = errors.New("timeout")
	// ErrGone: what is asked for was there, and is not kept any more: an offset of a room, or a
	// record of the journal. Begin again with what there is.
	ErrGone = errors.New("gone")
	// ErrServer: the server failed. A write may have happened.
	ErrServer = errors.New("failure of the server")
	// ErrUnavailable: no server could be reached, it is still loading, or the connection broke. A
	// write may have happened unless nothing was sent.
	ErrUnavailable = errors.New("unavailable")
	// ErrCanceled: the caller's context was cancelled. A write may have happened.
	ErrCanceled = context.Canceled
	// ErrClosed: the client was closed.
	ErrClosed = errors.New("the client is closed")
)

// Error is why a call failed.
type Error struct {
	Kind    error  // one of the kinds above
	Command string // the command that failed
	Message string // in the server's words, or those of the network
	Code    string // the server's word for it, such as queue_full; "" over resp://
	cause   error
	// unsent says that the server can't have seen the request.
	unsent bool
}

// Error names the command and says what the server, or the network, said.
func (e *Error) Error() string {
	if e.Command == "" {
		return "synap: " + e.Message
	}
	return fmt.Sprintf("synap: %s: %s", e.Command, e.Message)
}

// Unwrap is the kind and, for failures of the network, the cause.
func (e *Error) Unwrap() []error {
	if e.cause == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.cause}
}

// Retryable says whether the same call may succeed later. Whether it is safe to make it again is
// another question: a write may have happened.
func (e *Error) Retryable() bool {
	return errors.Is(e.Kind, ErrUnavailable) || errors.Is(e.Kind, ErrTimeout)
}

// codes are the server's words for failures.
var codes = map[string]error{
	"unauthorized": ErrAuth, "forbidden": ErrAuth,
	"key_not_found": ErrNotFound, "not_found": ErrNotFound, "queue_not_found": ErrNotFound,
	"message_not_found": ErrNotFound, "room_not_found": ErrNotFound, "key_expired": ErrNotFound,
	"key_exists": ErrConflict, "cas_failed": ErrConflict, "aborted": ErrConflict,
	"stale_lease": ErrConflict, "room_exists": ErrConflict, "offset_conflict": ErrConflict,
	"memory_limit": ErrFull, "storage": ErrFull, "queue_full": ErrFull,
	"offset_trimmed": ErrGone, "history_gone": ErrGone,
	"timeout": ErrTimeout, "loading": ErrUnavailable, "internal": ErrServer, "io": ErrServer,
}

// prefixes are how the server's texts begin where it gives no code, in the order in which they are
// tried.
var prefixes = []struct {
	text string
	kind error
}{
	{"WRONGPASS", ErrAuth}, {"NOAUTH", ErrAuth}, {"NOPERM", ErrAuth},
	{"Unauthorized", ErrAuth}, {"Forbidden", ErrAuth},
	{"Queue not found", ErrNotFound}, {"Message not found", ErrNotFound},
	{"Consumer not found", ErrNotFound}, {"Key not found", ErrNotFound},
	{"Not found", ErrNotFound},
	{"Queue is full", ErrFull}, {"Memory limit", ErrFull}, {"OOM", ErrFull},
	{"MISCONF", ErrFull}, {"Storage failed", ErrFull},
	{"LOADING", ErrUnavailable}, {"Operation timed out", ErrTimeout},
	{"CAS failed", ErrConflict}, {"Key already exists", ErrConflict},
	{"Stale lease", ErrConflict}, {"Aborted", ErrConflict}, {"EXECABORT", ErrConflict},
	{"Internal error", ErrServer}, {"IO error", ErrServer},
	{"the journal does not reach back", ErrGone},
}

// refusal is what the server refuses: by its code, or else by its words.
func refusal(command, text, code string) *Error {
	text = strings.TrimPrefix(text, "ERR ")
	e := &Error{Kind: ErrInvalid, Command: command, Message: text, Code: code}
	if kind := codes[code]; kind != nil {
		e.Kind = kind
		return e
	}
	if code != "" {
		return e
	}
	for _, p := range prefixes {
		if strings.HasPrefix(text, p.text) {
			e.Kind = p.kind
			return e
		}
	}
	switch {
	case strings.Contains(text, "earliest retained offset"):
		e.Kind = ErrGone
	case strings.HasPrefix(text, "Invalid request: Room '") && strings.HasSuffix(text, "not found"):
		e.Kind = ErrNotFound
	case strings.Contains(text, "already exists"), strings.Contains(text, "version"),
		strings.Contains(text, "expected_offset"), strings.Contains(text, "Expected offset"):
		e.Kind = ErrConflict
	}
	return e
}

// errStrange is an answer whose request is unknown.
var errStrange = errors.New("the server answers what was not asked")

// broken is a failure of the network. unsent: the server can't have seen the request.
func broken(command string, err error, unsent bool) *Error {
	e := &Error{Kind: ErrUnavailable, Command: command, Message: err.Error(), cause: err,
		unsent: unsent}
	if errors.Is(err, ErrClosed) {
		e.Kind = ErrClosed
		return e
	}
	if errors.Is(err, context.Canceled) {
		e.Kind = ErrCanceled
		return e
	}
	var timeout net.Error
	switch {
	case errors.Is(err, context.DeadlineExceeded),
		errors.As(err, &timeout) && timeout.Timeout():
		e.Kind = ErrTimeout
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		e.Message = "the server closed the connection"
	}
	return e
}

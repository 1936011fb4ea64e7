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
	// ErrUnavailable: no server could be reached, it is still loading, or the connection broke. A
	// write may have happened unless nothing was sent.
	ErrUnavailable = errors.New("unavailable")
	// ErrClosed: the client was closed.
	ErrClosed = errors.New("the client is closed")
)

// Error is why a call failed.
type Error struct {
	Kind    error  // one of the kinds above
	Command string // the command that failed
	Message string // in the server's words, or those of the network
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

// prefixes are how the server's texts begin, in the order in which they are tried.
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
	{"MISCONF", ErrFull},
	{"LOADING", ErrUnavailable}, {"Operation timed out", ErrTimeout},
	{"CAS failed", ErrConflict}, {"Key already exists", ErrConflict},
	{"Aborted", ErrConflict}, {"EXECABORT", ErrConflict},
}

// refusal is what the server refuses, by its words.
func refusal(command, text string) *Error {
	text = strings.TrimPrefix(text, "ERR ")
	e := &Error{Kind: ErrInvalid, Command: command, Message: text}
	for _, p := range prefixes {
		if strings.HasPrefix(text, p.text) {
			e.Kind = p.kind
			return e
		}
	}
	switch {
	case strings.HasPrefix(text, "Invalid request: Room '") && strings.HasSuffix(text, "not found"):
		e.Kind = ErrNotFound
	case strings.Contains(text, "already exists"), strings.Contains(text, "version"),
		strings.Contains(text, "expected_offset"), strings.Contains(text, "Expected offset"):
		e.Kind = ErrConflict
	}
	return e
}

// broken is a failure of the network. unsent: the server can't have seen the request.
func broken(command string, err error, unsent bool) *Error {
	e := &Error{Kind: ErrUnavailable, Command: command, Message: err.Error(), cause: err,
		unsent: unsent}
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

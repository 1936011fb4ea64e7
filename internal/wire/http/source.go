package httpwire

import "fmt"

// kind is what the next value of a body is.
type kind uint8

const (
	kindNull kind = iota
	kindBool
	kindNumber
	kindString
	kindBinary // MessagePack only
	kindArray
	kindObject
)

// names of the kinds for error texts, with their articles.
var kindNames = [...]string{
	"null", "a boolean", "a number", "a string", "binary data", "an array", "an object",
}

// maxDepth bounds the nesting of a body, as the reference server does.
const maxDepth = 128

// source pulls values out of a body. Each call consumes what it returns. An error means that the
// body as a whole is malformed and nothing more can be read.
type source interface {
	// kind looks at the next value without consuming it.
	kind() (kind, error)
	// str reads a string or binary; the result is valid until the request is answered.
	str() ([]byte, error)
	// boolean reads a kindBool.
	boolean() (bool, error)
	// integer reads a number; ok is false if it is not a whole one of 64 bits.
	integer() (i int64, ok bool, err error)
	// enter starts an array or object; hint is passed on to elem and key.
	enter() (hint int, err error)
	// elem says whether element i (counted from 0) of the innermost array follows, or ends it.
	elem(i, hint int) (bool, error)
	// key reads key i of the innermost object, or ends it.
	key(i, hint int) (key []byte, ok bool, err error)
	// octets appends an array of whole numbers 0..255 to dst. ok is false for any other value,
	// and nothing is consumed then.
	octets(dst []byte) (out []byte, ok bool, err error)
	// skip checks the next value and forgets it.
	skip() error
	// text appends the next value to dst as compact JSON text.
	text(dst []byte) ([]byte, error)
	// pos and seek remember and repeat.
	pos() int
	seek(pos int)
	// end reports bytes after the last value.
	end() error
}

// syntaxError says where and why a body is malformed.
type syntaxError struct {
	language string
	at       int // byte offset
	why      string
}

func (e *syntaxError) Error() string {
	return fmt.Sprintf("%s at byte %d: %s", e.language, e.at, e.why)
}

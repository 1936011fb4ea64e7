package command

import "github.com/synapdb/synap/internal/store/kv"

// Reply receives one answer, value by value. Each wire implements it for its own bytes. Array
// and Map announce how many elements or pairs follow; in a map, keys are written with Str.
type Reply interface {
	// Null is an absent value.
	Null()
	// NullArray is an absent list (RESP2 tells it from an absent string).
	NullArray()
	// Bool is a truth value (RESP: 0 or 1).
	Bool(bool)
	// Int is a signed number.
	Int(int64)
	// Float is a double.
	Float(float64)
	// Status is a short fixed word such as OK.
	Status(string)
	// Str is text.
	Str(string)
	// Text is a stored value read as text: JSON says "<binary data: N bytes>" if it is not UTF-8.
	Text([]byte)
	// Bytes is a stored value read as bytes (JSON: an array of numbers).
	Bytes([]byte)
	// JSON is a stored value whose bytes are JSON text (JSON: inlined as it is).
	JSON([]byte)
	// Large is Text for a retained value; the writer releases it once it is sent or copied.
	Large(*kv.Large)
	// Array announces n elements.
	Array(n int)
	// Map announces n pairs.
	Map(n int)
	// Set announces n distinct elements (RESP2, JSON: an array).
	Set(n int)
	// Push announces n elements of an out-of-band message (RESP2: an array).
	Push(n int)
	// Verbatim is text with a three-letter format (RESP2, JSON: plain text).
	Verbatim(format, text string)
	// Error is a failure in the place of a value.
	Error(error)
	// Mark remembers the present end of the reply and the open containers.
	Mark() Mark
	// Rewind forgets everything written since m.
	Rewind(m Mark)
}

// Mark is a position in a reply; its fields belong to the Reply that made it.
type Mark struct {
	Len   int // bytes written
	Depth int // open containers
	Left  int // values the innermost container still expects
	Large int // large values written
}

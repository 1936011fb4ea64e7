package httpwire

import (
	"unicode/utf8"
	"unsafe"
)

// stringBytes views a string as bytes that must not be written to.
func stringBytes(s string) []byte {
	if s == "" {
		return nil
	}
	return unsafe.Slice(unsafe.StringData(s), len(s))
}

// validText says whether b is UTF-8.
func validText(b []byte) bool { return plainRun(b) == len(b) || utf8.Valid(b) }

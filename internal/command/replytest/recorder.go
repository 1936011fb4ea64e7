// Package replytest records replies for tests.
//
// Receives: replies, value by value.
// Hands on: one line of text that a test can compare.
// Never does: serve a protocol.
package replytest

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/store/kv"
)

// Recorder is a command.Reply that remembers each value as a word: integers plain, text quoted,
// (nil), (true), !error, and [n … or {n … before the values of an array or map.
type Recorder struct{ words []string }

var _ command.Reply = (*Recorder)(nil)

// String joins the words with spaces.
func (r *Recorder) String() string { return strings.Join(r.words, " ") }

// Take is String, then forgets everything.
func (r *Recorder) Take() string {
	s := r.String()
	r.words = nil
	return s
}

func (r *Recorder) add(format string, args ...any) {
	r.words = append(r.words, fmt.Sprintf(format, args...))
}

// Null records (nil).
func (r *Recorder) Null() { r.add("(nil)") }

// NullArray records (nil array).
func (r *Recorder) NullArray() { r.add("(nil array)") }

// Bool records (true) or (false).
func (r *Recorder) Bool(b bool) { r.add("(%v)", b) }

// Int records the number.
func (r *Recorder) Int(i int64) { r.add("%d", i) }

// Float records the number with its shortest spelling.
func (r *Recorder) Float(f float64) { r.add("%s", strconv.FormatFloat(f, 'g', -1, 64)) }

// Status records +word.
func (r *Recorder) Status(s string) { r.add("+%s", s) }

// Str records quoted text.
func (r *Recorder) Str(s string) { r.add("%q", s) }

// Text records quoted text.
func (r *Recorder) Text(b []byte) { r.add("%q", b) }

// Bytes records quoted text.
func (r *Recorder) Bytes(b []byte) { r.add("%q", b) }

// JSON records json: and the text.
func (r *Recorder) JSON(b []byte) { r.add("json:%s", b) }

// Large records quoted text and releases the value.
func (r *Recorder) Large(l *kv.Large) {
	r.add("%q", l.Bytes())
	l.Release()
}

// Array records [n.
func (r *Recorder) Array(n int) { r.add("[%d", n) }

// Map records {n.
func (r *Recorder) Map(n int) { r.add("{%d", n) }

// Set records ~n.
func (r *Recorder) Set(n int) { r.add("~%d", n) }

// Push records >n.
func (r *Recorder) Push(n int) { r.add(">%d", n) }

// Verbatim records format:text, quoted.
func (r *Recorder) Verbatim(format, text string) { r.add("%q", format+":"+text) }

// Error records !text.
func (r *Recorder) Error(err error) { r.add("!%s", err) }

// Mark remembers how many words there are.
func (r *Recorder) Mark() command.Mark { return command.Mark{Len: len(r.words)} }

// Rewind forgets the words since m.
func (r *Recorder) Rewind(m command.Mark) { r.words = r.words[:m.Len] }

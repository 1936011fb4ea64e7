package httpwire

import (
	"strconv"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/errs"
	"github.com/synapdb/synap/internal/store/kv"
)

// maxOpen bounds the containers a command may open inside each other; commands need five.
const maxOpen = 16

// jsonWriter writes one answer as JSON. It implements command.Reply.
type jsonWriter struct {
	draft
	depth int
	open  [maxOpen]container
}

// container is an open array or object.
type container struct {
	left   int // elements, or twice the pairs, still to come
	object bool
}

var _ command.Reply = (*jsonWriter)(nil)

func (w *jsonWriter) reset() {
	w.draft.reset()
	w.depth = 0
}

// begin writes what separates the next value from the one before.
func (w *jsonWriter) begin() {
	if !w.fits(len(w.buf)) {
		w.buf = w.buf[:min(len(w.buf), w.most)]
	}
	if w.depth == 0 {
		return
	}
	c := &w.open[w.depth-1]
	if c.object && c.left&1 == 1 {
		w.buf = append(w.buf, ':')
	} else if last := w.buf[len(w.buf)-1]; last != '[' && last != '{' ||
		len(w.large) > 0 && w.large[len(w.large)-1].at == len(w.buf) {
		w.buf = append(w.buf, ',')
	}
	c.left--
}

// end closes the containers that the last value completed.
func (w *jsonWriter) end() {
	w.wrote(len(w.buf))
	for w.depth > 0 && w.open[w.depth-1].left == 0 {
		w.depth--
		if w.open[w.depth].object {
			w.buf = append(w.buf, '}')
		} else {
			w.buf = append(w.buf, ']')
		}
	}
}

func (w *jsonWriter) word(s string) {
	w.begin()
	w.buf = append(w.buf, s...)
	w.end()
}

func (w *jsonWriter) Null()      { w.word("null") }
func (w *jsonWriter) NullArray() { w.word("null") }

func (w *jsonWriter) Bool(b bool) {
	w.begin()
	w.buf = strconv.AppendBool(w.buf, b)
	w.end()
}

func (w *jsonWriter) Int(i int64) {
	w.begin()
	w.buf = strconv.AppendInt(w.buf, i, 10)
	w.end()
}

func (w *jsonWriter) Float(f float64) {
	w.begin()
	w.buf = appendFloat(w.buf, f)
	w.end()
}

func (w *jsonWriter) Status(s string) { w.Str(s) }

func (w *jsonWriter) Str(s string) {
	w.begin()
	w.buf = appendText(w.buf, stringBytes(s))
	w.end()
}

func (w *jsonWriter) Text(b []byte) {
	w.begin()
	w.buf = appendText(w.buf, b)
	w.end()
}

func (w *jsonWriter) Bytes(b []byte) {
	w.begin()
	w.buf = appendNumbers(w.buf, b)
	w.end()
}

func (w *jsonWriter) JSON(b []byte) {
	w.begin()
	w.buf = append(w.buf, b...)
	w.end()
}

func (w *jsonWriter) Large(l *kv.Large)      { w.later(l, asText) }
func (w *jsonWriter) LargeBytes(l *kv.Large) { w.later(l, asNumbers) }
func (w *jsonWriter) LargeJSON(l *kv.Large)  { w.later(l, asJSON) }

func (w *jsonWriter) later(l *kv.Large, f form) {
	if w.retained += len(l.Bytes()); !w.fits(len(w.buf)) {
		l.Release()
		w.Null()
		return
	}
	w.begin()
	w.large = append(w.large, pending{len(w.buf), l, f})
	w.end()
}

func (w *jsonWriter) Array(n int) { w.enter('[', n, false) }
func (w *jsonWriter) Set(n int)   { w.enter('[', n, false) }
func (w *jsonWriter) Push(n int)  { w.enter('[', n, false) }
func (w *jsonWriter) Map(n int)   { w.enter('{', 2*n, true) }

func (w *jsonWriter) enter(bracket byte, left int, object bool) {
	w.begin()
	w.buf = append(w.buf, bracket)
	w.open[w.depth] = container{left, object}
	w.depth++
	w.end()
}

func (w *jsonWriter) Verbatim(_, text string) { w.Str(text) }

// Error writes a failure in the place of a value.
func (w *jsonWriter) Error(err error) {
	w.Map(2)
	w.Str("error")
	w.Str(err.Error())
	w.Str("code")
	w.Str(errs.Of(err).Code())
}

func (w *jsonWriter) Mark() command.Mark {
	m := command.Mark{Len: len(w.buf), Depth: w.depth, Large: len(w.large)}
	if w.depth > 0 {
		m.Left = w.open[w.depth-1].left
	}
	return m
}

func (w *jsonWriter) Rewind(m command.Mark) {
	w.buf, w.depth = w.buf[:m.Len], m.Depth
	if m.Depth > 0 {
		w.open[m.Depth-1].left = m.Left
	}
	w.drop(m.Large)
}

// finish puts the large values in their places. No lock is held any more.
func (w *jsonWriter) finish() {
	w.fill(func(dst []byte, p pending) []byte {
		switch p.form {
		case asText:
			return appendText(dst, p.value.Bytes())
		case asNumbers:
			return appendNumbers(dst, p.value.Bytes())
		default:
			return append(dst, p.value.Bytes()...)
		}
	})
}

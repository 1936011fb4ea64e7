package resp

import (
	"math"
	"strconv"
	"strings"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/errs"
	"github.com/synapdb/synap/internal/store/kv"
	"github.com/synapdb/synap/internal/wire"
)

// Writer appends replies to an output, in the protocol version of its session. HELLO changes the
// version in the middle of its own reply, so it is looked up for every value.
type Writer struct {
	session *command.Session
	out     *wire.Output
	most    int  // bytes out may hold before values are dropped; 0 = no bound
	over    bool // values were dropped: the reply is to be replaced
}

var _ command.Reply = (*Writer)(nil)

// maxLarge is how many large values may wait in one output.
const maxLarge = 64 << 10

// NewWriter makes a writer for s that appends to out.
func NewWriter(s *command.Session, out *wire.Output) *Writer {
	return &Writer{session: s, out: out}
}

func (w *Writer) resp3() bool { return w.session.Resp == 3 }

// put appends a whole reply given as text.
func (w *Writer) put(text string) { w.out.Buf = append(w.out.Buf, text...) }

// head appends a line of a type byte and a number.
func (w *Writer) head(kind byte, n int) {
	b := append(w.out.Buf, kind)
	if uint(n) < 10 {
		b = append(b, byte('0'+n), '\r', '\n')
	} else {
		b = append(strconv.AppendInt(b, int64(n), 10), '\r', '\n')
	}
	w.out.Buf = b
}

// Null is "_", or "$-1" in RESP2.
func (w *Writer) Null() {
	if w.resp3() {
		w.put("_\r\n")
	} else {
		w.put("$-1\r\n")
	}
}

// NullArray is "_", or "*-1" in RESP2.
func (w *Writer) NullArray() {
	if w.resp3() {
		w.put("_\r\n")
	} else {
		w.put("*-1\r\n")
	}
}

// Bool is ":1" or ":0" in both versions, as Redis commands answer truth.
func (w *Writer) Bool(v bool) {
	if v {
		w.put(":1\r\n")
	} else {
		w.put(":0\r\n")
	}
}

// Int is ":n".
func (w *Writer) Int(n int64) {
	b := append(w.out.Buf, ':')
	w.out.Buf = append(strconv.AppendInt(b, n, 10), '\r', '\n')
}

// Float is ",n", or a bulk string in RESP2; both with 17 significant digits, as Redis 7.0.
func (w *Writer) Float(f float64) {
	var digits [32]byte
	text := appendFloat(digits[:0], f)
	if !w.resp3() {
		w.Bytes(text)
		return
	}
	b := append(append(w.out.Buf, ','), text...)
	w.out.Buf = append(b, '\r', '\n')
}

func appendFloat(b []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(b, "nan"...)
	case math.IsInf(f, 1):
		return append(b, "inf"...)
	case math.IsInf(f, -1):
		return append(b, "-inf"...)
	}
	return strconv.AppendFloat(b, f, 'g', 17, 64)
}

// Status is "+text". Line breaks in it become spaces: they would end the reply.
func (w *Writer) Status(text string) {
	if text == "OK" {
		w.put("+OK\r\n")
		return
	}
	w.line('+', "", text)
}

// Error is "-TEXT". Failures not worded by Redis get the prefix ERR; those of the journal get the
// one that Redis has for a disk that fails.
func (w *Writer) Error(err error) {
	prefix := "ERR "
	switch errs.Of(err) {
	case errs.Redis, errs.Loading:
		prefix = ""
	case errs.Storage:
		prefix = "MISCONF "
	}
	w.line('-', prefix, err.Error())
}

func (w *Writer) line(kind byte, prefix, text string) {
	if strings.ContainsAny(text, "\r\n") {
		text = strings.NewReplacer("\r", " ", "\n", " ").Replace(text)
	}
	b := append(append(w.out.Buf, kind), prefix...)
	w.out.Buf = append(append(b, text...), '\r', '\n')
}

// Str is a bulk string.
func (w *Writer) Str(text string) {
	w.head('$', len(text))
	w.out.Buf = append(append(w.out.Buf, text...), '\r', '\n')
}

// Bytes is a bulk string.
func (w *Writer) Bytes(v []byte) {
	if w.most > 0 && len(w.out.Buf)+len(v) > w.most {
		w.over = true
		return
	}
	w.head('$', len(v))
	w.out.Buf = append(append(w.out.Buf, v...), '\r', '\n')
}

// Text is a bulk string.
func (w *Writer) Text(v []byte) { w.Bytes(v) }

// JSON is a bulk string of the JSON text.
func (w *Writer) JSON(v []byte) { w.Bytes(v) }

// Room is how many more bytes may be written.
func (w *Writer) Room() int {
	if w.most == 0 {
		return math.MaxInt
	}
	return w.most - len(w.out.Buf)
}

// Large is a bulk string whose bytes are sent from where they are; the output releases them.
func (w *Writer) Large(v *kv.Large) {
	if w.most > 0 && len(w.out.Splices) >= maxLarge {
		w.over = true
		v.Release()
		return
	}
	w.head('$', len(v.Bytes()))
	w.out.Splices = append(w.out.Splices, wire.Splice{At: len(w.out.Buf), Value: v})
	w.put("\r\n")
}

// Array is "*n".
func (w *Writer) Array(n int) { w.head('*', n) }

// Map is "%n", or an array of keys and values in turn in RESP2.
func (w *Writer) Map(n int) {
	if w.resp3() {
		w.head('%', n)
	} else {
		w.head('*', 2*n)
	}
}

// Set is "~n", or an array in RESP2.
func (w *Writer) Set(n int) {
	if w.resp3() {
		w.head('~', n)
	} else {
		w.head('*', n)
	}
}

// Push is ">n", or an array in RESP2.
func (w *Writer) Push(n int) {
	if w.resp3() {
		w.head('>', n)
	} else {
		w.head('*', n)
	}
}

// Verbatim is "=n" with its format, or a bulk string in RESP2.
func (w *Writer) Verbatim(format, text string) {
	if !w.resp3() {
		w.Str(text)
		return
	}
	w.head('=', len(text)+4)
	b := append(append(w.out.Buf, format...), ':')
	w.out.Buf = append(append(b, text...), '\r', '\n')
}

// Mark remembers the present end of the reply. RESP announces its containers, so there are none
// to remember.
func (w *Writer) Mark() command.Mark {
	return command.Mark{Len: len(w.out.Buf), Large: len(w.out.Splices)}
}

// Rewind forgets everything written since m and releases the large values among it.
func (w *Writer) Rewind(m command.Mark) {
	for i := m.Large; i < len(w.out.Splices); i++ {
		w.out.Splices[i].Value.Release()
		w.out.Splices[i].Value = nil
	}
	w.out.Splices = w.out.Splices[:m.Large]
	w.out.Buf = w.out.Buf[:m.Len]
}

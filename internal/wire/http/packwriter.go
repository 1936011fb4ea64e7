package httpwire

import (
	"strconv"

	"github.com/tinylib/msgp/msgp"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/errs"
	"github.com/synapdb/synap/internal/store/kv"
)

// packWriter writes one answer as MessagePack. It implements command.Reply. Text that is not
// UTF-8 goes out as binary, so nothing is lost.
type packWriter struct{ draft }

var _ command.Reply = (*packWriter)(nil)

func (w *packWriter) Null()           { w.buf = msgp.AppendNil(w.buf) }
func (w *packWriter) NullArray()      { w.buf = msgp.AppendNil(w.buf) }
func (w *packWriter) Bool(b bool)     { w.buf = msgp.AppendBool(w.buf, b) }
func (w *packWriter) Int(i int64)     { w.buf = msgp.AppendInt64(w.buf, i) }
func (w *packWriter) Float(f float64) { w.buf = msgp.AppendFloat64(w.buf, f) }
func (w *packWriter) Status(s string) { w.Str(s) }
func (w *packWriter) Str(s string)    { w.Text(stringBytes(s)) }
func (w *packWriter) Text(b []byte)   { w.put(packText(w.room(), b)) }
func (w *packWriter) Bytes(b []byte)  { w.put(msgp.AppendBytes(w.room(), b)) }
func (w *packWriter) JSON(b []byte)   { w.put(packJSON(w.room(), b)) }
func (w *packWriter) Array(n int)     { w.buf = msgp.AppendArrayHeader(w.buf, uint32(n)) }
func (w *packWriter) Set(n int)       { w.Array(n) }
func (w *packWriter) Push(n int)      { w.Array(n) }
func (w *packWriter) Map(n int)       { w.buf = msgp.AppendMapHeader(w.buf, uint32(n)) }

func (w *packWriter) Large(l *kv.Large)      { w.later(l, asText) }
func (w *packWriter) LargeBytes(l *kv.Large) { w.later(l, asNumbers) }
func (w *packWriter) LargeJSON(l *kv.Large)  { w.later(l, asJSON) }

// room is the buffer, cut where it is over the bound.
func (w *packWriter) room() []byte {
	if w.fits(len(w.buf)) {
		return w.buf
	}
	return w.buf[:min(len(w.buf), w.most)]
}

// put takes what room has become.
func (w *packWriter) put(b []byte) {
	w.buf = b
	w.wrote(len(b))
}

func (w *packWriter) later(l *kv.Large, f form) {
	if w.retained += len(l.Bytes()); !w.fits(len(w.buf)) {
		l.Release()
		w.Null()
		return
	}
	w.large = append(w.large, pending{len(w.buf), l, f})
}

func (w *packWriter) Verbatim(_, text string) { w.Str(text) }

// Error writes a failure in the place of a value.
func (w *packWriter) Error(err error) {
	w.Map(2)
	w.Str("error")
	w.Str(err.Error())
	w.Str("code")
	w.Str(errs.Of(err).Code())
}

func (w *packWriter) Mark() command.Mark {
	return command.Mark{Len: len(w.buf), Large: len(w.large)}
}

func (w *packWriter) Rewind(m command.Mark) {
	w.buf = w.buf[:m.Len]
	w.drop(m.Large)
}

// finish puts the large values in their places. No lock is held any more.
func (w *packWriter) finish() {
	w.fill(func(dst []byte, p pending) []byte {
		switch p.form {
		case asText:
			return packText(dst, p.value.Bytes())
		case asNumbers:
			return msgp.AppendBytes(dst, p.value.Bytes())
		default:
			return packJSON(dst, p.value.Bytes())
		}
	})
}

// packText appends a string, or binary data if b is not UTF-8.
func packText(dst, b []byte) []byte {
	if validText(b) {
		return msgp.AppendStringFromBytes(dst, b)
	}
	return msgp.AppendBytes(dst, b)
}

// packJSON translates stored JSON text. Text that turns out not to be JSON is sent as a string.
func packJSON(dst, b []byte) []byte {
	var arena []byte
	src := jsonSource{buf: b, arena: &arena}
	start := len(dst)
	dst, err := packValue(dst, &src, 0)
	if err == nil {
		err = src.end()
	}
	if err != nil {
		return packText(dst[:start], b)
	}
	return dst
}

func packValue(dst []byte, src *jsonSource, depth int) ([]byte, error) {
	k, err := src.kind()
	if err != nil {
		return dst, err
	}
	switch k {
	case kindString:
		b, err := src.str()
		return msgp.AppendStringFromBytes(dst, b), err
	case kindNumber:
		raw, err := src.number()
		return packNumber(dst, raw), err
	case kindBool:
		b, err := src.boolean()
		return msgp.AppendBool(dst, b), err
	case kindNull:
		return msgp.AppendNil(dst), src.word("null")
	default:
		if depth == maxDepth {
			return dst, src.fail("nested too deeply")
		}
		return packContainer(dst, src, depth, k == kindObject)
	}
}

// packContainer writes a header of 32-bit length, known only at the end, and the elements.
func packContainer(dst []byte, src *jsonSource, depth int, object bool) ([]byte, error) {
	if _, err := src.enter(); err != nil {
		return dst, err
	}
	lead := byte(0xdd) // array 32
	if object {
		lead = 0xdf // map 32
	}
	head := len(dst)
	dst = append(dst, lead, 0, 0, 0, 0)
	n := 0
	for ; ; n++ {
		var more bool
		var err error
		if object {
			var key []byte
			if key, more, err = src.key(n, 0); more {
				dst = msgp.AppendStringFromBytes(dst, key)
			}
		} else {
			more, err = src.elem(n, 0)
		}
		if err != nil {
			return dst, err
		}
		if !more {
			break
		}
		if dst, err = packValue(dst, src, depth+1); err != nil {
			return dst, err
		}
	}
	dst[head+1], dst[head+2] = byte(n>>24), byte(n>>16)
	dst[head+3], dst[head+4] = byte(n>>8), byte(n)
	return dst, nil
}

// packNumber keeps 64-bit integers exact; other numbers become doubles.
func packNumber(dst, raw []byte) []byte {
	text := string(raw)
	if i, err := strconv.ParseInt(text, 10, 64); err == nil {
		return msgp.AppendInt64(dst, i)
	}
	if u, err := strconv.ParseUint(text, 10, 64); err == nil {
		return msgp.AppendUint64(dst, u)
	}
	f, _ := strconv.ParseFloat(text, 64) // beyond the range: infinity
	return msgp.AppendFloat64(dst, f)
}

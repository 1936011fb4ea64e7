package httpwire

import "github.com/synapdb/synap/internal/store/kv"

// rawWriter sends one value's bytes as the body. Whatever else a command writes becomes JSON.
type rawWriter struct {
	jsonWriter
	ctype string
	value *kv.Large
}

func (w *rawWriter) reset() {
	w.jsonWriter.reset()
	if w.value != nil { // nobody took it
		w.value.Release()
	}
	w.ctype, w.value = typeJSON, nil
}

func (w *rawWriter) Str(s string)  { w.Text(stringBytes(s)) }
func (w *rawWriter) Text(b []byte) { w.Bytes(b) }

func (w *rawWriter) Bytes(b []byte) {
	if w.depth > 0 {
		w.jsonWriter.Text(b)
		return
	}
	w.ctype = typeBytes
	w.buf = append(w.buf, b...)
}

func (w *rawWriter) Large(l *kv.Large)      { w.whole(l, typeBytes) }
func (w *rawWriter) LargeBytes(l *kv.Large) { w.whole(l, typeBytes) }
func (w *rawWriter) LargeJSON(l *kv.Large)  { w.whole(l, typeJSON) }

func (w *rawWriter) whole(l *kv.Large, ctype string) {
	if w.depth > 0 {
		w.jsonWriter.Large(l)
		return
	}
	w.ctype, w.value = ctype, l
}

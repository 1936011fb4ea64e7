package effect

import (
	"bytes"
	"errors"
	"testing"

	"pgregory.net/rapid"
)

// codec is the encoding of one sort of effects, and what it is held to.
type codec[E any] struct {
	add      func(dst []byte, e *E) []byte
	read     func(b []byte) (E, []byte, error)
	same     func(a, b E) bool // as far as the store sees; a may have fields that its kind lacks
	examples []E
}

// comeBack: what was appended to a record is decoded from it, one after the other.
func (c codec[E]) comeBack(t *testing.T) {
	t.Helper()
	var record []byte
	for i := range c.examples {
		record = c.add(record, &c.examples[i])
	}
	for i := range c.examples {
		e, rest, err := c.read(record)
		if err != nil || !c.same(c.examples[i], e) {
			t.Fatalf("%+.300v came back as\n%+.300v, %v", c.examples[i], e, err)
		}
		record = rest
	}
	if len(record) != 0 {
		t.Errorf("%d bytes are left", len(record))
	}
}

// comesBack: e is decoded whatever follows it, and that is left.
func (c codec[E]) comesBack(t *rapid.T, e E) {
	tail := rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(t, "tail")
	got, rest, err := c.read(append(c.add(nil, &e), tail...))
	if err != nil || !c.same(e, got) || !bytes.Equal(rest, tail) {
		t.Fatalf("%+v came back as\n%+v, %x, %v", e, got, rest, err)
	}
}

// refuse: cut off anywhere, effects are malformed, and so are the others.
func (c codec[E]) refuse(t *testing.T, others ...[]byte) {
	t.Helper()
	for i := range c.examples {
		b := c.add(nil, &c.examples[i])
		for n := range b[:min(len(b), 300)] {
			others = append(others, b[:n])
		}
	}
	for _, b := range others {
		if e, _, err := c.read(b); !errors.Is(err, ErrMalformed) {
			t.Errorf("%x is read as %+.100v, %v", b, e, err)
		}
	}
}

// fuzz: any bytes are either malformed or an effect that has the same meaning written anew, and
// never more is taken than there is.
func (c codec[E]) fuzz(f *testing.F) {
	const most = 2000 // bytes: some examples are long
	var record []byte
	for i := range c.examples {
		one := c.add(nil, &c.examples[i])
		f.Add(one[:min(len(one), most)])
		record = append(record, one...)
	}
	f.Add(record[:min(len(record), most)])
	f.Fuzz(func(t *testing.T, b []byte) {
		e, rest, err := c.read(b)
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Fatalf("%v", err)
			}
			return
		}
		if len(rest) >= len(b) || !bytes.HasSuffix(b, rest) {
			t.Fatalf("%d bytes are left of %d", len(rest), len(b))
		}
		again, tail, err := c.read(c.add(nil, &e))
		if err != nil || len(tail) != 0 || !c.same(e, again) {
			t.Fatalf("%+v came back as\n%+v, %v", e, again, err)
		}
	})
}

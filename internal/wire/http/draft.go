package httpwire

import "github.com/synapdb/synap/internal/store/kv"

// form is how a large value is written.
type form uint8

const (
	asText form = iota
	asNumbers
	asJSON
)

// pending is a large value that belongs before buf[at:].
type pending struct {
	at    int
	value *kv.Large
	form  form
}

// draft is what both writers fill: bytes, and large values that are copied in at the end.
type draft struct {
	buf   []byte
	large []pending
	bound
}

func (d *draft) reset() {
	d.buf, d.retained, d.over = d.buf[:0], 0, false
	d.drop(0)
}

// drop releases all large values but the first n.
func (d *draft) drop(n int) {
	for i := n; i < len(d.large); i++ {
		d.large[i].value.Release()
		d.large[i].value = nil
	}
	d.large = d.large[:n]
}

// valueSlack is room for a value's quotes or header.
const valueSlack = 32

// fill copies the large values to their places, written by write, and releases them.
func (d *draft) fill(write func(dst []byte, p pending) []byte) {
	if len(d.large) == 0 {
		return
	}
	size := len(d.buf)
	for _, p := range d.large {
		size += len(p.value.Bytes()) + valueSlack
	}
	whole, from := make([]byte, 0, size), 0
	for _, p := range d.large {
		whole = write(append(whole, d.buf[from:p.at]...), p)
		from = p.at
	}
	d.buf = append(whole, d.buf[from:]...)
	d.drop(0)
}

// bound keeps one reply from taking all memory: a few kilobytes can name the same value a
// million times. Over it, values overwrite each other at the end of the buffer, and the reply is
// replaced by errOver.
type bound struct {
	most     int // bytes
	retained int // bytes of large values
	over     bool
}

// fits notes when n bytes are too many.
func (b *bound) fits(n int) bool {
	if n+b.retained > b.most {
		b.over = true
		return false
	}
	return true
}

// tailBytes is more than what may follow the payload in an envelope: it must not be the first to
// meet the bound, when nobody looks any more.
const tailBytes = 64

// wrote notes when a reply of n bytes has grown too close to the bound.
func (b *bound) wrote(n int) { b.fits(n + tailBytes) }

// Room is how many more bytes may be written.
func (d *draft) Room() int { return d.most - d.retained - len(d.buf) }

// Over says that the reply is over its bound: an atomic batch is then undone.
func (b *bound) Over() bool { return b.over }

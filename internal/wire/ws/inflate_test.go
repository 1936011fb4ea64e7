package ws

import (
	"bytes"
	stdflate "compress/flate"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	frames "github.com/gobwas/ws"
)

// packed is a client's frame with RSV1 set.
func packed(op frames.OpCode, fin bool, payload string) []byte {
	b := client(op, fin, payload)
	b[0] |= 0x40
	return b
}

// zipped is text as another implementation compresses it.
func zipped(t testing.TB, text []byte) string {
	t.Helper()
	var b bytes.Buffer
	w, err := stdflate.NewWriter(&b, 1)
	if err == nil {
		_, err = w.Write(text)
	}
	if err == nil {
		err = w.Flush()
	}
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(b.String(), syncMark)
}

// emptyBlocks is a message of so many blocks with codes of their own, in which there is nothing.
func emptyBlocks(n int) string {
	var b bits
	for range n {
		b.add(0, 1)  // not the last
		b.add(2, 2)  // with codes
		b.add(0, 5)  // 257 literals
		b.add(0, 5)  // 1 distance
		b.add(14, 4) // lengths of 18 codes of lengths: 16 17 18 0 8 7 9 6 10 5 11 4 12 3 13 2 14 1
		for i := range 18 {
			switch i {
			case 2, 17: // 18: many zeros; 1: a code of one bit
				b.add(1, 3)
			default:
				b.add(0, 3)
			}
		}
		b.add(1, 1)
		b.add(138-11, 7) // 138 zeros
		b.add(1, 1)
		b.add(118-11, 7) // 118 more
		b.add(0, 1)      // 256: one bit
		b.add(0, 1)      // the distance: one bit
		b.add(0, 1)      // the end of the block
	}
	b.add(0, 3) // a stored block, whose length is the tail
	return string(b.bytes)
}

// bits are written the lowest first.
type bits struct {
	bytes []byte
	n     int
}

func (b *bits) add(v, n int) {
	for i := range n {
		if b.n%8 == 0 {
			b.bytes = append(b.bytes, 0)
		}
		b.bytes[b.n/8] |= byte(v>>i&1) << (b.n % 8)
		b.n++
	}
}

// TestInflate has the examples of RFC 7692, 7.2.3, and what must be refused.
func TestInflate(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"one block":             {"\xf2\x48\xcd\xc9\xc9\x07\x00", "Hello"},
		"a block stored":        {"\x00\x05\x00\xfa\xffHello\x00", "Hello"},
		"a last block":          {"\xf3\x48\xcd\xc9\xc9\x07\x00\x00", "Hello"},
		"a last block, no more": {"\xf3\x48\xcd\xc9\xc9\x07\x00", "Hello"},
		"two blocks": {"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00",
			"Hello"},
		"nothing": {"\x00", ""},
		"at the limit": {zipped(t, bytes.Repeat([]byte("x"), limit)),
			strings.Repeat("x", limit)},
		"one over the limit":         {zipped(t, bytes.Repeat([]byte("x"), limit+1)), "fault 1009"},
		"a bomb":                     {zipped(t, make([]byte, 4<<20)), "fault 1009"},
		"empty blocks":               {emptyBlocks(100), ""},
		"empty blocks without end":   {emptyBlocks(15_000), "fault 1007"},
		"stored blocks without end":  {strings.Repeat("\x00"+syncMark, 50_000), "fault 1007"},
		"history of another message": {"\xf2\x00\x11\x00\x00", "fault 1007"},
		"more behind a last block":   {"\xf3\x48\xcd\xc9\xc9\x07\x00\x00\x00", "fault 1007"},
		"text behind a last block":   {"\xf3\x48\xcd\xc9\xc9\x07\x00x", "fault 1007"},
		"a bad kind of block":        {"\x07", "fault 1007"},
		"a bad length":               {"\x00\x05\x00\x00\x00Hello\x00", "fault 1007"},
		"cut":                        {"\xf2\x48\xcd\xc9", "fault 1007"},
		"cut in a stored block":      {"\x00\x50\x00\xaf\xffHello", "fault 1007"},
		"no bytes at all":            {"", "fault 1007"}, // nothing is one byte 0
		"not compressed":             {"Hello, this is no compressed text at all", "fault 1007"},
	} {
		t.Run(name, func(t *testing.T) {
			r := &Reader{Most: limit, Deflate: true}
			if len(c.in) > limit {
				r.Most = len(c.in)
			}
			in := packed(frames.OpText, true, c.in)
			if name == "a bomb" {
				r.Most = 1 << 20
			}
			got, _ := read(r, in)
			want := "text " + c.want
			if strings.HasPrefix(c.want, "fault") {
				want = c.want
			}
			if len(got) != 1 || got[0] != want {
				t.Errorf("got %.60q, want %.60q", got, want)
			}
		})
	}
}

func TestAMessageOfTheLimitTakesNoMoreMemory(t *testing.T) {
	const most = 1 << 20
	for _, size := range []int{0, 1, 511, 512, 513, 100_000, most} {
		text := bytes.Repeat([]byte("some text "), size/10+1)[:size]
		out, fault := inflate([]byte(zipped(t, text)), most)
		if fault != nil || len(out) != size || cap(out) > most {
			t.Errorf("%d bytes: %v, %d in a buffer of %d", size, fault, len(out), cap(out))
		}
	}
	bomb := []byte(zipped(t, make([]byte, 8<<20)))
	if _, fault := inflate(bomb, most); fault != faultTooBig { // and warms the pool
		t.Fatal(fault)
	}
	got := testing.Benchmark(func(b *testing.B) {
		for b.Loop() {
			_, _ = inflate(bomb, most)
		}
	})
	if n := got.AllocedBytesPerOp(); n > 3*most { // it doubles up to most
		t.Errorf("a bomb of %d bytes makes it allocate %d", len(bomb), n)
	}
}

// TestCompressedFrames is about RSV1, with and without the extension.
func TestCompressedFrames(t *testing.T) {
	const txt, bin, cont = frames.OpText, frames.OpBinary, frames.OpContinuation
	const hello = "\xf2\x48\xcd\xc9\xc9\x07\x00"
	for _, c := range []struct {
		name       string
		in         []byte
		with, none string
	}{
		{"text", packed(txt, true, hello), "text Hello", "fault 1002"},
		{"binary", packed(bin, true, hello), "binary 48656c6c6f", "fault 1002"},
		{"plain", client(txt, true, hello[:1]+"x"), "fault 1007", "fault 1007"},
		{"plain text", client(txt, true, "x"), "text x", "text x"},
		{"fragments", join(packed(txt, false, hello[:3]), client(frames.OpPing, true, "p"),
			client(cont, false, ""), client(cont, true, hello[3:]), client(txt, true, "y")),
			"ping p; text Hello; text y", "fault 1002"},
		{"plain after compressed", join(packed(bin, false, hello[:3]),
			client(cont, true, hello[3:]), client(bin, false, "a"), client(cont, true, "b")),
			"binary 48656c6c6f; binary 6162", "fault 1002"},
		{"not UTF-8", packed(txt, true, zipped(t, []byte("a\xff"))), "fault 1007", "fault 1002"},
		{"half a character", packed(txt, true, zipped(t, []byte("a\xe2\x82"))), "fault 1007",
			"fault 1002"},
		{"on a continuation", join(packed(txt, false, hello[:3]), packed(cont, true, hello[3:])),
			"fault 1002", "fault 1002"},
		{"on a continuation of plain text", join(client(txt, false, "a"),
			packed(cont, true, hello)), "fault 1002", "fault 1002"},
		{"on a ping", packed(frames.OpPing, true, hello), "fault 1002", "fault 1002"},
		{"on a close frame", packed(frames.OpClose, true, "\x03\xe8"), "fault 1002", "fault 1002"},
		{"with RSV2", flip(packed(txt, true, hello), 0x20), "fault 1002", "fault 1002"},
		{"RSV3 alone", flip(client(txt, true, "x"), 0x10), "fault 1002", "fault 1002"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for want, deflate := range map[string]bool{"+" + c.with: true, "-" + c.none: false} {
				got, _ := read(&Reader{Most: limit, Deflate: deflate}, bytes.Clone(c.in))
				if text := strings.Join(got, "; "); text != want[1:] {
					t.Errorf("negotiated: %v: got %q, want %q", deflate, text, want[1:])
				}
			}
		})
	}
}

func flip(frame []byte, bit byte) []byte {
	frame[0] ^= bit
	return frame
}

// TestInflatersAreSharedSafely inflates in an order that leaves every kind of rest behind.
func TestInflatersAreSharedSafely(t *testing.T) {
	good := event(5, 3000)
	zip := []byte(zipped(t, good))
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		bad := slices.Clone(zip)
		bad[r.IntN(len(bad))] ^= byte(1 + r.IntN(255))
		_, _ = inflate(bad[:r.IntN(len(bad))], 2000)
		if got, fault := inflate(zip, 1<<20); fault != nil || !bytes.Equal(got, good) {
			t.Fatalf("%v, %.60q", fault, got)
		}
	}
}

// FuzzInflate holds inflate to another implementation: what that inflates within the bound, is
// inflated to the same, unless too little comes of too much.
func FuzzInflate(f *testing.F) {
	for _, s := range []string{"\xf2\x48\xcd\xc9\xc9\x07\x00", "\x00\x05\x00\xfa\xffHello\x00",
		"\xf3\x48\xcd\xc9\xc9\x07\x00\x00", "\xf2\x00\x11\x00\x00", "", emptyBlocks(2),
		zipped(f, event(1, 500))} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		const most = 10_000
		got, fault := inflate(in, most)
		if cap(got) > most {
			t.Fatalf("a buffer of %d bytes", cap(got))
		}
		want, err := unzip(in)
		switch {
		case fault == nil && (err != nil || !bytes.Equal(got, want)):
			t.Fatalf("accepted as %q; elsewhere %v, %q", got, err, want)
		case fault == faultTooBig && err == nil && len(want) <= most:
			t.Fatalf("%d bytes are over the limit", len(want))
		case fault == faultDeflate && err == nil && len(in) < inflateSlack && !endsEarly(in):
			t.Fatalf("refused what elsewhere is %q", want)
		}
	})
}

// endsEarly says whether a last block comes before the end of in.
func endsEarly(in []byte) bool {
	s := bytes.NewReader(append(bytes.Clone(in), inflateTail...))
	_, _ = bytes.NewBuffer(nil).ReadFrom(stdflate.NewReader(s))
	return s.Len() >= len(inflateTail)
}

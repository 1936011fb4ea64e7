package ws

import (
	"bytes"
	stdflate "compress/flate"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	frames "github.com/gobwas/ws"
)

// event is JSON text of about n bytes, unlike that of other seeds.
func event(seed uint64, n int) []byte {
	r := rand.New(rand.NewPCG(seed, 0))
	b := fmt.Appendf(nil, `{"type":"event","room":"orders","offset":%d,"data":{`, r.IntN(1e6))
	for i := 0; len(b) < n; i++ {
		b = fmt.Appendf(b, `"field%d":{"price":%d,"user":"user-%d"},`, i, r.IntN(1e6), r.IntN(1e5))
	}
	return append(b, `"ok":true}}`...)
}

// unzip is what another implementation makes of a compressed payload.
func unzip(payload []byte) ([]byte, error) {
	return io.ReadAll(stdflate.NewReader(io.MultiReader(bytes.NewReader(payload),
		strings.NewReader("\x00\x00\xff\xff\x01\x00\x00\xff\xff"))))
}

// unframed reads one frame with gobwas: its payload, inflated if it is compressed.
func unframed(t *testing.T, frame []byte, want frames.OpCode) (text []byte, packed bool) {
	t.Helper()
	in := bytes.NewReader(frame)
	f, err := frames.ReadFrame(in)
	if err != nil || in.Len() > 0 || !f.Header.Fin || f.Header.OpCode != want ||
		f.Header.Rsv&3 != 0 {
		t.Fatalf("%v, %d bytes left, %+v", err, in.Len(), f.Header)
	}
	if packed = f.Header.Rsv == 4; !packed {
		return f.Payload, false
	}
	if text, err = unzip(f.Payload); err != nil {
		t.Fatalf("%v in %x", err, f.Payload)
	}
	return text, true
}

func TestMessagesAreCompressedAndComeBack(t *testing.T) {
	var d Deflater
	noise := make([]byte, 5000)
	r := rand.NewChaCha8([32]byte{1})
	_, _ = r.Read(noise)
	for _, c := range []struct {
		payload []byte
		packed  bool
	}{
		{nil, false}, {event(1, 10), false}, {bytes.Repeat([]byte("x"), leastDeflated-1), false},
		{bytes.Repeat([]byte("x"), leastDeflated), true}, {event(1, 200), true},
		{event(1, 70_000), true}, {event(2, mostShared+100), true}, {event(1, 200_000), true},
		{event(1, mostDeflated+1), false}, {noise, false},
	} {
		for _, bits := range []uint8{0, 8, 9, 12, 15} {
			for range 2 { // the second time it is remembered
				for kind, op := range map[Kind]frames.OpCode{
					Text: frames.OpText, Binary: frames.OpBinary,
				} {
					frame := d.Append([]byte{}, kind, bits, c.payload)
					got, packed := unframed(t, frame, op)
					// A small window may find nothing to save in a long message.
					if !bytes.Equal(got, c.payload) || packed && len(frame) > len(c.payload) ||
						packed != (c.packed && bits > 0) {
						t.Errorf("%d bytes with a window of %d bits: %d come back, compressed: %v",
							len(c.payload), bits, len(got), packed)
					}
				}
			}
		}
	}
}

// TestTheWindowIsKept compresses what repeats itself from far away, and has a decompressor that
// knows no more than the window inflate it.
func TestTheWindowIsKept(t *testing.T) {
	for _, bits := range []uint8{minWindowBits, 11, 13} {
		far := bytes.Repeat(append(event(uint64(bits), 1<<bits), event(9, 100)...), 2)
		var d Deflater
		zip := d.deflated(bits, far)
		if len(zip) == 0 {
			t.Fatalf("%d bits: not compressed", bits)
		}
		got, longest := dumbInflate(append(bytes.Clone(zip), "\x00\x00\xff\xff"...))
		if longest > 1<<bits {
			t.Errorf("%d bits: it looks %d bytes back", bits, longest)
		}
		if !bytes.Equal(got, far) {
			t.Errorf("%d bits: %d of %d bytes come back", bits, len(got), len(far))
		}
	}
}

// TestWhatIsRememberedIsBounded also shows that nothing is mixed up when it is forgotten.
func TestWhatIsRememberedIsBounded(t *testing.T) {
	var d Deflater
	for i := range uint64(900) {
		payload := event(i%300, 300+int(i%7)*500)
		if i%11 == 0 {
			payload = event(i, mostShared-2000)
		}
		got, _ := unframed(t, d.Append(nil, Text, 15-uint8(i%3), payload), frames.OpText)
		if !bytes.Equal(got, payload) {
			t.Fatalf("message %d: %.80q", i, got)
		}
		for _, g := range []*generation{&d.fresh, &d.old} {
			if len(g.bytes) > generationBytes || len(g.index) > generationBytes/leastDeflated {
				t.Fatalf("%d bytes of %d messages", len(g.bytes), len(g.index))
			}
		}
	}
}

func TestAnotherReaderOfAMessageCostsACopy(t *testing.T) {
	var d Deflater
	payload := event(1, 400)
	dst := d.Append(nil, Text, 15, payload)
	d.out.b = nil // a second compression would have to make it
	if n := testing.AllocsPerRun(10, func() { dst = d.Append(dst[:0], Text, 15, payload) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
	if d.out.b != nil {
		t.Error("it was compressed again")
	}
}

func TestPlainFramesAreRecoded(t *testing.T) {
	var plain []byte
	var all [][]byte
	for i := range uint64(20) {
		all = append(all, event(i, int(i)*i2))
		plain = AppendMessage(plain, Text, all[i])
	}
	var d Deflater
	in := bytes.NewReader(d.Recode(nil, 15, plain))
	for i, want := range all {
		f, err := frames.ReadFrame(in)
		if err != nil {
			t.Fatal(err)
		}
		got, err := f.Payload, error(nil)
		if f.Header.Rsv == 4 {
			got, err = unzip(f.Payload)
		}
		if err != nil || !bytes.Equal(got, want) || f.Header.OpCode != frames.OpText {
			t.Errorf("message %d: %v, %q", i, err, got)
		}
	}
	if in.Len() > 0 {
		t.Errorf("%d bytes are left", in.Len())
	}
}

const i2 = 97 // bytes a message more

// BenchmarkDeflate has 50 followers read the same messages of 200 bytes and of 2000.
func BenchmarkDeflate(b *testing.B) {
	const followers, messages = 50, 64
	for _, size := range []int{200, 2000} {
		var plain []byte
		for i := range uint64(messages) {
			plain = AppendMessage(plain, Text, event(i, size))
		}
		var dst []byte
		run := func(name string, d *Deflater, before func()) {
			b.Run(fmt.Sprint(name, "/", size), func(b *testing.B) {
				for b.Loop() {
					for range followers {
						before()
						dst = d.Recode(dst[:0], 15, plain)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/followers/messages,
					"ns/delivery")
				b.ReportMetric(float64(len(dst))/float64(len(plain)), "ratio")
			})
		}
		var one, each Deflater
		run("once", &one, func() {})
		run("each", &each, func() {
			clear(each.fresh.index)
			clear(each.old.index)
			each.fresh.bytes, each.old.bytes = each.fresh.bytes[:0], each.old.bytes[:0]
		})
	}
}

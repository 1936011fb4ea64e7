package workload

import (
	"bytes"
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

// An order agrees with a set that simply remembers all it saw.
func TestOrderAgreesWithASet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var o order
		seen := map[int64]bool{}
		highest := int64(-1)
		for _, n := range rapid.SliceOf(rapid.Int64Range(0, 30)).Draw(t, "numbers") {
			want := inOrder
			switch {
			case seen[n]:
				want = twice
			case n < highest:
				want = late
			}
			if got := o.see(n); got != want {
				t.Fatalf("%d behind %v is %v, want %v", n, seen, got, want)
			}
			seen[n], highest = true, max(highest, n)
		}
		top := rapid.Int64Range(highest+1, 40).Draw(t, "top")
		var missing, want []int64
		o.each(top, func(s span) {
			for n := s.from; n < s.to; n++ {
				missing = append(missing, n)
			}
		})
		for n := range top {
			if !seen[n] {
				want = append(want, n)
			}
		}
		if !slices.Equal(missing, want) {
			t.Fatalf("missing %v, want %v", missing, want)
		}
	})
}

// Cells stay where they are while others make more of them.
func TestCellsGrowUnderWhoeverUsesThem(t *testing.T) {
	var c cells
	var all sync.WaitGroup
	const workers, each = 4, 20_000
	for range workers {
		all.Go(func() {
			for i := range int64(each) {
				c.at(i).Add(i)
			}
		})
	}
	all.Wait()
	for i := range int64(each) {
		if got := c.at(i).Load(); got != i*workers {
			t.Fatalf("cell %d is %d, want %d", i, got, i*workers)
		}
	}
}

// A message is read as it was written, only by the run that wrote it, and not when a byte of it
// differs. Its text can stand in JSON.
func TestMessagesOfARunAreKnown(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(LeastEvent, 200).Draw(t, "size")
		m := broadcastMessage{number: rapid.Int64Min(0).Draw(t, "number"),
			name: rapid.Uint32().Draw(t, "name"), publisher: rapid.Uint32().Draw(t, "publisher"),
			seq: rapid.Uint32().Draw(t, "seq")}
		text := blank(size)
		m.write(text, 7)
		var got broadcastMessage
		if !got.read(text, size, 7) || got != m {
			t.Fatalf("%+v is read as %+v", m, got)
		}
		if got.read(text, size, 8) || got.read(text[:size-1], size, 7) {
			t.Fatal("what another run wrote, or a part, is read as a message")
		}
		if bytes.ContainsAny(text, "\"\\ \x00\n") {
			t.Fatalf("%q can't stand in JSON as it is", text)
		}
		at := rapid.IntRange(0, size-1).Draw(t, "at")
		if at == LeastEvent-1 {
			return // of its bits, two mean nothing
		}
		text[at] ^= 1 << rapid.IntRange(0, 6).Draw(t, "bit")
		if got.read(text, size, 7) {
			t.Fatalf("%q is read as a message, with byte %d changed", text, at)
		}
	})
}

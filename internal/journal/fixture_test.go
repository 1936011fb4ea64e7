package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"testing"

	"go.uber.org/goleak"

	"github.com/synapdb/synap/internal/clock"
	"github.com/synapdb/synap/internal/vfs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const testDir = "data/journal"

func options(files vfs.FS) Options {
	return Options{FS: files, Dir: testDir, SegmentBytes: MinSegmentBytes,
		History: [16]byte{1, 2, 3}, Clock: clock.NewManual(0)}
}

// entry is a record as a test remembers it.
type entry struct {
	lsn     LSN
	millis  int64
	payload []byte
}

// collect is an apply function that remembers.
func collect(into *[]entry) func(LSN, int64, []byte) error {
	return func(lsn LSN, millis int64, payload []byte) error {
		*into = append(*into, entry{lsn, millis, bytes.Clone(payload)})
		return nil
	}
}

func mustOpen(t testing.TB, o Options, from LSN) (*Log, Report, []entry) {
	t.Helper()
	var got []entry
	l, report, err := Open(o, from, collect(&got))
	if err != nil {
		t.Fatal(err)
	}
	return l, report, got
}

func mustClose(t testing.TB, l *Log) {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// fill appends n records of up to most bytes and remembers them.
func fill(l *Log, r *rand.Rand, n, most int) (made []entry) {
	for range n {
		e := entry{millis: r.Int64N(1 << 40)}
		size := 1 + r.IntN(most)
		for len(e.payload) < size {
			e.payload = binary.LittleEndian.AppendUint64(e.payload, r.Uint64())
		}
		e.payload = e.payload[:size]
		e.lsn = l.Append(e.millis, e.payload)
		made = append(made, e)
	}
	return made
}

func sameEntries(t testing.TB, got, want []entry) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d records came back, want %d", len(got), len(want))
	}
	for i := range got {
		if got[i].lsn != want[i].lsn || got[i].millis != want[i].millis ||
			!bytes.Equal(got[i].payload, want[i].payload) {
			t.Fatalf("record %d came back as %d, or with another time or payload", want[i].lsn,
				got[i].lsn)
		}
	}
}

func wantError(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("got %v, want %v", err, want)
	}
}

// prepared does what Run does in the background.
func prepared(l *Log) {
	for l.wantsSpare() && !l.full.Load() {
		l.step()
	}
}

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 7)) }

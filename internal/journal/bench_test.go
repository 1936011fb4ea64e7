package journal

import (
	"testing"

	"github.com/synapdb/synap/internal/vfs"
)

// payloadBytes is about what a SET of a 16-byte key and a 100-byte value takes.
const payloadBytes = 124

func TestSteadyStateAllocatesNothing(t *testing.T) {
	o := options(vfs.OS())
	o.Dir, o.SegmentBytes = t.TempDir()+"/journal", 4<<20
	l, _, _ := mustOpen(t, o, 0)
	payload := make([]byte, payloadBytes)
	for name, level := range map[string]Level{"os": OS, "disk": Disk} {
		round := func() {
			for range 16 {
				if err := l.Admit(len(payload)); err != nil {
					t.Fatal(err)
				}
				l.Append(1, payload)
			}
			if err := l.Commit(l.Last(), level); err != nil {
				t.Fatal(err)
			}
		}
		for range 10 {
			round()
		}
		if n := testing.AllocsPerRun(50, round); n > 0 {
			t.Errorf("%v allocations per round at level %s", n, name)
		}
	}
	mustClose(t, l)
}

// benchmarkLog is a log in a directory of the machine, with segments that last.
func benchmarkLog(b *testing.B, level Level) *Log {
	o := options(vfs.OS())
	o.Dir, o.SegmentBytes, o.Level = b.TempDir()+"/journal", 64<<20, level
	l, _, _ := mustOpen(b, o, 0)
	b.Cleanup(func() { mustClose(b, l) })
	return l
}

// BenchmarkRound is a loop's round: so many records and one commit.
func BenchmarkRound(b *testing.B) {
	for _, c := range []struct {
		name    string
		records int
		level   Level
	}{
		{"append", 16, Memory}, {"os-1", 1, OS}, {"os-16", 16, OS}, {"os-800", 800, OS},
		{"disk-1", 1, Disk}, {"disk-50", 50, Disk},
	} {
		b.Run(c.name, func(b *testing.B) {
			l := benchmarkLog(b, c.level)
			payload := make([]byte, payloadBytes)
			b.ReportAllocs()
			for b.Loop() {
				for range c.records {
					if err := l.Admit(payloadBytes); err != nil {
						b.Fatal(err)
					}
					l.Append(1, payload)
				}
				if err := l.Commit(l.Last(), c.level); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*c.records), "ns/record")
			if l.Stats().Segments > 3 {
				b.StopTimer()
				if err := l.Truncate(l.Last()); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
		})
	}
}

// BenchmarkCommitNothing is the cost of a round that changed nothing.
func BenchmarkCommitNothing(b *testing.B) {
	l := benchmarkLog(b, OS)
	lsn := l.Append(1, []byte("x"))
	if err := l.Commit(lsn, Disk); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := l.Commit(lsn, OS); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkReplay is recovery without applying: 200 000 records.
func BenchmarkReplay(b *testing.B) {
	o := options(vfs.OS())
	o.Dir, o.SegmentBytes = b.TempDir()+"/journal", 64<<20
	l, _, _ := mustOpen(b, o, 0)
	payload := make([]byte, payloadBytes)
	for range 200_000 {
		l.Append(1, payload)
	}
	mustClose(b, l)
	for b.Loop() {
		l, report, err := Open(o, 0, func(LSN, int64, []byte) error { return nil })
		if err != nil || report.Replayed != 200_000 {
			b.Fatal(report, err)
		}
		mustClose(b, l)
	}
}

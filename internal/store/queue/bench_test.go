package queue

import (
	"fmt"
	"runtime"
	"testing"
)

// Figures: go test -run '^$' -bench . ./internal/store/queue

const start = 1_700_000_000_000 // ms since the Unix epoch

// sink is a journal that keeps nothing but how much it got.
type sink struct{ records, bytes uint64 }

func (j *sink) Append(_ int64, payload []byte) uint64 {
	j.records++
	j.bytes += uint64(len(payload))
	return j.records
}

func (j *sink) Admit(int) error { return nil }

// bench is a store with one queue and one Tx.
type bench struct {
	s    *Store
	tx   Tx
	now  int64
	name []byte
	j    *sink
}

func newBench(t testing.TB, o Settings) *bench {
	s, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	b := &bench{s: s, now: start, name: []byte("jobs"), j: &sink{}}
	s.SetJournal(b.j)
	b.do(func(tx *Tx) {
		if _, err := tx.Create(b.name, o); err != nil {
			t.Fatal(err)
		}
	})
	return b
}

func (b *bench) do(f func(tx *Tx)) {
	b.s.Begin(&b.tx, b.now)
	b.tx.Declare(b.name)
	b.tx.Lock()
	defer b.tx.Unlock()
	f(&b.tx)
}

func (b *bench) publish(m *Message) (p Published, err error) {
	b.do(func(tx *Tx) { p, err = tx.Publish(b.name, m) })
	return p, err
}

const most = 1_000_000_000

func BenchmarkPublish(b *testing.B) {
	q := newBench(b, Settings{MaxDepth: most})
	m := &Message{Payload: make([]byte, 100), Priority: -1, MaxRetries: -1}
	b.ReportAllocs()
	before := q.j.bytes
	for b.Loop() {
		if _, err := q.publish(m); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(q.j.bytes-before)/float64(b.N), "journal-B/op")
}

// BenchmarkDeliverAck takes and acknowledges messages one by one, of so many that are ready.
func BenchmarkDeliverAck(b *testing.B) {
	for _, ready := range []int{1000, 1_000_000} {
		b.Run(fmt.Sprintf("ready=%d", ready), func(b *testing.B) {
			q := newBench(b, Settings{MaxDepth: most})
			m := &Message{Payload: make([]byte, 100), Priority: -1, MaxRetries: -1}
			d := &Deliver{Consumer: []byte("worker-1"), Count: 1}
			views := make([]View, 0, 1)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if i%ready == 0 {
					b.StopTimer()
					for range ready {
						_, _ = q.publish(m)
					}
					b.StartTimer()
				}
				q.do(func(tx *Tx) { views = tx.Deliver(q.name, d, views[:0]) })
				l := Lease{ID: views[0].ID, Token: views[0].Token}
				var err error
				q.do(func(tx *Tx) { err = tx.Ack(q.name, &l) })
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkCycle is publish, deliver and ack of one message after the other.
func BenchmarkCycle(b *testing.B) {
	q := newBench(b, Settings{MaxDepth: most})
	m := &Message{Payload: make([]byte, 100), Priority: -1, MaxRetries: -1}
	d := &Deliver{Consumer: []byte("worker-1"), Count: 1}
	views := make([]View, 0, 1)
	b.ReportAllocs()
	for b.Loop() {
		_, _ = q.publish(m)
		q.do(func(tx *Tx) { views = tx.Deliver(q.name, d, views[:0]) })
		l := Lease{ID: views[0].ID, Token: views[0].Token}
		q.do(func(tx *Tx) { _ = tx.Ack(q.name, &l) })
	}
}

// BenchmarkMemory reports what a message of 100 bytes takes beyond them, at a million.
func BenchmarkMemory(b *testing.B) {
	const n = 1_000_000
	for range b.N {
		q := newBench(b, Settings{MaxDepth: most})
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		m := &Message{Payload: make([]byte, 100), Priority: -1, MaxRetries: -1}
		empty := q.s.Memory()
		for range n {
			_, _ = q.publish(m)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(q.s.Memory()-empty)/n-100, "B/message")
		b.ReportMetric(float64(q.s.Resident()-empty)/n-100, "resident-B/message")
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/n, "heap-B/message")
		b.ReportMetric(float64(after.HeapObjects-before.HeapObjects)/n*1000, "objects/1000")
		d := &Deliver{Consumer: []byte("worker-1"), Count: n}
		q.do(func(tx *Tx) { tx.Deliver(q.name, d, nil) })
		b.ReportMetric(float64(q.s.Memory()-empty)/n-100, "B/leased")
		_ = q.s.Close()
	}
}

// BenchmarkQueues reports what a queue with one message takes, of ten thousand.
func BenchmarkQueues(b *testing.B) {
	const n = 10_000
	for range b.N {
		q := newBench(b, Settings{})
		empty := q.s.Memory()
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		m := &Message{Payload: make([]byte, 100), Priority: -1, MaxRetries: -1}
		for i := range n {
			q.name = fmt.Appendf(nil, "queue-%05d", i)
			q.do(func(tx *Tx) {
				_, _ = tx.Create(q.name, Settings{})
				_, _ = tx.Publish(q.name, m)
			})
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		heap := after.HeapAlloc - before.HeapAlloc
		b.ReportMetric(float64(q.s.Memory()-empty)/n, "B/queue")
		b.ReportMetric(float64(q.s.Resident()-empty)/n, "resident-B/queue")
		b.ReportMetric(float64(heap)/n, "heap-B/queue")
		for after := ""; ; {
			page := q.s.Names("", after, 100)
			if len(page) == 0 {
				break
			}
			after = page[len(page)-1]
		}
		_ = q.s.Close()
	}
}

// BenchmarkRecover replays a journal of messages that are still there.
func BenchmarkRecover(b *testing.B) {
	q := newBench(b, Settings{MaxDepth: most})
	var blocks [][]byte
	m := &Message{Payload: make([]byte, 100), Priority: -1, MaxRetries: -1}
	const n = 200_000
	for range n {
		_, _ = q.publish(m)
	}
	var c ExportCursor
	for more := true; more; {
		var block []byte
		block, more = q.s.Export(&c, nil)
		blocks = append(blocks, block)
	}
	b.ResetTimer()
	for range b.N {
		s, _ := New(Options{})
		for _, block := range blocks {
			if err := s.Import(start, block); err != nil {
				b.Fatal(err)
			}
		}
		s.FinishImport()
		_ = s.Close()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/message")
}

// BenchmarkPurge is the time a shard is locked to purge a million messages.
func BenchmarkPurge(b *testing.B) {
	q := newBench(b, Settings{MaxDepth: most})
	m := &Message{Payload: make([]byte, 100), Priority: -1, MaxRetries: -1}
	const n = 1_000_000
	for range b.N {
		b.StopTimer()
		for range n {
			_, _ = q.publish(m)
		}
		b.StartTimer()
		q.do(func(tx *Tx) { _, _ = tx.Purge(q.name, false) })
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/message")
}

package room

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
)

// nothing is a journal that costs nothing.
type nothing struct{}

func (nothing) Append(int64, []byte) uint64 { return 0 }
func (nothing) Admit(int) error             { return nil }

func benchStore(b *testing.B, o Options) *Store {
	b.Helper()
	s, err := New(o)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	s.SetJournal(nothing{})
	return s
}

var benchData = append(append([]byte{'"'}, bytes.Repeat([]byte("x"), 98)...), '"')

// BenchmarkPublish: one event of 100 bytes a Tx, into rooms that are full: each drops one.
func BenchmarkPublish(b *testing.B) {
	for _, rooms := range []int{1, 100} {
		b.Run(fmt.Sprintf("rooms=%d", rooms), func(b *testing.B) {
			s := benchStore(b, Options{})
			fill(b, s, rooms, rooms*10_000, 100)
			names := make([][]byte, rooms)
			for i := range names {
				names[i] = fmt.Appendf(nil, "memory:room:%05d", i)
			}
			e := Event{Name: []byte("message"), Data: benchData}
			var tx Tx
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				name := names[i%rooms]
				s.Begin(&tx, epoch+20_000)
				tx.Declare(name)
				tx.Lock()
				if _, err := tx.Publish(name, &e); err != nil {
					b.Fatal(err)
				}
				tx.Unlock()
			}
		})
	}
}

// BenchmarkPublishBatch: 100 events of one room a Tx.
func BenchmarkPublishBatch(b *testing.B) {
	s := benchStore(b, Options{})
	name := []byte("memory:room:00000")
	fill(b, s, 1, 10_000, 100)
	e := Event{Name: []byte("message"), Data: benchData}
	var tx Tx
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; i < b.N; i += 100 {
		s.Begin(&tx, epoch+20_000)
		tx.Declare(name)
		tx.Lock()
		for range 100 {
			if _, err := tx.Publish(name, &e); err != nil {
				b.Fatal(err)
			}
		}
		tx.Unlock()
	}
}

// BenchmarkCatchUp: a subscriber that reads a million events from the beginning, 64 KiB a time.
func BenchmarkCatchUp(b *testing.B) {
	s := benchStore(b, Options{Defaults: Settings{MaxEvents: None}})
	frames := fill(b, s, 1, 1_000_000, 100)
	sub := &Subscriber{Waker: new(bell)}
	s.do(epoch, func(tx *Tx) {
		if _, err := tx.Subscribe([]byte("memory:room:00000"), nil, At(0), sub); err != nil {
			b.Fatal(err)
		}
	})
	var out []byte
	events := 0
	b.SetBytes(frames)
	b.ResetTimer()
	for range b.N {
		s.Seek(sub, At(0))
		for more := true; more; {
			f, _ := s.Pull(sub, 64<<10, out[:0])
			out, more = f.Bytes, f.More
			events += f.Events
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(events), "ns/event")
}

// BenchmarkRead: pages of 100 views.
func BenchmarkRead(b *testing.B) {
	s := benchStore(b, Options{})
	fill(b, s, 1, 10_000, 100)
	name := []byte("memory:room:00000")
	var tx Tx
	var views []View
	b.ResetTimer()
	for i := 0; i < b.N; i += 100 {
		s.Begin(&tx, epoch)
		tx.Declare(name)
		tx.Lock()
		p, err := tx.Read(name, &Query{From: At(uint64(i % 9900))}, views[:0])
		if err != nil || len(p.Events) != 100 {
			b.Fatal(len(p.Events), err)
		}
		views = p.Events
		tx.Unlock()
	}
}

// BenchmarkFanOut: one publish and what 50 subscribers of the room make of it. An operation is one
// delivery: "wakes" only wakes them, again and again, without the reading; "live" has each of them
// read the event; "behind" leaves them awake, as under load, so that publishing costs no wake.
func BenchmarkFanOut(b *testing.B) {
	for _, mode := range []string{"wakes", "shared", "live", "behind"} {
		b.Run(mode, func(b *testing.B) { benchFanOut(b, mode) })
	}
}

func benchFanOut(b *testing.B, mode string) {
	const fan = 50
	s := benchStore(b, Options{Defaults: Settings{MaxEvents: 1000}, HardEvents: 1000})
	name := []byte("room")
	s.do(epoch, func(tx *Tx) { _ = tx.Create(name, Settings{}) })
	subs := make([]Subscriber, fan)
	one := new(bell)
	s.do(epoch, func(tx *Tx) {
		for i := range subs {
			if subs[i].Waker = new(bell); mode == "shared" {
				subs[i].Waker = one
			}
			_, _ = tx.Subscribe(name, nil, Tail(), &subs[i])
		}
	})
	e := Event{Name: []byte("message"), Data: benchData}
	var tx Tx
	var out []byte
	read := func() {
		for i := range subs {
			f, _ := s.Pull(&subs[i], 64<<10, out[:0])
			out = f.Bytes
		}
	}
	read()
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; i < b.N; i += fan {
		s.Begin(&tx, epoch)
		tx.Declare(name)
		tx.Lock()
		_, _ = tx.Publish(name, &e)
		tx.Unlock()
		switch mode {
		case "live":
			read()
		case "wakes", "shared":
			r := s.shardOf(name).rooms["room"]
			for i := range subs {
				r.lie(&subs[i])
			}
		}
	}
}

// BenchmarkDeliver: a publisher and 50 subscribers, each a goroutine that sleeps when it has read
// everything. An operation is one delivery.
func BenchmarkDeliver(b *testing.B) {
	const fan = 50
	s := benchStore(b, Options{Defaults: Settings{MaxEvents: 1000}, HardEvents: 1 << 30})
	name := []byte("room")
	s.do(epoch, func(tx *Tx) { _ = tx.Create(name, Settings{}) })
	events := uint64(b.N/fan + 1)
	var wait sync.WaitGroup
	for range fan {
		g := make(gate, 1)
		sub := &Subscriber{Waker: g}
		s.do(epoch, func(tx *Tx) { _, _ = tx.Subscribe(name, nil, Tail(), sub) })
		wait.Add(1)
		go func() {
			defer wait.Done()
			var out []byte
			for next := uint64(0); next < events; {
				f, _ := s.Pull(sub, 16<<10, out[:0])
				if out, next = f.Bytes, f.Next; !f.More && next < events {
					<-g
				}
			}
		}()
	}
	e := Event{Name: []byte("message"), Data: benchData}
	b.ResetTimer()
	for range events {
		s.do(epoch, func(tx *Tx) { _, _ = tx.Publish(name, &e) })
	}
	wait.Wait()
}

// BenchmarkManyRooms: a hundred thousand rooms, each of which has an event: publishing to them in
// turn, and the sweep that looks at all of them.
func BenchmarkManyRooms(b *testing.B) {
	const n = 100_000
	s := benchStore(b, Options{})
	before := heap()
	fill(b, s, n, n, 100)
	b.Logf("%d bytes a room with an event of 100 bytes, of which %d in Go's heap", s.Memory()/n,
		(heap()-before)/n)
	b.Run("publish", func(b *testing.B) {
		fill(b, s, n, b.N, 100)
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N), "ns/event")
	})
	b.Run("sweep", func(b *testing.B) {
		now := int64(epoch)
		for range b.N {
			now += defaultSweep + 1
			for next := now; next == now; {
				next = s.Maintain(now, 1000)
			}
		}
	})
}

// BenchmarkRecovery: replaying records of one event each, and importing the snapshot of the same.
func BenchmarkRecovery(b *testing.B) {
	s := benchStore(b, Options{})
	j := &recorder{}
	s.SetJournal(j)
	fill(b, s, 10, 100_000, 100)
	x := &snapshot{}
	b.Run("export", func(b *testing.B) {
		for range b.N {
			for x = new(snapshot); !x.done; {
				x.slice(s)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*100_000), "ns/event")
	})
	b.Run("import", func(b *testing.B) {
		for range b.N {
			again := benchStore(b, Options{})
			for _, block := range x.blocks {
				if err := again.Import(epoch, block); err != nil {
					b.Fatal(err)
				}
			}
			_ = again.Close()
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*100_000), "ns/event")
	})
	b.Run("replay", func(b *testing.B) {
		for range b.N {
			again := benchStore(b, Options{})
			j.replay(b, again, 0)
			_ = again.Close()
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*100_000), "ns/event")
	})
}

// resident is the memory of the process, in bytes, as the system counts it.
func resident(b *testing.B) (n int64) {
	b.Helper()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Skip(err)
	}
	for line := range strings.Lines(string(text)) {
		if _, err := fmt.Sscanf(line, "VmRSS: %d kB", &n); err == nil {
			return n << 10
		}
	}
	return 0
}

// BenchmarkMemory says what a million events take beyond their frames: as counted, with free
// memory that is held, and as the system sees it. Run it with -benchtime=1x.
func BenchmarkMemory(b *testing.B) {
	for _, c := range []struct{ rooms, events, kept, size int }{
		{1, 1_000_000, None, 100}, {100, 1_000_000, 10_000, 100}, {100, 2_500_000, 10_000, 100},
		{1000, 2_500_000, 1000, 100}, {10_000, 1_000_000, 100, 100},
	} {
		b.Run(fmt.Sprintf("rooms=%d/published=%d", c.rooms, c.events), func(b *testing.B) {
			for range b.N {
				heap()
				before := resident(b)
				s := benchStore(b, Options{Defaults: Settings{MaxEvents: int64(c.kept)}})
				empty, held := s.Memory(), s.Resident()
				frames := fill(b, s, c.rooms, c.events, c.size)
				now := int64(epoch + 3_000_000)
				for next := now; next == now; { // as a server does after each second
					next = s.Maintain(now, 1000)
				}
				n := float64(min(c.events, 1_000_000))
				b.ReportMetric(float64(frames)/n, "frame-B")
				b.ReportMetric(float64(s.Memory()-empty-frames)/n, "counted-B")
				b.ReportMetric(float64(s.Resident()-held-frames)/n, "held-B")
				heap()
				b.ReportMetric(float64(resident(b)-before-frames)/n, "system-B")
				_ = s.Close()
			}
		})
	}
}

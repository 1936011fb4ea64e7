package room

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/synapdb/synap/internal/effect"
)

// snapshot is an export in the making, of a store that goes on changing.
type snapshot struct {
	c      ExportCursor
	blocks [][]byte
	from   int // of the journal: records from here on are replayed
	done   bool
}

func (x *snapshot) slice(s *Store) {
	block, more := s.Export(&x.c, nil)
	if len(block) > 0 {
		x.blocks = append(x.blocks, block)
	}
	x.done = !more
}

// load imports the blocks, in an order of its own, and replays what came since.
func (x *snapshot) load(t tester, s *Store, j *recorder, now int64, seed uint64) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 0))
	r.Shuffle(len(x.blocks), func(i, k int) {
		x.blocks[i], x.blocks[k] = x.blocks[k], x.blocks[i]
	})
	for _, b := range x.blocks {
		if err := s.Import(now, b); err != nil {
			t.Fatalf("%v", err)
		}
	}
	s.FinishImport()
	s.sound(t)
	j.replay(t, s, x.from)
	s.sound(t)
}

// highest is the highest generation of a room in the journal. One that was rolled back may be
// given again after a restart: nobody saw it.
func (j *recorder) highest() (n uint64) {
	for _, record := range j.records {
		for len(record) > 0 {
			var e effect.Room
			e, record, _ = effect.DecodeRoom(record)
			n = max(n, e.Generation)
		}
	}
	return n
}

// TestSnapshotAndJournalEqualLive: slices exported while the store changes, imported in any order,
// and the journal since the first of them, lead to the same state.
func TestSnapshotAndJournalEqualLive(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := newModel(t, rapid.SampledFrom([]int{1, 4}).Draw(t, "shards"))
		defer m.s.Close()
		var x *snapshot
		actions := m.actions()
		actions[""] = func(*rapid.T) {}
		for _, name := range []string{"slice", "slice1", "slice2", "slice3"} {
			actions[name] = func(*rapid.T) {
				if x == nil {
					x = &snapshot{from: len(m.j.records)}
				}
				if !x.done {
					x.slice(m.s)
				}
			}
		}
		actions["many"] = func(t *rapid.T) { // more than a slice holds
			m.s.do(m.w.now, func(tx *Tx) {
				set := Settings{MaxEvents: None, MaxAge: None}
				if _, err := tx.GetOrCreate([]byte("many"), set); err != nil {
					t.Fatalf("%v", err)
				}
				data := bytes.Repeat([]byte("1"), rapid.IntRange(1, 400).Draw(t, "size"))
				for range rapid.IntRange(1, 400).Draw(t, "events") {
					_, err := tx.Publish([]byte("many"), &Event{Name: []byte("e"), Data: data})
					if err != nil {
						t.Fatalf("%v", err)
					}
				}
				switch rapid.IntRange(0, 9).Draw(t, "end") {
				case 0:
					_ = tx.Delete([]byte("many"))
				case 1:
					st, _ := tx.Stats([]byte("many"))
					_, _ = tx.Trim([]byte("many"), rapid.Uint64Range(st.Min, st.Next).Draw(t, "to"))
				}
			})
		}
		actions["many1"], actions["many2"] = actions["many"], actions["many"]
		delete(actions, "tick")
		t.Repeat(actions)
		if x == nil {
			x = &snapshot{from: len(m.j.records)}
		}
		for !x.done {
			x.slice(m.s)
			actions["many"](t)
			m.publish(t)
		}
		again := modelStore(t, rapid.SampledFrom([]int{1, 2, 8}).Draw(t, "other shards"))
		defer again.Close()
		x.load(t, again, m.j, m.w.now, rapid.Uint64().Draw(t, "order"))
		if again.Digest() != m.s.Digest() {
			t.Fatalf("snapshot and journal lead to another state")
		}
		if got, want := again.generation.Load(), m.j.highest(); got < want {
			t.Fatalf("generations have come to %d, not %d", got, want)
		}
	})
}

// TestBlocksInParallel: blocks of one large room, imported by several at once.
func TestBlocksInParallel(t *testing.T) {
	s, _ := open(t, Options{})
	create(t, s, epoch, "r", Settings{MaxEvents: None})
	publish(t, s, epoch, "r", 5000)
	s.do(epoch, func(tx *Tx) {
		for i := range 100 {
			if err := tx.Commit([]byte("r"), fmt.Append(nil, i), uint64(i)); err != nil {
				t.Fatal(err)
			}
		}
	})
	x := &snapshot{}
	for !x.done {
		x.slice(s)
	}
	if len(x.blocks) < 15 || x.c.Entries != 5101 {
		t.Fatalf("%d blocks, %d entries", len(x.blocks), x.c.Entries)
	}
	again, _ := open(t, Options{Shards: 1})
	var wait sync.WaitGroup
	for w := range 4 {
		wait.Add(1)
		go func() {
			defer wait.Done()
			for i := w; i < len(x.blocks); i += 4 {
				if err := again.Import(epoch, x.blocks[len(x.blocks)-1-i]); err != nil {
					t.Error(err)
				}
			}
		}()
	}
	wait.Wait()
	again.FinishImport()
	again.sound(t)
	if again.Digest() != s.Digest() {
		t.Error("another state was imported")
	}
}

// TestMissingBlocks: events whose predecessors never come are kept, with a gap.
func TestMissingBlocks(t *testing.T) {
	s, _ := open(t, Options{Shards: 1})
	create(t, s, epoch, "r", Settings{MaxEvents: None})
	publish(t, s, epoch, "r", 1000)
	x := &snapshot{}
	for !x.done {
		x.slice(s)
	}
	again, _ := open(t, Options{Shards: 1})
	for _, b := range append(x.blocks[3:], x.blocks[1]) {
		if err := again.Import(epoch, b); err != nil {
			t.Fatal(err)
		}
	}
	if st := stats(t, again, "r"); st.Messages != 0 {
		t.Errorf("%+v before the end", st)
	}
	again.FinishImport()
	again.sound(t)
	if st := stats(t, again, "r"); st.Next != 1000 || st.Min < 700 || st.Min > 800 {
		t.Errorf("%+v", st)
	}
}

// TestGenerationsGrowOverSnapshots: no room made after a restart has the generation of one that was
// deleted before the snapshot, of which the journal knows nothing any more.
func TestGenerationsGrowOverSnapshots(t *testing.T) {
	s, _ := open(t, Options{})
	for range 3 {
		create(t, s, epoch, "r", Settings{})
		s.do(epoch, func(tx *Tx) { _ = tx.Delete([]byte("r")) })
	}
	x := &snapshot{}
	for !x.done {
		x.slice(s)
	}
	again, _ := open(t, Options{})
	x.load(t, again, &recorder{}, epoch, 1)
	create(t, again, epoch, "r", Settings{})
	again.do(epoch, func(tx *Tx) {
		if info, err := tx.Info([]byte("r")); err != nil || info.Generation != 4 {
			t.Errorf("generation %d, %v", info.Generation, err)
		}
	})
}

func TestMalformedRecordsAndBlocks(t *testing.T) {
	s, j := open(t, Options{})
	create(t, s, epoch, "r", Settings{})
	publish(t, s, epoch, "r", 3)
	before := s.Digest()
	set, event := j.records[0], j.records[1]
	bad := func(e effect.Room) []byte { return effect.AppendRoom(nil, &e) }
	long := make([]byte, MaxNameBytes+1)
	records := [][]byte{
		{255}, {0}, set[:len(set)-1], append(bytes.Clone(event), 200),
		append(bytes.Clone(event), event[:3]...),
		bad(effect.Room{Kind: effect.RoomDelete}),
		bad(effect.Room{Kind: effect.RoomSet, Name: []byte("x")}),
		bad(effect.Room{Kind: effect.RoomSet, Name: []byte("\xff"), Settings: builtin}),
		bad(effect.Room{Kind: effect.RoomDelete, Name: long}),
		bad(effect.Room{Kind: effect.RoomPublish, Name: []byte("r"), Generation: 1, Offset: 3}),
		bad(effect.Room{Kind: effect.RoomPublish, Name: []byte("r"), Event: []byte("e"),
			Offset: 1 << 60}),
		bad(effect.Room{Kind: effect.RoomPublish, Name: []byte("r"), Event: long}),
		bad(effect.Room{Kind: effect.RoomPublish, Name: []byte("r"), Event: []byte("e"), Time: -1}),
		bad(effect.Room{Kind: effect.RoomPublish, Name: []byte("r"), Event: []byte("e"),
			Metadata: make([]byte, MaxMetadataBytes+1)}),
		bad(effect.Room{Kind: effect.RoomTrim, Name: []byte("r"), First: 1 << 60}),
		bad(effect.Room{Kind: effect.RoomCursor, Name: []byte("r")}),
		bad(effect.Room{Kind: effect.RoomCursor, Name: []byte("r"), Consumer: long}),
	}
	for _, b := range records {
		if err := s.ReplayRecord(epoch, b); !errors.Is(err, effect.ErrMalformed) {
			t.Errorf("replaying %.60x: %v", b, err)
		}
		if err := s.Import(epoch, b); !errors.Is(err, effect.ErrMalformed) {
			t.Errorf("importing %.60x: %v", b, err)
		}
	}
	for _, b := range [][]byte{
		event, bad(effect.Room{Kind: effect.RoomDelete, Name: []byte("r"), Generation: 1}),
		bad(effect.Room{Kind: effect.RoomTrim, Name: []byte("r"), Generation: 1}),
	} {
		empty, _ := open(t, Options{Shards: 1})
		if err := empty.Import(epoch, b); !errors.Is(err, effect.ErrMalformed) {
			t.Errorf("importing %.60x: %v", b, err)
		}
	}
	// Effects over keys and queues in front are left out, if they are some.
	key := effect.Append(nil, &effect.Effect{Kind: effect.Delete, Key: []byte("k")})
	queue := effect.AppendQueue(nil, &effect.Queue{Kind: effect.QueueDelete, Name: []byte("q")})
	if err := s.ReplayRecord(epoch, append(append(key, queue...), event...)); err != nil {
		t.Error(err)
	}
	if err := s.ReplayRecord(epoch, queue[:2]); !errors.Is(err, effect.ErrMalformed) {
		t.Error(err)
	}
	if s.sound(t); s.Digest() != before {
		t.Error("what is malformed, or was there, changed the store")
	}
}

// FuzzImport: any bytes are imported, replayed or refused, and what is there stays sound.
func FuzzImport(f *testing.F) {
	s, err := New(Options{Shards: 1})
	if err != nil {
		f.Fatal(err)
	}
	j := &recorder{}
	s.SetJournal(j)
	s.do(epoch, func(tx *Tx) { _ = tx.Create([]byte("r"), Settings{MaxEvents: 2}) })
	publish(f, s, epoch, "r", 5)
	s.do(epoch, func(tx *Tx) {
		_ = tx.Commit([]byte("r"), []byte("c"), 3)
		_, _ = tx.Trim([]byte("r"), 4)
	})
	block, _ := s.Export(new(ExportCursor), nil)
	f.Add(block)
	f.Add(bytes.Join(j.records, nil))
	for _, r := range j.records {
		f.Add(r)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, load := range []func(*Store) error{
			func(s *Store) error { return s.Import(epoch, b) },
			func(s *Store) error { return s.ReplayRecord(epoch, b) },
		} {
			s, _ := open(t, Options{Shards: 1})
			if err := load(s); err != nil && !errors.Is(err, effect.ErrMalformed) {
				t.Fatal(err)
			}
			s.FinishImport()
			s.sound(t)
			create(t, s, epoch, "a room of my own", Settings{})
			publish(t, s, epoch, "a room of my own", 2)
		}
	})
}

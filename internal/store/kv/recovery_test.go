package kv

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
	swaps  uint64
	done   bool
}

func (m *model) beginSnapshot() *snapshot {
	return &snapshot{swaps: m.s.Swaps(), from: len(m.journal.records)}
}

func (x *snapshot) slice(s *Store) {
	block, more := s.Export(&x.c, nil)
	if len(block) > 0 {
		x.blocks = append(x.blocks, block)
	}
	x.done = !more
}

// load imports the blocks and replays what came since.
func (x *snapshot) load(t tester, m *model, o Options) *Store {
	s := newStore(t, o)
	for _, b := range x.blocks {
		if err := s.Import(m.w.now, b); err != nil {
			t.Fatalf("%v", err)
		}
	}
	s.FinishImport()
	if err := s.checkInvariants(); err != nil {
		t.Fatalf("imported: %v", err)
	}
	m.journal.replay(s, x.from)
	return s
}

// actions are those of the model that change the store.
func (m *model) actions() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"one": m.one, "group": m.group, "whole": m.whole, "many": m.many, "many2": m.many,
		"time": func(t *rapid.T) {
			m.w.now += rapid.OneOf(
				rapid.Int64Range(0, 200), rapid.Int64Range(0, 100_000)).Draw(t, "ms")
		},
		"maintain": func(t *rapid.T) {
			m.s.Maintain(m.w.now, rapid.Int64Range(1, 20_000).Draw(t, "µs"))
		},
		"": func(*rapid.T) {},
	}
}

func otherOptions(t *rapid.T) Options {
	return rapid.SampledFrom([]Options{
		{Shards: 4, Seed: 7}, // as the model's
		{Shards: 4, Seed: 8}, {Shards: 1, Seed: 7}, {Shards: 16, Seed: 7},
	}).Draw(t, "options")
}

// TestSnapshotAndJournalEqualLive: slices exported while the store changes, and the journal since
// the first of them, lead to the same state, or a Swap was counted.
func TestSnapshotAndJournalEqualLive(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := newModel(t)
		var x *snapshot
		actions := m.actions()
		actions["slice"] = func(t *rapid.T) {
			if x == nil {
				x = m.beginSnapshot()
			}
			for range rapid.IntRange(1, 4).Draw(t, "slices") {
				if !x.done {
					x.slice(m.s)
				}
			}
		}
		actions["slice2"] = actions["slice"]
		t.Repeat(actions)
		if x == nil {
			x = m.beginSnapshot()
		}
		for !x.done {
			x.slice(m.s)
			m.one(t)
		}
		swapped := false
		for _, r := range m.journal.records[x.from:] {
			swapped = swapped || effect.Kind(r.payload[0]) == effect.Swap
		}
		if counted := m.s.Swaps() != x.swaps; counted != swapped {
			t.Fatalf("swapped meanwhile: %v, counted: %v", swapped, counted)
		}
		if swapped {
			return
		}
		s := x.load(t, m, otherOptions(t))
		if s.Digest() != m.s.Digest() {
			t.Fatalf("the digests differ")
		}
		m.compareAll(t, s)
		if err := s.checkInvariants(); err != nil {
			t.Fatalf("%v", err)
		}
	})
}

// TestFrozenStoreKeepsEverything: while the journal takes nothing, nothing goes by itself.
func TestFrozenStoreKeepsEverything(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := newModel(t)
		t.Repeat(m.actions())
		m.journal.full = true
		records, digest := len(m.journal.records), m.s.Digest()
		const tick = 1 << tickShift // so late may a key be collected
		m.w.now += rapid.Int64Range(tick, 1<<40).Draw(t, "ms")
		late := m.w.clone()
		late.now -= tick
		m.s.SetMemoryLimit(1<<20, AllKeysLRU)
		m.compareAll(t, m.s)
		for range 4 {
			key := drawKey(t)
			m.s.with(m.w.now, 0, key, func(tx *Tx) {
				var w Watcher
				tx.Watch(&w, 0, []byte(key))
				m.compare(t, tx, 0, key)
				tx.Changed(&w)
			})
			m.scan(t)
			m.s.Maintain(m.w.now, 10_000)
			_ = m.s.MakeRoom(1000, m.w.now)
		}
		if len(m.journal.records) != records || m.s.Digest() != digest {
			t.Fatalf("the frozen store changed")
		}
		m.journal.full = false
		m.s.SetMemoryLimit(0, NoEviction)
		for m.s.Maintain(m.w.now, 10_000) {
		}
		for db := range uint8(Databases) {
			if got, most := m.s.Count(db), late.count(db); int(got) > most {
				t.Fatalf("database %d has %d keys after the thaw, not %d", db, got, most)
			}
		}
	})
}

// TestFlushEndsAnImport: what was imported of a damaged snapshot must not join what comes next.
func TestFlushEndsAnImport(t *testing.T) {
	s := newStore(t, Options{})
	entry := func(key string) []byte {
		return effect.Append(nil, &effect.Effect{Kind: effect.Set, Key: []byte(key), Version: 1})
	}
	if err := s.Import(epoch, append(entry("bad"), 255)); err == nil {
		t.Fatal("a damaged block was taken")
	}
	flush := effect.Append(nil, &effect.Effect{Kind: effect.FlushAll})
	if _, err := s.ReplayRecord(epoch, flush); err != nil {
		t.Fatal(err)
	}
	if err := s.Import(epoch, entry("good")); err != nil {
		t.Fatal(err)
	}
	s.FinishImport()
	s.with(epoch, 0, "bad", func(tx *Tx) {
		if _, ok := tx.Peek(0, []byte("bad")); ok || s.Count(0) != 1 {
			t.Errorf("%d keys, of the damaged block: %v", s.Count(0), ok)
		}
	})
	if err := s.checkInvariants(); err != nil {
		t.Error(err)
	}
}

func TestEntriesOfOneKeyBecomeOne(t *testing.T) {
	s := newStore(t, Options{Shards: 1})
	for round := range 3 {
		var block []byte
		for i := range 500 {
			e := effect.Effect{Kind: effect.Set, Version: 1, Key: fmt.Append(nil, i%400)}
			if e.Deadline = 0; i%3 == 0 {
				e.Deadline = epoch + 1000
			}
			if i%5 == 0 {
				e.Value = make([]byte, maxInline+1+round)
			}
			block = effect.Append(block, &e)
		}
		if err := s.Import(epoch, block); err != nil {
			t.Fatal(err)
		}
	}
	s.FinishImport()
	if err := s.checkInvariants(); err != nil || s.Count(0) != 400 {
		t.Errorf("%d keys, %v", s.Count(0), err)
	}
}

func TestEvictionsAreRecorded(t *testing.T) {
	s := newStore(t, Options{Shards: 2, Seed: 7, MaxMemory: 2 << 20, Policy: AllKeysLRU})
	j := &recorder{t: t}
	s.SetJournal(j)
	for i := range 20_000 {
		if err := s.MakeRoom(200, epoch); err != nil {
			t.Fatal(err)
		}
		s.set(epoch, 0, fmt.Sprint("key", i), make([]byte, 200), 0)
	}
	if s.Stats().Evicted == 0 {
		t.Fatal("nothing was evicted")
	}
	again := newStore(t, Options{})
	j.replay(again, 0)
	if again.Digest() != s.Digest() {
		t.Error("the digests differ")
	}
}

func TestTxIsOneRecord(t *testing.T) {
	s := newStore(t, Options{})
	j := &recorder{t: t}
	s.SetJournal(j)
	s.set(epoch, 0, "old", []byte("x"), epoch+10)
	var tx Tx
	begin := func() {
		s.Begin(&tx, epoch+20)
		tx.DeclareAll()
		tx.Lock()
	}
	set := func(key string) {
		tx.Apply(effect.Effect{Kind: effect.Set, Key: []byte(key), Value: []byte("v")})
	}
	begin()
	set("a")
	set("old") // expires first
	set("b")
	tx.Unlock()
	if len(j.records) != 2 || len(j.effects) != 5 || tx.LSN() != 2 {
		t.Fatalf("%d records, %d effects, LSN %d", len(j.records), len(j.effects), tx.LSN())
	}
	if e := j.effects[2]; e.Kind != effect.Expire || string(e.Key) != "old" {
		t.Errorf("%+v", e)
	}
	begin()
	tx.Get(0, []byte("a"))
	tx.Unlock()
	if len(j.records) != 2 || tx.LSN() != 2 {
		t.Errorf("reading made record %d", tx.LSN())
	}
	begin()
	set("before")
	tx.Atomic()
	set("undone")
	tx.Rollback()
	set("after")
	tx.Unlock()
	if n := len(j.effects); len(j.records) != 3 || n != 7 ||
		string(j.effects[5].Key) != "before" || string(j.effects[6].Key) != "after" {
		t.Errorf("after a rollback: %d records, %d effects", len(j.records), n)
	}
}

func TestReplayedEffectsAreExact(t *testing.T) {
	s := newStore(t, Options{})
	j := &recorder{t: t}
	s.SetJournal(j)
	payload := effect.Append(nil, &effect.Effect{
		Kind: effect.Set, Key: []byte("k"), Value: []byte("v"), Version: 41, Deadline: epoch - 1,
	})
	payload = effect.Append(payload, &effect.Effect{
		Kind: effect.Patch, Key: []byte("k"), Offset: 1, Value: []byte("w"), Version: 42,
	})
	if _, err := s.ReplayRecord(epoch, payload); err != nil {
		t.Fatal(err)
	}
	s.with(epoch-2, 0, "k", func(tx *Tx) {
		e, ok := tx.Peek(0, []byte("k"))
		if !ok || string(e.Value()) != "vw" || e.Version() != 42 || e.Deadline() != epoch-1 {
			t.Errorf("%v: %s, version %d, deadline %d", ok, e.Value(), e.Version(), e.Deadline())
		}
	})
	if len(j.records) != 0 {
		t.Error("a replayed record was recorded again")
	}
}

func TestMalformedRecordsChangeNothing(t *testing.T) {
	good := effect.Append(nil, &effect.Effect{Kind: effect.Set, Key: []byte("k"), Version: 1})
	for _, e := range []effect.Effect{
		{Kind: effect.Set, DB: Databases}, {Kind: effect.Swap, Other: Databases},
		{Kind: effect.Set, Flags: 8}, {Kind: effect.Set, Key: make([]byte, MaxKeyBytes+1)},
		{Kind: effect.Patch, Offset: MaxValueBytes, Value: []byte("x")},
		{Kind: effect.Flush, DB: 16},
	} {
		s := newStore(t, Options{})
		bad := effect.Append(bytes.Clone(good), &e)
		if _, err := s.ReplayRecord(epoch, bad); !errors.Is(err, effect.ErrMalformed) {
			t.Errorf("kind %d: %v", e.Kind, err)
		}
		if _, err := s.ReplayRecord(epoch, bad[:len(bad)-1]); err == nil {
			t.Errorf("kind %d cut off", e.Kind)
		}
		if s.Count(0) != 0 {
			t.Errorf("kind %d: a part was applied", e.Kind)
		}
	}
}

// locked is a recorder for several goroutines.
type locked struct {
	mu sync.Mutex
	recorder
}

func (l *locked) Append(timeMillis int64, payload []byte) uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.recorder.Append(timeMillis, payload)
}

func (l *locked) last() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.records)
}

// TestSnapshotWhileOthersWrite: the same as TestSnapshotAndJournalEqualLive, with real concurrency.
func TestSnapshotWhileOthersWrite(t *testing.T) {
	s := newStore(t, Options{Shards: 4, Seed: 7})
	j := &locked{recorder: recorder{t: t}}
	s.SetJournal(j)
	for i := range 4000 {
		s.set(epoch, 0, fmt.Sprint("key", i), []byte("before"), 0)
	}
	var writers sync.WaitGroup
	for w := range 3 {
		writers.Go(func() { scribble(s, w) })
	}
	x := &snapshot{from: j.last()}
	for !x.done {
		x.slice(s)
	}
	writers.Wait()
	again := newStore(t, Options{Shards: 8})
	var loaders sync.WaitGroup
	for half := range 2 {
		loaders.Go(func() {
			for i := half; i < len(x.blocks); i += 2 {
				if err := again.Import(epoch, x.blocks[i]); err != nil {
					t.Error(err)
				}
			}
		})
	}
	loaders.Wait()
	loaders.Go(again.FinishImport)
	loaders.Go(again.FinishImport)
	loaders.Wait()
	j.replay(again, x.from)
	if again.Digest() != s.Digest() {
		t.Error("the digests differ")
	}
	if err := again.checkInvariants(); err != nil {
		t.Error(err)
	}
}

// scribble changes keys in groups, of which it takes some back.
func scribble(s *Store, seed int) {
	var tx Tx
	r := rand.New(rand.NewPCG(1, uint64(seed)))
	for i := range 1500 {
		var keys [3][]byte
		s.Begin(&tx, epoch+int64(i))
		for k := range keys {
			keys[k] = fmt.Append(nil, "key", r.IntN(5000))
			tx.Declare(0, keys[k])
		}
		tx.Lock()
		tx.Atomic()
		for k, kind := range []effect.Kind{effect.Set, effect.Patch, effect.Delete} {
			tx.Apply(effect.Effect{Kind: kind, Key: keys[k], Value: []byte("after"), Offset: k})
		}
		if i%7 == 0 {
			tx.Rollback()
		}
		tx.Unlock()
		if seed == 0 { // one caller at a time
			s.Maintain(epoch+int64(i), 10)
		}
	}
}

// FuzzReplay: whatever a record or a block says, the store stays whole.
func FuzzReplay(f *testing.F) {
	var record []byte
	for _, e := range []effect.Effect{
		{Kind: effect.Set, Key: []byte("a"), Value: []byte("v"), Version: 1, Deadline: epoch},
		{Kind: effect.Patch, Key: []byte("a"), Offset: 40_000, Value: []byte("w"), Version: 2},
		{Kind: effect.Deadline, Key: []byte("a"), Version: 3, Deadline: epoch + 1},
		{Kind: effect.Swap, DB: 0, Other: 1}, {Kind: effect.Delete, DB: 1, Key: []byte("a")},
		{Kind: effect.FlushAll},
	} {
		one := effect.Append(nil, &e)
		f.Add(one)
		record = append(record, one...)
		f.Add(record)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s := newStore(t, Options{Shards: 2, Seed: 7})
		for rest := b; len(rest) > 0; { // what takes more than 1 MiB is right but slow
			e, more, err := effect.Decode(rest)
			if err != nil {
				break
			}
			if e.Offset > 1<<20 {
				t.Skip()
			}
			rest = more
		}
		_, err := s.ReplayRecord(epoch, b)
		if imported := s.Import(epoch, b); err != nil && imported == nil {
			t.Fatalf("imported what replay refuses: %v", err)
		}
		s.FinishImport()
		if err := s.checkInvariants(); err != nil {
			t.Fatal(err)
		}
	})
}

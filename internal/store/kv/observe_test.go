package kv

import (
	"bytes"
	"fmt"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/synapdb/synap/internal/effect"
)

// observed is an Observer that remembers what it was told, and wants to know of a key what its
// first letter says: nothing (n), the name (o), or all.
type observed struct{ calls []told }

type told struct {
	lsn     uint64
	now     int64
	changes []Change
}

func interestIn(key []byte) Interest {
	switch {
	case bytes.HasPrefix(key, []byte("n")):
		return NoInterest
	case bytes.HasPrefix(key, []byte("o")):
		return NameOnly
	}
	return WholeValue
}

func (o *observed) Interest(_ uint8, key []byte) Interest { return interestIn(key) }

func (o *observed) Changed(lsn uint64, now int64, changes []Change) bool {
	o.calls = append(o.calls, told{lsn, now, changes})
	return true
}

// expected is what must be told of one effect.
type expected struct {
	effect.Effect
	created bool
	place   int
}

// bystander is a plain twin of the store that knows what must be told.
type bystander struct {
	now  int64
	db   [Databases]map[string]twinEntry
	want []expected // of the present Tx
	n    int        // effects of it
}

func (b *bystander) clone() *bystander {
	c := &bystander{now: b.now, n: b.n, want: append([]expected(nil), b.want...)}
	for db := range b.db {
		c.db[db] = map[string]twinEntry{}
		for key, e := range b.db[db] {
			e.value = bytes.Clone(e.value)
			c.db[db][key] = e
		}
	}
	return c
}

func (b *bystander) tell(e effect.Effect, created bool) {
	place := b.n
	b.n++
	interest := WholeValue
	if e.Kind != effect.Flush && e.Kind != effect.FlushAll && e.Kind != effect.Swap {
		interest = interestIn(e.Key)
	}
	if interest == NoInterest {
		return
	}
	if interest == NameOnly || len(e.Value) > MostObserved {
		e.Value = nil
	}
	b.want = append(b.want, expected{e, created, place})
}

// look collects the key if it has expired.
func (b *bystander) look(db uint8, key string) (twinEntry, bool) {
	have, found := b.db[db][key]
	if found && have.deadline != 0 && have.deadline <= b.now {
		b.apply(effect.Effect{Kind: effect.Expire, DB: db, Key: []byte(key)})
		return twinEntry{}, false
	}
	return have, found
}

func (b *bystander) apply(e effect.Effect) {
	key := string(e.Key)
	switch e.Kind {
	case effect.Set, effect.Patch:
		have, found := b.look(e.DB, key)
		have.version++
		if e.Kind == effect.Set {
			have.value, have.deadline = bytes.Clone(e.Value), e.Deadline
		} else {
			if short := e.Offset + len(e.Value) - len(have.value); short > 0 {
				have.value = append(have.value, make([]byte, short)...)
			}
			copy(have.value[e.Offset:], e.Value)
		}
		b.db[e.DB][key] = have
		e.Version, e.Value = have.version, append([]byte{}, have.value...)
		b.tell(e, !found)
	case effect.Deadline:
		if have, found := b.look(e.DB, key); found {
			have.version++
			have.deadline = e.Deadline
			b.db[e.DB][key] = have
			e.Version = have.version
			b.tell(e, false)
		}
	case effect.Flush, effect.FlushAll:
		for db := range b.db {
			if e.Kind == effect.FlushAll || db == int(e.DB) {
				b.db[db] = map[string]twinEntry{}
			}
		}
		b.tell(e, true)
	case effect.Swap:
		if e.DB != e.Other {
			b.db[e.DB], b.db[e.Other] = b.db[e.Other], b.db[e.DB]
			b.tell(e, true)
		}
	default:
		if _, found := b.db[e.DB][key]; found {
			delete(b.db[e.DB], key)
			b.tell(e, false)
		}
	}
}

// observing drives a store and its bystander.
type observing struct {
	s       *Store
	o       *observed
	b       *bystander
	journal *recorder // nil: there is none
}

func newObserving(t *rapid.T) *observing {
	o := &observing{s: newStore(t, Options{Seed: 7}), o: new(observed),
		b: (&bystander{now: epoch}).clone()}
	if rapid.Bool().Draw(t, "journal") {
		o.journal = &recorder{t: t}
		o.s.SetJournal(o.journal)
	}
	o.s.SetObserver(o.o)
	o.s.Observe(true)
	return o
}

func (o *observing) drawKey(t *rapid.T) []byte {
	return []byte(rapid.SampledFrom([]string{"n", "o1", "o2", "", "a", "b", "c", "d"}).
		Draw(t, "key"))
}

func (o *observing) drawEffect(t *rapid.T, whole bool) effect.Effect {
	e := effect.Effect{DB: drawDB(t), Key: o.drawKey(t), Cause: rapid.SampledFrom(
		[]effect.Cause{effect.Unsaid, effect.ByAppend}).Draw(t, "cause")}
	size := func() []byte {
		n := rapid.OneOf(rapid.IntRange(0, 50), rapid.IntRange(MostObserved-2, MostObserved+2),
			rapid.IntRange(maxInline-2, maxInline+2)).Draw(t, "size")
		return bytes.Repeat([]byte{byte(rapid.IntRange('a', 'z').Draw(t, "fill"))}, n)
	}
	kinds := []effect.Kind{effect.Set, effect.Set, effect.Patch, effect.Patch, effect.Delete,
		effect.Deadline, effect.Evict}
	if whole {
		kinds = append(kinds, effect.Flush, effect.FlushAll, effect.Swap)
	}
	deadline := rapid.SampledFrom([]int64{0, 0, o.b.now + 100, o.b.now + 1})
	switch e.Kind = rapid.SampledFrom(kinds).Draw(t, "kind"); e.Kind {
	case effect.Set:
		e.Value, e.Deadline = size(), deadline.Draw(t, "deadline")
	case effect.Patch:
		e.Value, e.Offset = size(), rapid.IntRange(0, 200).Draw(t, "at")
	case effect.Deadline:
		e.Deadline = deadline.Draw(t, "deadline")
	case effect.Flush, effect.FlushAll, effect.Swap:
		e.Key, e.Other = nil, drawDB(t)
		if e.Kind == effect.FlushAll {
			e.DB = 0 // it has none
		}
	}
	return e
}

// tx runs a transaction, parts of which may be taken back.
func (o *observing) tx(t *rapid.T) {
	atomic := rapid.Bool().Draw(t, "atomic")
	back := atomic && rapid.Bool().Draw(t, "rollback")
	o.b.want, o.b.n = nil, 0
	var tx Tx
	func() {
		o.s.Begin(&tx, o.b.now)
		tx.DeclareAll()
		tx.Lock()
		defer tx.Unlock() // even if a draw ends the run
		o.some(t, &tx, true)
		if !atomic {
			return
		}
		before := o.b.clone()
		tx.Atomic()
		o.some(t, &tx, false)
		if back {
			tx.Rollback()
			o.b = before
			o.some(t, &tx, true)
		}
	}()
	o.check(t, o.take(t))
	if tx.Crowded() != (len(o.b.want) > 0) {
		t.Fatalf("crowded is %v", tx.Crowded())
	}
}

// some applies effects, and reads, which may collect a key.
func (o *observing) some(t *rapid.T, tx *Tx, whole bool) {
	for range rapid.IntRange(0, 5).Draw(t, "n") {
		if rapid.IntRange(0, 5).Draw(t, "read") == 0 {
			db, key := drawDB(t), o.drawKey(t)
			tx.Get(db, key)
			o.b.look(db, string(key))
			continue
		}
		e := o.drawEffect(t, whole)
		tx.Apply(e)
		o.b.apply(e)
	}
}

// take is what was told of one Tx at most.
func (o *observing) take(t *rapid.T) []Change {
	calls := o.o.calls
	o.o.calls = nil
	switch len(calls) {
	case 0:
		return nil
	case 1:
	default:
		t.Fatalf("one Tx was told of %d times", len(calls))
	}
	o.checkCall(t, calls[0])
	return calls[0].changes
}

func (o *observing) checkCall(t *rapid.T, c told) {
	if c.now != o.b.now {
		t.Fatalf("told at %d, not %d", c.now, o.b.now)
	}
	if o.journal == nil {
		if c.lsn != 0 {
			t.Fatalf("record %d of no journal", c.lsn)
		}
		return
	}
	var all []effect.Effect
	for rest := o.journal.records[c.lsn-1].payload; len(rest) > 0; {
		var e effect.Effect
		e, rest, _ = effect.Decode(rest)
		all = append(all, e)
	}
	for i := range c.changes {
		got := &c.changes[i]
		e := all[got.Place]
		if got.Kind != e.Kind || got.DB != e.DB || !bytes.Equal(got.Key, e.Key) ||
			got.Version != e.Version || got.Cause != e.Cause {
			t.Fatalf("part %d of record %d is %+v, not %+v", got.Place, c.lsn, e, got)
		}
	}
}

func (o *observing) check(t *rapid.T, got []Change) {
	if len(got) != len(o.b.want) {
		t.Fatalf("told %d changes, want %d", len(got), len(o.b.want))
	}
	for i, want := range o.b.want {
		g := &got[i]
		if g.Kind != want.Kind || g.DB != want.DB || g.Other != want.Other ||
			!bytes.Equal(g.Key, want.Key) || g.Version != want.Version ||
			g.Deadline != want.Deadline || g.Cause != want.Cause || g.Created != want.created ||
			o.journal != nil && g.Place != want.place {
			t.Fatalf("change %d: %s, want %s", i, show(&g.Effect), show(&want.Effect))
		}
		if (g.Value == nil) != (want.Value == nil) || !bytes.Equal(g.Value, want.Value) {
			t.Fatalf("change %d, %s: the value has %d bytes (nil: %v), want %d (%v)", i,
				show(&g.Effect), len(g.Value), g.Value == nil, len(want.Value), want.Value == nil)
		}
	}
}

func show(e *effect.Effect) string {
	return fmt.Sprintf("kind %d db %d/%d key %q version %d deadline %d cause %s", e.Kind, e.DB,
		e.Other, e.Key, e.Version, e.Deadline, e.Cause)
}

// alone checks what the store did by itself: which keys, it decides.
func (o *observing) alone(t *rapid.T, kind effect.Kind, may func(twinEntry) bool) {
	calls := o.o.calls
	o.o.calls = nil
	for _, c := range calls {
		o.checkCall(t, c)
		for i := range c.changes {
			g := &c.changes[i]
			have, found := o.b.db[g.DB][string(g.Key)]
			if g.Kind != kind || !found || !may(have) {
				t.Fatalf("the store did %s; there is %+v, %v", show(&g.Effect), have, found)
			}
			delete(o.b.db[g.DB], string(g.Key))
		}
	}
	// Keys nobody was told of went too.
	for db := range o.b.db {
		for key := range o.b.db[db] {
			if sp := o.space(uint8(db), key); !sp && interestIn([]byte(key)) != NoInterest {
				t.Fatalf("nobody was told that %q of %d went", key, db)
			} else if !sp {
				delete(o.b.db[db], key)
			}
		}
	}
}

// space says whether the store has an entry, expired or not.
func (o *observing) space(db uint8, key string) (has bool) {
	o.s.with(o.b.now, db, key, func(tx *Tx) {
		_, ref := tx.look(db, o.s.hash.of([]byte(key)), []byte(key))
		has = ref != 0
	})
	return has
}

func TestObserversAreToldEveryChange(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		o := newObserving(t)
		t.Repeat(map[string]func(*rapid.T){
			"tx": o.tx, "tx2": o.tx, "tx3": o.tx,
			"time": func(t *rapid.T) { o.b.now += rapid.Int64Range(0, 150).Draw(t, "ms") },
			"maintain": func(t *rapid.T) {
				o.s.Maintain(o.b.now, 20_000)
				o.alone(t, effect.Expire, func(e twinEntry) bool {
					return e.deadline != 0 && e.deadline <= o.b.now
				})
			},
			"evict": func(t *rapid.T) {
				o.s.SetMemoryLimit(1, AllKeysRandom)
				_ = o.s.evict(o.s.used()-1, AllKeysRandom, o.b.now)
				o.s.SetMemoryLimit(0, NoEviction)
				o.alone(t, effect.Evict, func(twinEntry) bool { return true })
			},
			"replay": func(t *rapid.T) { // of what others did is nobody told
				e := effect.Effect{Kind: effect.Set, Key: []byte("z"), Version: 3}
				if _, err := o.s.ReplayRecord(o.b.now, effect.Append(nil, &e)); err != nil {
					t.Fatal(err)
				}
				o.b.db[0]["z"] = twinEntry{version: 3}
				o.check(t, o.take(t))
			},
			"": func(t *rapid.T) { o.b.want = nil },
		})
	})
}

// One Tx can change a long value many times, as BITFIELD does: values that observers are given are
// bounded all the same. What was rolled back leaves no memory with the connection.
func TestValuesToldOfOneTxAreBounded(t *testing.T) {
	t.Parallel()
	s := newStore(t, Options{})
	o := new(observed)
	s.SetObserver(o)
	s.Observe(true)
	key := []byte("a")
	s.set(epoch, 0, "a", bytes.Repeat([]byte("x"), MostObserved), 0)
	o.calls = nil
	var tx Tx
	s.Begin(&tx, epoch)
	tx.Declare(0, key)
	tx.Lock()
	const many = 2 * MostObservedTx / MostObserved
	for range many {
		tx.Apply(effect.Effect{Kind: effect.Patch, Key: key, Value: []byte("y")})
	}
	tx.Unlock()
	changes, bytes := o.calls[0].changes, 0
	for i := range changes {
		bytes += len(changes[i].Value)
	}
	for i := range changes { // a key may have 64 KiB
		if &changes[i].Key[0] != &changes[0].Key[0] {
			t.Fatal("changes of one key have a copy of it each")
		}
	}
	if len(changes) != many || bytes > MostObservedTx || bytes < MostObservedTx/2 {
		t.Errorf("%d of %d changes told, with values of %d bytes", len(changes), many, bytes)
	}
	s.Begin(&tx, epoch)
	tx.Declare(0, key)
	tx.Lock()
	tx.Atomic()
	tx.Apply(effect.Effect{Kind: effect.Patch, Key: key, Value: []byte("z")})
	tx.Rollback()
	tx.Apply(effect.Effect{Kind: effect.Patch, Key: key, Value: []byte("z")})
	tx.Unlock()
	if c := o.calls[1].changes; len(c) != 1 || len(c[0].Value) != MostObserved {
		t.Errorf("told %d changes of the next transaction", len(c))
	}
	s.Begin(&tx, epoch)
	tx.Declare(0, key)
	tx.Lock()
	tx.Atomic()
	tx.Apply(effect.Effect{Kind: effect.Patch, Key: key, Value: []byte("z")})
	tx.Rollback()
	tx.Unlock()
	if tx.changes != nil {
		t.Error("a connection keeps the changes of what was rolled back")
	}
}

// Whoever starts to observe and waits for the Barrier is told of all records behind the last.
func TestNothingSlipsThroughTheBarrier(t *testing.T) {
	t.Parallel()
	s := newStore(t, Options{})
	j := new(counting)
	s.SetJournal(j)
	o := new(sequence)
	s.SetObserver(o)
	var stop sync.WaitGroup
	done := make(chan struct{})
	for i := range 4 {
		stop.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-done:
					return
				default:
					s.set(epoch, 0, fmt.Sprint("key", (i*7+n)%50), []byte("v"), 0)
				}
			}
		})
	}
	for range 200 {
		s.Observe(true)
		s.Barrier()
		from := j.last()
		for j.last() < from+20 {
			s.set(epoch, 0, "mine", []byte("v"), 0)
		}
		s.Barrier()
		s.Observe(false)
		s.Barrier()
		got := o.take()
		for i := range got {
			if i > 0 && got[i] <= got[i-1] {
				t.Fatalf("record %d was told behind %d", got[i], got[i-1])
			}
		}
		for lsn := from + 1; lsn <= from+20; lsn++ {
			if !contains(got, lsn) {
				t.Fatalf("record %d behind %d was not told: %d", lsn, from, got)
			}
		}
	}
	close(done)
	stop.Wait()
}

func contains(all []uint64, one uint64) bool {
	for _, n := range all {
		if n == one {
			return true
		}
	}
	return false
}

// counting is a journal that only counts.
type counting struct {
	sync.Mutex
	n uint64
}

func (c *counting) Append(int64, []byte) uint64 {
	c.Lock()
	defer c.Unlock()
	c.n++
	return c.n
}

func (c *counting) Admit(int) error { return nil }

func (c *counting) last() uint64 {
	c.Lock()
	defer c.Unlock()
	return c.n
}

// sequence remembers the records it was told of.
type sequence struct {
	sync.Mutex
	all []uint64
}

func (*sequence) Interest(uint8, []byte) Interest { return NameOnly }

func (o *sequence) Changed(lsn uint64, _ int64, _ []Change) bool {
	o.Lock()
	defer o.Unlock()
	o.all = append(o.all, lsn)
	return false
}

func (o *sequence) take() []uint64 {
	o.Lock()
	defer o.Unlock()
	all := o.all
	o.all = nil
	return all
}

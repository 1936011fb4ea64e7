package watchcmd

import (
	"bytes"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/synapdb/synap/internal/clock"
	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/store/kv"
	"github.com/synapdb/synap/internal/store/pubsub"
)

// tape is a journal in memory; of command.Persistence it has what watches use.
type tape struct {
	command.Persistence
	records [][]byte
	written uint64
	readers []*player
}

func (j *tape) Append(_ int64, effects []byte) uint64 {
	j.records = append(j.records, bytes.Clone(effects))
	return j.Last()
}

func (j *tape) Admit(int) error { return nil }
func (j *tape) Last() uint64    { return uint64(len(j.records)) }

func (j *tape) Commit(upTo uint64, _ command.Level) error {
	j.written = max(j.written, upTo)
	return nil
}

func (j *tape) History(from uint64) command.History {
	p := &player{tape: j, next: from, far: true}
	j.readers = append(j.readers, p)
	return p
}

// player reads a tape. What it has lent is spoilt when it rests, and the next record is far away
// once.
type player struct {
	*tape
	next   uint64
	lent   []byte
	awake  bool
	far    bool
	closed bool
}

func (p *player) spoil() {
	for i := range p.lent {
		p.lent[i] = 0xee
	}
	p.lent = nil
}

func (p *player) Next() (r command.Record, ok bool, err error) {
	p.spoil()
	if p.next > p.written {
		return r, false, nil
	}
	p.awake = true
	p.lent = bytes.Clone(p.records[p.next-1])
	p.next++
	return command.Record{LSN: p.next - 1, Effects: p.lent}, true, nil
}

func (p *player) Advance(most int) (there bool, err error) {
	p.awake = true
	if p.far && most > 0 {
		p.far = false
		return false, nil
	}
	return most > 0, nil
}

func (p *player) Rest(again bool) {
	p.spoil()
	p.awake = false
	if again {
		p.next--
	}
}

func (p *player) Close() error {
	p.Rest(false)
	p.closed = true
	return nil
}

type deaf struct{}

func (deaf) Wake() {}

// rehearsal is an engine over a tape, and what watchers of `a*` must be told.
type rehearsal struct {
	e    *command.Engine
	j    *tape
	want []string // ids
}

func newRehearsal(t *rapid.T) *rehearsal {
	s, err := kv.New(kv.Options{Shards: 2})
	if err != nil {
		t.Fatal(err)
	}
	j := new(tape)
	s.SetJournal(j)
	topics := command.NewTopics(pubsub.Options{})
	e := &command.Engine{Store: s, Topics: topics, Watches: command.NewWatches(s, topics),
		Persistence: j, Clock: clock.Real{}}
	return &rehearsal{e: e, j: j}
}

// write is one record of some effects.
func (r *rehearsal) write(t *rapid.T) {
	var tx kv.Tx
	r.e.Store.Begin(&tx, 1)
	tx.DeclareAll()
	tx.Lock()
	lsn := r.j.Last() + 1
	for place := range rapid.IntRange(1, 5).Draw(t, "effects") {
		key := rapid.SampledFrom([]string{"a1", "a2", "b"}).Draw(t, "key")
		size := rapid.SampledFrom([]int{0, 10, sliceBytes / 2, 2 * sliceBytes}).Draw(t, "size")
		tx.Apply(effect.Effect{Kind: effect.Set, Key: []byte(key), Value: make([]byte, size)})
		if key != "b" {
			r.want = append(r.want, fmt.Sprintf("%d-%d", lsn, place))
		}
	}
	tx.Unlock()
}

// However a watch's turns fall, it is told every change behind its place once, in order, and keeps
// nothing of the journal between them but few long records.
func TestWatchesReadTheJournalInTurns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := newRehearsal(t)
		defer func() { _ = r.e.Store.Close() }()
		for range rapid.IntRange(1, 20).Draw(t, "before") {
			r.write(t)
		}
		from := Position{rapid.Uint64Range(0, r.j.Last()).Draw(t, "lsn"),
			rapid.SampledFrom([]int{0, 1, 2, wholeRecord}).Draw(t, "place")}
		if rapid.Bool().Draw(t, "crowd") { // others hold long records
			held.Add(mostHeld)
			defer held.Add(-mostHeld)
		}
		before := held.Load()
		w := new(KeyWatch)
		if _, err := w.Open(r.e, &Options{Patterns: [][]byte{[]byte("a*")}, From: &from,
			Waker: deaf{}}, 1); err != nil {
			t.Fatal(err)
		}
		var got []string
		more := true
		for round := 0; more || round < 10; round++ {
			if round > 10_000 {
				t.Fatal("the watch never catches up")
			}
			var err error
			most := rapid.SampledFrom([]int{1, 100, sliceBytes}).Draw(t, "most")
			more, err = w.Pull(r.e, most, func(m *pubsub.Message) {
				got = append(got, string(m.AppendID(nil)))
			})
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range r.j.readers {
				if p.awake && held.Load() == before {
					t.Fatal("the journal is held open between two turns")
				}
			}
			if round < 10 && rapid.Bool().Draw(t, "write") {
				r.write(t)
				more = true
			}
		}
		var want []string
		for _, id := range r.want {
			at, err := ParsePosition([]byte(id))
			if err != nil {
				t.Fatal(err)
			}
			if !from.covers(at.LSN, at.Place) {
				want = append(want, id)
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("behind %+v it was told %v, not %v", from, got, want)
		}
		w.Close(r.e)
		if held.Load() != before || !r.j.readers[0].closed {
			t.Errorf("%d bytes are held at the end", held.Load()-before)
		}
	})
}

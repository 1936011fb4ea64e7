package assembly

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/synapdb/synap/internal/clock"
	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/command/watchcmd"
	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/errs"
	"github.com/synapdb/synap/internal/journal"
	"github.com/synapdb/synap/internal/persist"
	"github.com/synapdb/synap/internal/store"
	"github.com/synapdb/synap/internal/store/kv"
	"github.com/synapdb/synap/internal/store/pubsub"
	"github.com/synapdb/synap/internal/vfs"
)

// tester is what helpers need of *testing.T and *rapid.T.
type tester interface {
	Helper()
	Fatalf(format string, args ...any)
	Cleanup(func())
}

// chronicle is an engine over a journal of small segments.
type chronicle struct {
	t tester
	*command.Engine
	data *persist.Manager
	// The twin: versions of keys, and all that must be told, in order.
	versions map[string]uint32
	told     []chapter
}

// chapter is an event as it must be told from the journal.
type chapter struct {
	from         watchcmd.Position
	key, id, say string
}

func newChronicle(t tester) *chronicle {
	t.Helper()
	m, err := persist.Open(persist.Options{FS: vfs.NewMemory(1), Dir: "/data", Level: journal.OS,
		SyncEvery: time.Hour, SegmentBytes: journal.MinSegmentBytes, Keep: 1,
		Clock: clock.Real{}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatalf("%v", err)
	}
	keys, err := kv.New(kv.Options{Shards: 4, Seed: m.Seed()})
	if err != nil {
		t.Fatalf("%v", err)
	}
	if _, err := m.Recover(context.Background(), store.Stores{Keys: keys}); err != nil {
		t.Fatalf("%v", err)
	}
	c := &chronicle{t: t, data: m, versions: map[string]uint32{},
		Engine: &command.Engine{Store: keys, Clock: clock.Real{}, Persistence: durability{m},
			Topics: command.NewTopics(pubsub.Options{})}}
	c.Watches = command.NewWatches(keys, c.Topics)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patient)
		defer cancel()
		if err := m.Close(ctx); err != nil {
			t.Fatalf("%v", err)
		}
		_ = keys.Close()
	})
	return c
}

// record applies effects as one transaction.
func (c *chronicle) record(effects ...effect.Effect) (lsn uint64) {
	var tx kv.Tx
	c.Store.Begin(&tx, 1000)
	tx.DeclareAll()
	tx.Lock()
	for _, e := range effects {
		tx.Apply(e)
	}
	tx.Unlock()
	return tx.LSN()
}

// write records effects and notes what must be told of them.
func (c *chronicle) write(effects ...effect.Effect) {
	lsn := c.record(effects...)
	for place, e := range effects {
		key := string(e.Key)
		rest := ""
		c.versions[key]++
		switch e.Kind {
		case effect.Set:
			rest = fmt.Sprintf(`"event":"set","version":%d,"value":"%s"`, c.versions[key], e.Value)
			if len(e.Value) > kv.MostObserved {
				rest = fmt.Sprintf(`"event":"set","version":%d,"truncated":true`, c.versions[key])
			}
		case effect.Patch:
			rest = fmt.Sprintf(`"event":"append","version":%d,"truncated":true`, c.versions[key])
		case effect.Delete:
			delete(c.versions, key)
			rest = `"event":"del","version":0`
		case effect.Flush:
			c.versions = map[string]uint32{}
			rest = `"event":"flush","version":0`
		}
		c.told = append(c.told, chapter{watchcmd.Position{LSN: lsn, Place: place}, key,
			fmt.Sprintf("%d-%d", lsn, place),
			fmt.Sprintf(`{"key":"%s",%s,"lsn":%d}`, key, rest, lsn)})
	}
}

func (c *chronicle) draw(t *rapid.T) (e effect.Effect) {
	e.Key = []byte(rapid.SampledFrom([]string{"user:1", "user:2", "a.b", "x"}).Draw(t, "key"))
	size := rapid.OneOf(rapid.IntRange(0, 10), rapid.IntRange(0, 5000),
		rapid.SampledFrom([]int{20_000, kv.MostObserved + 1})).Draw(t, "size")
	value := []byte(strings.Repeat("v", size))
	_, there := c.versions[string(e.Key)]
	switch rapid.IntRange(0, 9).Draw(t, "kind") {
	case 0, 1:
		if there {
			e.Kind = effect.Delete
			return e
		}
	case 2:
		e.Kind, e.Value, e.Cause = effect.Patch, value, effect.ByAppend
		return e
	case 3:
		return effect.Effect{Kind: effect.Flush}
	}
	e.Kind, e.Value = effect.Set, value
	return e
}

// drawAll draws a transaction.
func (c *chronicle) drawAll(t *rapid.T) (all []effect.Effect) {
	kept := c.versions
	c.versions = maps.Clone(kept)
	for range rapid.IntRange(1, 4).Draw(t, "effects") {
		e := c.draw(t)
		all = append(all, e)
		switch e.Kind { // what there is decides what may come next
		case effect.Delete:
			delete(c.versions, string(e.Key))
		case effect.Flush:
			c.versions = map[string]uint32{}
		default:
			c.versions[string(e.Key)]++
		}
	}
	c.versions = kept
	return all
}

// bell is a Waker that can be waited for.
type bell chan struct{}

func (b bell) Wake() {
	select {
	case b <- struct{}{}:
	default:
	}
}

// reader is a watch and what it was told.
type reader struct {
	watchcmd.KeyWatch
	c     *chronicle
	wake  bell
	start uint64
	ids   []string
	texts []string
}

// open begins a watch; nil: from now on.
func (c *chronicle) open(from *watchcmd.Position, patterns ...string) (*reader, error) {
	r := &reader{c: c, wake: make(bell, 1)}
	o := watchcmd.Options{From: from, Waker: r.wake}
	for _, p := range patterns {
		o.Patterns = append(o.Patterns, []byte(p))
	}
	var err error
	if r.start, err = r.Open(c.Engine, &o, 1000); err != nil {
		r.Close(c.Engine)
		return nil, err
	}
	return r, nil
}

// pull takes what there is.
func (r *reader) pull(most int) error {
	for {
		more, err := r.Pull(r.c.Engine, most, func(m *pubsub.Message) {
			r.ids = append(r.ids, string(m.AppendID(nil)))
			r.texts = append(r.texts, string(m.Payload))
		})
		if err != nil || !more {
			return err
		}
	}
}

// From whatever place in a history, a watch tells exactly what is behind it, across files, and then
// what happens next.
func TestAWatchBeginsAnywhereInAHistory(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := newChronicle(t)
		for range rapid.IntRange(0, 12).Draw(t, "records") {
			c.write(c.drawAll(t)...)
		}
		pattern := rapid.SampledFrom([]string{"#", "user:*", "a.*", "x"}).Draw(t, "pattern")
		match := map[string]func(string) bool{
			"#":      func(string) bool { return true },
			"user:*": func(k string) bool { return strings.HasPrefix(k, "user:") },
			"a.*":    func(k string) bool { return k == "a.b" },
			"x":      func(k string) bool { return k == "x" },
		}[pattern]
		most := rapid.SampledFrom([]int{1, 1000, 1 << 20}).Draw(t, "most")
		places := []watchcmd.Position{{LSN: 0, Place: 0}}
		for _, ch := range c.told {
			whole, err := watchcmd.ParsePosition(fmt.Append(nil, ch.from.LSN))
			if err != nil {
				t.Fatalf("%v", err)
			}
			places = append(places, ch.from, whole)
		}
		var open []*reader
		var want [][]chapter
		for i := range places {
			r, err := c.open(&places[i], pattern)
			if err != nil {
				t.Fatalf("from %+v: %v", places[i], err)
			}
			var behind []chapter
			for _, ch := range c.told {
				p := ch.from
				if (p.LSN > places[i].LSN || p.LSN == places[i].LSN && p.Place > places[i].Place) &&
					(ch.key == "" || match(ch.key)) {
					behind = append(behind, ch)
				}
			}
			open, want = append(open, r), append(want, behind)
		}
		n := len(c.told)
		if rapid.Bool().Draw(t, "pull first") {
			c.compare(t, open, want, most)
		}
		c.write(effect.Effect{Kind: effect.Set, Key: []byte("x"), Value: []byte("last")},
			effect.Effect{Kind: effect.Set, Key: []byte("user:1"), Value: []byte("last")})
		for i := range want {
			for _, ch := range c.told[n:] {
				if match(ch.key) {
					want[i] = append(want[i], ch)
				}
			}
		}
		c.compare(t, open, want, most)
		for _, r := range open {
			r.Close(c.Engine)
		}
		if c.Store.Observed() {
			t.Fatalf("the store is observed for nobody")
		}
	})
}

func (c *chronicle) compare(t *rapid.T, open []*reader, want [][]chapter, most int) {
	for i, r := range open {
		if err := r.pull(most); err != nil {
			t.Fatalf("%v", err)
		}
		if len(r.ids) != len(want[i]) {
			t.Fatalf("from place %d: %d events, want %d", i, len(r.ids), len(want[i]))
		}
		for j, ch := range want[i] {
			if r.ids[j] != ch.id || r.texts[j] != ch.say {
				t.Fatalf("from place %d: %s %.90s, want %s %.90s", i, r.ids[j], r.texts[j],
					ch.id, ch.say)
			}
		}
	}
}

// While others write, watches go from the journal to live without a gap or a double, in order.
func TestAWatchGoesLiveWhileOthersWrite(t *testing.T) {
	const writers, each = 4, 3000
	c := newChronicle(t)
	var writing sync.WaitGroup
	for i := range writers {
		writing.Go(func() {
			for n := range each {
				c.record(effect.Effect{Kind: effect.Set, Key: fmt.Append(nil, "w", i),
					Value: fmt.Appendf(nil, "%06d", n)})
				if n%100 == 0 {
					_ = c.Commit(command.OSLevel)
				}
			}
		})
	}
	var reading sync.WaitGroup
	for i := range 6 {
		reading.Go(func() {
			until(t, "nothing is written", func() bool {
				return c.Persistence.Last() > uint64(i*500)
			})
			at := c.Persistence.Last() / 2
			from, _ := watchcmd.ParsePosition(fmt.Append(nil, at))
			r, err := c.open(&from, "#")
			if err != nil {
				t.Error(err)
				return
			}
			defer r.Close(c.Engine)
			for next := int(at) + 1; next <= writers*each; {
				r.ids = r.ids[:0]
				if err := r.pull(10_000); err != nil {
					t.Error(err)
					return
				}
				for _, id := range r.ids {
					if want := fmt.Sprint(next, "-0"); id != want {
						t.Errorf("got %s, want %s", id, want)
						return
					}
					next++
				}
				if next <= writers*each {
					<-r.wake
				}
			}
		})
	}
	writing.Wait()
	reading.Wait()
}

// What a watch can't read any more it says, before it begins or in the middle.
func TestAWatchSaysThatItsHistoryIsGone(t *testing.T) {
	c := newChronicle(t)
	fill := func() {
		for range 60 {
			c.record(effect.Effect{Kind: effect.Set, Key: []byte("k"),
				Value: []byte(strings.Repeat("v", 4000))})
		}
	}
	fill()
	at := func(lsn uint64) *watchcmd.Position {
		p, _ := watchcmd.ParsePosition(fmt.Append(nil, lsn))
		return &p
	}
	r, err := c.open(at(0), "#")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close(c.Engine)
	if _, err := r.Pull(c.Engine, 1, func(*pubsub.Message) {}); err != nil {
		t.Fatal(err)
	}
	if err := c.Persistence.Save(context.Background()); err != nil {
		t.Fatal(err)
	}
	fill()
	if err := c.Persistence.Save(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := r.pull(1000); errs.Of(err) != errs.HistoryGone {
		t.Errorf("in the middle: %v", err)
	}
	if _, err := c.open(at(3), "#"); errs.Of(err) != errs.HistoryGone {
		t.Errorf("at the beginning: %v", err)
	}
	last := c.Persistence.Last()
	if _, err := c.open(at(last+1), "#"); errs.Of(err) != errs.HistoryGone ||
		!strings.Contains(err.Error(), fmt.Sprint("it ends at ", last)) {
		t.Errorf("behind the end: %v", err)
	}
	end, err := c.open(at(last), "#")
	if err != nil {
		t.Fatal(err)
	}
	end.Close(c.Engine)
}

// A reader that takes nothing is given up and told so; its peer may resume.
func TestASlowWatcherIsEnded(t *testing.T) {
	c := newChronicle(t)
	r, err := c.open(nil, "#")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close(c.Engine)
	r.Stall(true)
	for range 1025 {
		c.record(effect.Effect{Kind: effect.Set, Key: []byte("k"), Value: []byte("v")})
	}
	if err := r.pull(1000); errs.Of(err) != errs.Aborted ||
		err.Error() != "slow consumer: too many events were waiting" {
		t.Errorf("%v", err)
	}
	from, _ := watchcmd.ParsePosition(fmt.Append(nil, r.start))
	again, err := c.open(&from, "#")
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close(c.Engine)
	if err := again.pull(1000); err != nil || len(again.ids) != 1025 {
		t.Errorf("%d events, %v", len(again.ids), err)
	}
}

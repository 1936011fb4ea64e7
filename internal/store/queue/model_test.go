package queue

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/synapdb/synap/internal/effect"
)

// tester is what the helpers need of *testing.T and *rapid.T.
type tester interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Cleanup(func())
}

const epoch = 1_700_000_000_000

// tape is a journal in memory.
type tape struct {
	records []taped
	full    bool
}

type taped struct {
	time    int64
	payload []byte
}

var errTapeFull = errors.New("the tape is full")

func (j *tape) Append(timeMillis int64, payload []byte) uint64 {
	j.records = append(j.records, taped{timeMillis, bytes.Clone(payload)})
	return uint64(len(j.records))
}

func (j *tape) Admit(int) error {
	if j.full {
		return errTapeFull
	}
	return nil
}

// replay applies the records from number from to number to, which is not one of them.
func (j *tape) replay(t tester, s *Store, from, to int) {
	t.Helper()
	for i, r := range j.records[from:to] {
		if _, err := s.ReplayRecord(r.time, r.payload); err != nil {
			t.Fatalf("record %d: %v", from+i, err)
		}
	}
	s.FinishImport()
}

// model drives a store and its twin with the same calls.
type model struct {
	s     *Store
	w     *twin
	j     *tape
	steps int
	ids   []ID     // ever published
	given []uint64 // tokens ever
	taken []Lease  // deliveries ever

	seen    observed
	next    int64  // what Maintain said last
	alarmed bool   // the store said since that this is too late
	refresh func() // takes over what wakes have decided, when what was due is done
	late    bool   // time passed: the next call finds things due, no comparison must do them
}

// queueNames has names that exist now and then. The last one is never made.
var queueNames = []string{"a", "b", "c", "morgue", "absent"}

func modelDefaults() Settings {
	return Settings{
		MaxDepth: 1000, AckDeadline: 1000, MaxRetries: 2, Priority: 5, BackoffMilli: 2000,
		BackoffCap: 3000, DedupWindow: 400,
	}
}

func modelStore(t tester, shards int, seed uint64) *Store {
	return storeWithAlarm(t, shards, seed, func() {})
}

func storeWithAlarm(t tester, shards int, seed uint64, alarm func()) *Store {
	t.Helper()
	s, err := New(Options{Shards: shards, Defaults: modelDefaults(), Random: randomBits(seed),
		Alarm: alarm})
	if err != nil {
		t.Fatalf("%v", err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// randomBits are the same ones for the same seed, for several goroutines.
func randomBits(seed uint64) func() uint64 {
	r := rand.New(rand.NewPCG(seed, 1))
	var mu sync.Mutex
	return func() uint64 {
		mu.Lock()
		defer mu.Unlock()
		return r.Uint64()
	}
}

func newModel(t tester, shards int, seed uint64) *model {
	m := &model{j: new(tape), refresh: func() {}}
	m.s = storeWithAlarm(t, shards, seed, func() { m.alarmed = true })
	m.s.SetJournal(m.j)
	m.w = newTwin(m.s.Defaults())
	return m
}

// locked runs f with queues locked: those named, or all.
func (m *model) locked(f func(*Tx), names ...string) {
	m.seen.at = 0
	lockedAt(m.s, m.w.now, f, names...)
}

func lockedAt(s *Store, now int64, f func(*Tx), names ...string) {
	var tx Tx
	s.Begin(&tx, now)
	for _, name := range names {
		tx.Declare([]byte(name))
	}
	if len(names) == 0 {
		tx.DeclareAll()
	}
	tx.Lock()
	defer tx.Unlock()
	f(&tx)
}

func drawName(t *rapid.T) string {
	return rapid.SampledFrom([]string{"a", "a", "a", "b", "b", "c", "morgue", "absent"}).
		Draw(t, "queue")
}

func drawSettings(t *rapid.T) Settings {
	return Settings{
		MaxDepth:     rapid.SampledFrom([]int64{0, 0, 1, 3, 6}).Draw(t, "depth"),
		DropOldest:   rapid.Bool().Draw(t, "drop"),
		AckDeadline:  rapid.SampledFrom([]int64{0, 100, 5000}).Draw(t, "deadline"),
		MaxRetries:   rapid.SampledFrom([]uint32{0, 1, 3}).Draw(t, "retries"),
		Priority:     uint8(rapid.SampledFrom([]int{0, 1, 9}).Draw(t, "priority")),
		Prefetch:     rapid.SampledFrom([]uint32{0, 0, 1, 3}).Draw(t, "prefetch"),
		BackoffBase:  rapid.SampledFrom([]int64{0, 0, 50, 1000}).Draw(t, "base"),
		BackoffCap:   rapid.SampledFrom([]int64{0, 70, 1500}).Draw(t, "cap"),
		BackoffMilli: rapid.SampledFrom([]uint32{0, 1000, 1500}).Draw(t, "factor"),
		JitterMilli:  rapid.SampledFrom([]uint32{0, 200, 1000}).Draw(t, "jitter"),
		DeadLetter: rapid.SampledFrom([]string{"", "", "morgue", "morgue", "a", "absent"}).
			Draw(t, "target"),
		TTL:          rapid.SampledFrom([]int64{0, 0, 0, 300, 5000}).Draw(t, "ttl"),
		DedupWindow:  rapid.SampledFrom([]int64{0, 50, 2000}).Draw(t, "window"),
		SingleActive: rapid.IntRange(0, 3).Draw(t, "single") == 0,
	}
}

func drawMessage(t *rapid.T, now int64) *Message {
	in := &Message{
		Payload:    drawPayload(t),
		Form:       effect.PayloadForm(rapid.IntRange(0, 2).Draw(t, "form")),
		Priority:   rapid.SampledFrom([]int{-1, 0, 1, 5, 9, 12}).Draw(t, "priority"),
		MaxRetries: rapid.SampledFrom([]int{-1, 0, 1, 4}).Draw(t, "retries"),
		TTL:        rapid.SampledFrom([]int64{0, 0, 0, 1, 200, 1 << 37}).Draw(t, "ttl"),
	}
	if rapid.IntRange(0, 2).Draw(t, "delayed") == 0 {
		in.DeliverAt = now + rapid.Int64Range(-10, 600).Draw(t, "delay")
	}
	if rapid.IntRange(0, 2).Draw(t, "dedup") == 0 {
		in.Dedup = []byte(rapid.SampledFrom([]string{"x", "y", "z"}).Draw(t, "dedup"))
	}
	if rapid.IntRange(0, 3).Draw(t, "headers") == 0 {
		in.Headers = []byte(rapid.SampledFrom([]string{
			`{}`, `{"a":"b"}`, `{"x-dead-letter-id":"old","n":1}`, ` {"s":{"t":[1,2]}} `,
		}).Draw(t, "headers"))
	}
	return in
}

func drawPayload(t *rapid.T) []byte {
	n := rapid.OneOf(rapid.IntRange(0, 20), rapid.IntRange(0, 20), rapid.IntRange(0, 300),
		rapid.SampledFrom([]int{4000, 70_000, 10, 10, 10})).Draw(t, "bytes")
	b := bytes.Repeat([]byte{byte(rapid.IntRange(0, 255).Draw(t, "fill"))}, n)
	if n > 0 {
		b[n-1] = 'z'
	}
	return b
}

// drawID is mostly a message of the queue in the wanted state, sometimes any that ever was.
func (m *model) drawID(t *rapid.T, name string, state effect.MessageState) ID {
	var list []*twinMessage
	if q := m.w.queues[name]; q != nil {
		list = q.in(state)
	}
	switch rapid.IntRange(0, 9).Draw(t, "which id") {
	case 0:
		if len(m.ids) > 0 {
			return rapid.SampledFrom(m.ids).Draw(t, "id")
		}
		return ID{}
	case 1:
		return ID{rapid.Uint64().Draw(t, "incarnation"), rapid.Uint64().Draw(t, "number")}
	}
	if len(list) == 0 {
		return ID{}
	}
	return list[rapid.IntRange(0, len(list)-1).Draw(t, "message")].ID
}

// drawLease names a delivery: mostly the present one of a leased message.
func (m *model) drawLease(t *rapid.T, name string) *Lease {
	if len(m.taken) > 0 && rapid.IntRange(0, 5).Draw(t, "old") == 0 {
		l := m.taken[rapid.IntRange(0, len(m.taken)-1).Draw(t, "delivery")]
		return &l
	}
	l := &Lease{ID: m.drawID(t, name, effect.Leased)}
	var now *twinMessage
	if q := m.w.queues[name]; q != nil {
		now = q.find(l.ID)
	}
	switch rapid.IntRange(0, 5).Draw(t, "token") {
	case 0, 1, 2:
		if now != nil {
			l.Token = now.Token
		}
	case 3:
		l.Token = rapid.Uint64().Draw(t, "random token")
	}
	switch rapid.IntRange(0, 5).Draw(t, "as") {
	case 0, 1:
		if now != nil && now.Consumer != "" {
			l.Consumer = []byte(now.Consumer)
		}
	case 2:
		l.Consumer = []byte(drawConsumer(t))
	}
	return l
}

func drawConsumer(t *rapid.T) string {
	return rapid.SampledFrom([]string{"c1", "c1", "c2", "c3"}).Draw(t, "consumer")
}

func sameError(t tester, what string, err error, want string) {
	t.Helper()
	got := ""
	if err != nil {
		got = err.Error()
	}
	stale := strings.HasPrefix(want, "Stale lease:") && strings.HasPrefix(got, want)
	if got != want && !stale {
		t.Fatalf("%s: error %q, want %q", what, got, want)
	}
}

// fresh are tokens and ids: never zero, never twice.
func (m *model) fresh(t tester, token uint64) {
	if token == 0 || slices.Contains(m.given, token) {
		t.Fatalf("token %x is not fresh", token)
	}
	m.given = append(m.given, token)
}

func (m *model) newID(t tester, id ID) {
	if id == (ID{}) || slices.Contains(m.ids, id) {
		t.Fatalf("message id %v is not fresh", id)
	}
	text := AppendID(nil, id)
	if back, ok := ParseID(bytes.ToUpper(text)); !ok || back != id || len(text) != 36 {
		t.Fatalf("id %v is written %q and read %v", id, text, back)
	}
	m.ids = append(m.ids, id)
}

func TestQueuesAgainstModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := newModel(t, rapid.SampledFrom([]int{1, 2, 16}).Draw(t, "shards"),
			rapid.Uint64().Draw(t, "seed"))
		m.prepare(t)
		long(t, m.actions())
		m.replayed(t)
	})
}

// long is a history several times longer than those that rapid makes.
func long(t *rapid.T, actions map[string]func(*rapid.T)) {
	for range 5 {
		t.Repeat(actions)
	}
}

// events has everything that must happen in the model's runs sooner or later.
var events = []string{
	"publish to an absent queue", "duplicate", "duplicate of a message that is gone",
	"dedup window over", "full", "published with a delay", "nothing to drop", "oldest dropped",
	"kept dead letter", "dead letters' queue is absent", "dead letters' queue is full", "moved",
	"moved because of max_retries", "moved because of expired", "moved because of overflow",
	"moved because of rejected",
	"moved twice", "back-off", "back-off capped", "expired", "deliver of an absent queue",
	"deliver of a paused queue", "refused beside the active consumer", "active consumer replaced",
	"prefetch reached", "window reached", "delivery cut by bytes", "delivered by priority",
	"delivered again", "unknown message", "message not leased", "back in its old place",
	"old place purged", "token of a lease that is over", "stale token", "foreign consumer",
	"acknowledged", "rejected", "nacked", "extended", "detached", "lease over", "delay over",
	"purged", "redrive limited", "redriven", "named dead letter is none", "dead letter purged",
	"settings refused", "rolled back", "kept atomically",
}

// TestModelSeesEverything: the generator is worth nothing where it does not reach.
func TestModelSeesEverything(t *testing.T) {
	t.Parallel()
	seen := map[string]int{}
	missing := func() (list []string) {
		for _, e := range events {
			if seen[e] == 0 {
				list = append(list, e)
			}
		}
		return list
	}
	generator := rapid.Custom(func(t *rapid.T) map[string]int {
		m := newModel(t, 2, rapid.Uint64().Draw(t, "seed"))
		m.prepare(t)
		actions := m.actions()
		names := slices.Sorted(func(yield func(string) bool) {
			for name := range actions {
				if name != "" && !yield(name) {
					return
				}
			}
		})
		for range 150 {
			actions[rapid.SampledFrom(names).Draw(t, "action")](t)
		}
		return m.w.seen
	})
	for seed := 0; seed < 400 && len(missing()) > 0; seed++ {
		for e, n := range generator.Example(seed) {
			seen[e] += n
		}
	}
	if list := missing(); len(list) > 0 {
		t.Errorf("never happened: %q", list)
	}
}

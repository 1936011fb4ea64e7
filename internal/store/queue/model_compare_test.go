package queue

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"slices"

	"pgregory.net/rapid"

	"github.com/synapdb/synap/internal/effect"
)

var states = []effect.MessageState{
	effect.Ready, effect.Delayed, effect.Leased, effect.DeadLetter,
}

func peek(t tester, tx *Tx, name string, state effect.MessageState) []View {
	views, err := tx.Peek([]byte(name), state, ID{}, 1<<20, nil)
	if err != nil {
		t.Fatalf("peek of %s: %v", name, err)
	}
	return views
}

// compare compares store and twin, and asks whether somebody would wake the store in time.
func (m *model) compare(t *rapid.T) {
	if len(m.w.over()) > 0 && rapid.Bool().Draw(t, "let Maintain do it") {
		m.maintain(t)
	}
	m.settle(t)
	m.locked(func(tx *Tx) {
		m.compareViews(t, tx)
		for _, name := range queueNames {
			m.compareStats(t, tx, name)
		}
		m.comparePages(t, tx)
	})
	if m.steps++; m.steps%4 == 0 { // it walks everything
		checkInvariants(t, m.s)
	}
	if got, want := m.s.Names("", "", 100), slices.Sorted(maps.Keys(m.w.queues)); !slices.Equal(
		got, want) {
		t.Fatalf("queues %q, want %q", got, want)
	}
	next := int64(0)
	for _, q := range m.w.queues {
		for n := range q.messages {
			if at := n.due(); at != 0 && (next == 0 || at < next) {
				next = at
			}
		}
	}
	if next != 0 && (m.next == 0 || next < m.next) && !m.alarmed {
		t.Fatalf("something is due at %d, Maintain said %d, and there was no alarm",
			next-epoch, m.next-epoch)
	}
}

// compareViews compares all messages in all states, in order.
func (m *model) compareViews(t tester, tx *Tx) {
	t.Helper()
	for _, name := range queueNames {
		q := m.w.queues[name]
		if q == nil {
			_, err := tx.Peek([]byte(name), effect.Ready, ID{}, 1, nil)
			sameError(t, "peek", err, notFound(name))
			continue
		}
		for _, state := range states {
			got, want := peek(t, tx, name, state), q.in(state)
			if state == effect.Leased {
				slices.SortFunc(got, func(a, b View) int {
					return cmp.Compare(a.ID.Number, b.ID.Number)
				})
			}
			if len(got) != len(want) {
				t.Fatalf("%s: %d messages in state %d, want %d", name, len(got), state, len(want))
			}
			for i := range got {
				sameView(t, name, got[i], want[i])
			}
		}
	}
}

func sameView(t tester, what string, got View, n *twinMessage) {
	t.Helper()
	want := n.View
	headers := bytes.Equal(got.Headers, n.allHeaders())
	if !headers || !bytes.Equal(got.Payload, want.Payload) || !equalViews(got, want) {
		h := string(got.Headers)
		got.Payload, want.Payload, got.Headers = nil, nil, nil
		t.Fatalf("%s: message\n%+v %s, want\n%+v %s", what, got, h, want, n.allHeaders())
	}
}

func equalViews(a, b View) bool {
	return a.ID == b.ID && a.Form == b.Form && a.State == b.State && a.Reason == b.Reason &&
		a.Priority == b.Priority && a.Retries == b.Retries && a.MaxRetries == b.MaxRetries &&
		a.Created == b.Created && a.Due == b.Due && a.Expires == b.Expires &&
		a.Token == b.Token && a.Consumer == b.Consumer
}

// mergedHeaders are those a message came with, and those added when it moved, which win.
func mergedHeaders(own []byte, added map[string]any) []byte {
	all := map[string]any{}
	if len(own) > 0 {
		_ = json.Unmarshal(own, &all)
	}
	maps.Copy(all, added)
	text, _ := json.Marshal(all)
	return text
}

// allHeaders are those of the message now.
func (m *twinMessage) allHeaders() []byte {
	if m.headers == nil {
		return m.Headers
	}
	return mergedHeaders(m.Headers, m.headers)
}

func (m *model) compareStats(t tester, tx *Tx, name string) {
	t.Helper()
	q := m.w.queues[name]
	got, err := tx.Stats([]byte(name))
	info, err2 := tx.Info([]byte(name))
	if q == nil {
		sameError(t, "stats", err, notFound(name))
		sameError(t, "info", err2, notFound(name))
		return
	}
	sameError(t, "stats", err, "")
	sameError(t, "info", err2, "")
	want := q.stats
	want.Depth, want.Delayed = q.count(effect.Ready), q.count(effect.Delayed)
	want.Leased, want.Dead = q.count(effect.Leased), q.count(effect.DeadLetter)
	holders, heads := map[string]int64{}, map[int]bool{}
	payloads, oldest := int64(0), int64(0)
	for n := range q.messages {
		payloads += int64(len(n.Payload))
		if n.State == effect.Leased {
			holders[n.Consumer]++
		}
	}
	for _, n := range q.in(effect.Ready) { // the oldest of those that are next in their priority
		if !heads[n.Priority] && (oldest == 0 || n.Created < oldest) {
			oldest = n.Created
		}
		heads[n.Priority] = true
	}
	want.Consumers = int64(len(holders))
	if got.Bytes < payloads {
		t.Fatalf("%s: %d bytes of messages, but payloads of %d", name, got.Bytes, payloads)
	}
	want.Bytes = got.Bytes
	if got != want || info.Stats != want {
		t.Fatalf("%s: stats\n%+v or\n%+v, want\n%+v", name, got, info.Stats, want)
	}
	set := q.set
	set.Incarnation, set.Created = q.made, info.Created
	active := ""
	if set.SingleActive {
		active = q.active
	}
	if info.Settings != set || info.Name != name || info.Oldest != oldest ||
		info.Active != active {
		t.Fatalf("%s: %+v, want %+v, oldest %d, active %s", name, info, set, oldest, active)
	}
	m.compareConsumers(t, name, info.Consumers, holders)
}

func (m *model) compareConsumers(t tester, name string, got []ConsumerInfo, want map[string]int64) {
	names := slices.Sorted(maps.Keys(want))
	for i, c := range got {
		if i >= len(names) || c != (ConsumerInfo{names[i], want[names[i]], false}) {
			t.Fatalf("%s: consumers %+v, want %v", name, got, want)
		}
	}
	if len(got) != len(names) {
		t.Fatalf("%s: consumers %+v, want %v", name, got, want)
	}
}

// comparePages reads a state of a queue page by page.
func (m *model) comparePages(t *rapid.T, tx *Tx) {
	name := rapid.SampledFrom(queueNames).Draw(t, "paged")
	if m.w.queues[name] == nil {
		return
	}
	state := rapid.SampledFrom(states).Draw(t, "state")
	size := rapid.IntRange(1, 4).Draw(t, "page")
	whole, after := peek(t, tx, name, state), ID{}
	for len(whole) > 0 {
		page, err := tx.Peek([]byte(name), state, after, size, nil)
		if err != nil || len(page) != min(size, len(whole)) {
			t.Fatalf("a page of %d after %v: %d, %v", size, after, len(page), err)
		}
		for i := range page {
			if page[i].ID != whole[i].ID {
				t.Fatalf("page holds %v, want %v", page[i].ID, whole[i].ID)
			}
		}
		whole, after = whole[len(page):], page[len(page)-1].ID
	}
	if page, err := tx.Peek([]byte(name), state, after, size, nil); err != nil ||
		after != (ID{}) && len(page) != 0 {
		t.Fatalf("a page after the last: %d, %v", len(page), err)
	}
}

// replayed applies the whole journal to an empty store, and compares.
func (m *model) replayed(t *rapid.T) {
	m.settle(t)
	again := modelStore(t, rapid.SampledFrom([]int{1, 2, 8}).Draw(t, "other shards"), 99)
	m.j.replay(t, again, 0, len(m.j.records))
	m.sameAs(t, again)
}

// sameAs compares another store with the twin and with the model's store.
func (m *model) sameAs(t tester, s *Store) {
	t.Helper()
	checkInvariants(t, m.s)
	checkInvariants(t, s)
	lockedAt(s, m.w.now, func(tx *Tx) { m.compareViews(t, tx) })
	if s.Digest(m.w.now) != m.s.Digest(m.w.now) {
		t.Fatalf("the digests differ")
	}
}

package pubsub_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/synapdb/synap/internal/store/pubsub"
)

const (
	modelBound = 3
	modelBurst = 5
)

// twin is a subscriber as the documentation describes it.
type twin struct {
	sub     *pubsub.Subscriber
	group   *pubsub.Group
	id      string
	each    bool
	stalled bool
	ended   bool
	names   map[string]pubsub.Kind
	outbox  []string
	rings   int64
	bell    *bell
}

// world is a hub with its twins.
type world struct {
	h          *pubsub.Hub
	groups     []*pubsub.Group
	twins      []*twin
	registered map[string]map[string]pubsub.Kind
	topics     map[string]uint64 // messages
	number     int
	lazy       *pubsub.Group  // the one with a waker
	arrived    []modelArrival // in lazy
	ready      []*pubsub.Subscriber
	loop       *bell
	calls      int64 // of loop
	delivered  uint64
	dropped    uint64
}

type modelArrival struct {
	x    *twin
	text string
}

// deliver puts a message into an outbox, whose bounds are above 0.
func (w *world) deliver(x *twin, text string) {
	if x.ended {
		return
	}
	full := len(x.outbox) >= modelBurst ||
		x.stalled && !x.sub.Patient && len(x.outbox) >= modelBound
	if len(x.outbox) == 0 || full {
		if x.group == w.lazy {
			w.ready = append(w.ready, x.sub)
		} else {
			x.rings++
		}
	}
	if full {
		x.ended, x.outbox, x.names = true, nil, map[string]pubsub.Kind{}
		w.dropped++
		return
	}
	x.outbox = append(x.outbox, text)
	w.delivered++
}

// settle is what Ready and the end of any subscription in the group do.
func (w *world) settle(g *pubsub.Group) {
	if g == w.lazy {
		for _, a := range w.arrived {
			w.deliver(a.x, a.text)
		}
		w.arrived = nil
	}
}

func times(subs []*pubsub.Subscriber) map[*pubsub.Subscriber]int {
	n := map[*pubsub.Subscriber]int{}
	for _, sub := range subs {
		n[sub]++
	}
	return n
}

var (
	modelNames = rapid.SampledFrom([]string{"a", "b", "a.b", "a.c", "a.*", "*.b", "#", "a.#", "a*"})
	modelTopic = rapid.SampledFrom([]string{"a", "b", "a.b", "a.c", "ab", "c.d.e"})
	modelKinds = rapid.SampledFrom([]pubsub.Kind{pubsub.Pattern, pubsub.Topic, pubsub.Glob})
)

// kindOf is what a subscription by a method is.
func kindOf(method pubsub.Kind, name string) pubsub.Kind {
	if method == pubsub.Pattern && !strings.ContainsAny(name, "*#") {
		return pubsub.Topic
	}
	return method
}

func key(kind pubsub.Kind, name string) string { return fmt.Sprint(kind, name) }

func (w *world) open(t *rapid.T) {
	id := rapid.SampledFrom([]string{"", "x", "y"}).Draw(t, "id")
	x := &twin{id: id, each: rapid.Bool().Draw(t, "each"), bell: new(bell),
		names: map[string]pubsub.Kind{}, group: rapid.SampledFrom(w.groups).Draw(t, "group")}
	x.sub = &pubsub.Subscriber{Waker: x.bell, Each: x.each}
	x.sub.Patient = rapid.Bool().Draw(t, "patient")
	taken := id != "" && slices.ContainsFunc(w.twins, func(o *twin) bool { return o.id == id })
	if err := w.h.Open(x.sub, []byte(id), x.group); (err != nil) != taken {
		t.Fatalf("open %q: %v, taken %v", id, err, taken)
	}
	if taken {
		return
	}
	if had := w.registered[id]; had != nil {
		x.names = had
		delete(w.registered, id)
	}
	w.twins = append(w.twins, x)
}

func (w *world) subscribe(t *rapid.T, x *twin) {
	method, name := modelKinds.Draw(t, "kind"), modelNames.Draw(t, "name")
	kind := kindOf(method, name)
	if kind == pubsub.Topic {
		w.topics[name] += 0
	}
	if x.names[key(kind, name)] = kind; x.ended {
		clear(x.names)
	}
	var total int
	switch method {
	case pubsub.Glob:
		total = w.h.PSubscribe(x.sub, []byte(name))
	case pubsub.Topic:
		total = w.h.SubscribeExact(x.sub, 1, []byte(name))
	default:
		var err error
		if total, err = w.h.Subscribe(x.sub, 1, []byte(name)); err != nil {
			t.Fatal(err)
		}
	}
	if total != len(x.names) || x.sub.Count() != total || len(x.sub.Targets()) != total {
		t.Fatalf("%d subscriptions, want %d", total, len(x.names))
	}
}

func (w *world) unsubscribe(t *rapid.T, x *twin) {
	method, name := modelKinds.Draw(t, "kind"), modelNames.Draw(t, "name")
	k := key(kindOf(method, name), name)
	_, had := x.names[k]
	delete(x.names, k)
	w.settle(x.group)
	var n int
	switch method {
	case pubsub.Glob:
		n = w.h.PUnsubscribe(x.sub, []byte(name))
	case pubsub.Topic:
		n = w.h.UnsubscribeExact(x.sub, []byte(name))
	default:
		n = w.h.Unsubscribe(x.sub, []byte(name))
	}
	if (n == 1) != had {
		t.Fatalf("unsubscribe %q: %d, was there %v", k, n, had)
	}
}

// register is what an envelope does to an id.
func (w *world) register(t *rapid.T) {
	id, name := rapid.SampledFrom([]string{"x", "y"}).Draw(t, "id"), modelNames.Draw(t, "name")
	names, ended := w.registered[id], false
	if i := slices.IndexFunc(w.twins, func(x *twin) bool { return x.id == id }); i >= 0 {
		names, ended = w.twins[i].names, w.twins[i].ended
	} else if names == nil {
		names = map[string]pubsub.Kind{}
		w.registered[id] = names
	}
	kind := kindOf(pubsub.Pattern, name)
	if kind == pubsub.Topic {
		w.topics[name] += 0
	}
	if names[key(kind, name)] = kind; ended {
		clear(names)
	}
	if n, err := w.h.Register([]byte(id), 1, []byte(name)); err != nil || n != len(names) {
		t.Fatalf("register: %d, %v; want %d", n, err, len(names))
	}
}

func hits(names map[string]pubsub.Kind, topic string) int {
	n := 0
	for k, kind := range names {
		if plainMatch(kind, k[1:], topic) {
			n++
		}
	}
	return n
}

func (w *world) publish(t *rapid.T) {
	topic := modelTopic.Draw(t, "topic")
	w.number++
	if _, ok := w.topics[topic]; ok {
		w.topics[topic]++
	}
	want := 0
	for _, names := range w.registered {
		want += min(hits(names, topic), 1)
	}
	for _, x := range w.twins {
		n := hits(x.names, topic)
		if !x.each {
			n = min(n, 1)
		}
		for range n {
			want++
			if x.group != w.lazy {
				w.deliver(x, fmt.Sprint(w.number))
				continue
			}
			if len(w.arrived) == 0 {
				w.calls++
			}
			w.arrived = append(w.arrived, modelArrival{x, fmt.Sprint(w.number)})
		}
	}
	m := &pubsub.Message{Topic: []byte(topic), Payload: fmt.Append(nil, w.number)}
	if n, _ := w.h.Publish(m); n != want {
		t.Fatalf("message %d to %q: matched %d, want %d", w.number, topic, n, want)
	}
}

func (w *world) drain(t *rapid.T, x *twin) {
	most := rapid.IntRange(1, 6).Draw(t, "most")
	got, more := x.sub.Drain(nil, most)
	n := min(most, len(x.outbox))
	var texts []string
	for _, d := range got {
		texts = append(texts, string(d.Message.Payload))
	}
	if !slices.Equal(texts, x.outbox[:n]) || more != (len(x.outbox) > n) {
		t.Fatalf("drained %q more %v, of %q", texts, more, x.outbox)
	}
	x.outbox = x.outbox[n:]
}

func (w *world) step(t *rapid.T) {
	what := rapid.IntRange(0, 15).Draw(t, "step")
	if what == 0 && len(w.twins) < 6 || len(w.twins) == 0 {
		w.open(t)
		return
	}
	if what == 1 {
		w.register(t)
		return
	}
	if what == 15 {
		w.settle(w.lazy)
		got := w.lazy.Ready(nil)
		if !maps.Equal(times(got), times(w.ready)) { // which come first depends on who left
			t.Fatalf("%d are ready, want %d", len(got), len(w.ready))
		}
		w.ready = nil
		return
	}
	if what >= 9 {
		w.publish(t)
		return
	}
	i := rapid.IntRange(0, len(w.twins)-1).Draw(t, "which")
	x := w.twins[i]
	switch what {
	case 0, 2, 3, 4:
		w.subscribe(t, x)
	case 5:
		w.unsubscribe(t, x)
	case 6:
		x.stalled = !x.stalled
		x.sub.Stall(x.stalled)
	case 7:
		w.drain(t, x)
	default:
		w.leave(t, x)
	}
}

// leave ends subscriptions by id, or all of a subscriber.
func (w *world) leave(t *rapid.T, x *twin) {
	id := rapid.SampledFrom([]string{"x", "y"}).Draw(t, "id")
	switch rapid.IntRange(0, 3).Draw(t, "how") {
	case 0:
		want := len(w.registered[id])
		for _, o := range w.twins {
			if o.id == id {
				want, o.names = len(o.names), map[string]pubsub.Kind{}
				w.settle(o.group)
			}
		}
		delete(w.registered, id)
		if n := w.h.UnsubscribeID([]byte(id)); n != want {
			t.Fatalf("unsubscribe id %q: %d, want %d", id, n, want)
		}
	case 1:
		if n := w.h.UnsubscribeAll(x.sub); n != len(x.names) {
			t.Fatalf("unsubscribe all: %d, want %d", n, len(x.names))
		}
		x.names = map[string]pubsub.Kind{}
		w.settle(x.group)
	default:
		w.h.Close(x.sub)
		x.ended = true
		w.twins = slices.DeleteFunc(w.twins, func(o *twin) bool { return o == x })
	}
}

// check compares what can be asked at any time.
func (w *world) check(t *rapid.T) {
	want := pubsub.Stats{Topics: len(w.topics), Published: uint64(w.number),
		Delivered: w.delivered, Dropped: w.dropped}
	globs := map[string]bool{}
	exact := map[string]int{}
	waiting := map[*pubsub.Group]int{}
	all := slices.Collect(maps.Values(w.registered))
	for _, x := range w.twins {
		all = append(all, x.names)
		waiting[x.group] += len(x.outbox)
		if x.sub.Waiting() != len(x.outbox) || x.bell.rings.Load() != x.rings ||
			(x.sub.Ended() == pubsub.SlowConsumer) != x.ended {
			t.Fatalf("%d wait, %d wakes, ended %q; want %d, %d, %v", x.sub.Waiting(),
				x.bell.rings.Load(), x.sub.Ended(), len(x.outbox), x.rings, x.ended)
		}
	}
	for _, names := range all {
		want.Subscribers += min(len(names), 1)
		for k, kind := range names {
			switch kind {
			case pubsub.Topic:
				exact[k[1:]]++
				continue
			case pubsub.Glob:
				globs[k] = true
			}
			want.Wildcards++
		}
	}
	want.Globs = len(globs)
	if got := w.h.Stats(); got != want || w.h.NumPat() != len(globs) {
		t.Fatalf("stats %+v, want %+v", got, want)
	}
	if w.loop.rings.Load() != w.calls {
		t.Fatalf("the group was woken %d times, want %d", w.loop.rings.Load(), w.calls)
	}
	for _, g := range w.groups {
		if g.Items() != waiting[g] {
			t.Fatalf("%d messages in a group, want %d", g.Items(), waiting[g])
		}
	}
	for name, messages := range w.topics {
		info, ok := w.h.Info([]byte(name))
		if !ok || info.Messages != messages || info.Subscribers != exact[name] ||
			w.h.NumSub([]byte(name)) != exact[name] || info.Created != 1 {
			t.Fatalf("%q: %+v %v, want %d messages, %d subscribers", name, info, ok, messages,
				exact[name])
		}
	}
}

func TestHubDoesWhatItsTwinDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &world{
			h:          pubsub.New(pubsub.Options{Bound: modelBound, Burst: modelBurst, Routes: 4}),
			registered: map[string]map[string]pubsub.Kind{}, topics: map[string]uint64{},
		}
		w.loop = new(bell)
		w.lazy = w.h.NewGroup(w.loop)
		w.groups = []*pubsub.Group{w.h.NewGroup(nil), w.h.NewGroup(nil), w.lazy}
		for range rapid.IntRange(1, 150).Draw(t, "steps") {
			w.step(t)
			w.check(t)
		}
		for _, x := range w.twins {
			w.h.Close(x.sub)
		}
		for id := range w.registered {
			w.h.UnsubscribeID([]byte(id))
		}
		if s := w.h.Stats(); s.Subscribers != 0 || !w.h.Bare() {
			t.Fatalf("something is left: %+v", s)
		}
	})
}

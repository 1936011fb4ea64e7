package pubsub_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/synapdb/synap/internal/errs"
	"github.com/synapdb/synap/internal/store/pubsub"
)

type bell struct{ rings atomic.Int64 }

func (b *bell) Wake() { b.rings.Add(1) }

func open(t testing.TB, h *pubsub.Hub, sub *pubsub.Subscriber) {
	t.Helper()
	if err := h.Open(sub, nil, h.NewGroup(nil)); err != nil {
		t.Fatal(err)
	}
}

func message(topic string) *pubsub.Message {
	return &pubsub.Message{Topic: []byte(topic), Payload: []byte("payload")}
}

func b(s string) []byte { return []byte(s) }

func names(deliveries []pubsub.Delivery) (all []string) {
	for _, d := range deliveries {
		all = append(all, fmt.Sprintf("%s by %s", d.Message.Payload, d.Target.Name()))
	}
	return all
}

func subscribe(t testing.TB, h *pubsub.Hub, sub *pubsub.Subscriber, topics ...string) {
	t.Helper()
	for _, topic := range topics {
		if _, err := h.Subscribe(sub, 1, b(topic)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOnePerSubscriberOrOnePerMatch(t *testing.T) {
	h := pubsub.New(pubsub.Options{})
	g := h.NewGroup(nil)
	once, each := &pubsub.Subscriber{}, &pubsub.Subscriber{Each: true}
	for _, sub := range []*pubsub.Subscriber{once, each} {
		if err := h.Open(sub, nil, g); err != nil {
			t.Fatal(err)
		}
		subscribe(t, h, sub, "a.b", "a.*", "#")
		h.PSubscribe(sub, b("a*"), b("b*"))
	}
	if n, _ := h.Publish(message("a.b")); n != 5 {
		t.Errorf("matched %d", n)
	}
	got, more := once.Drain(nil, 10)
	if want := []string{"payload by a.b"}; !slices.Equal(names(got), want) || more {
		t.Errorf("once: %q", names(got))
	}
	got, _ = each.Drain(nil, 10)
	all := names(got)
	if all[0] != "payload by a.b" {
		t.Errorf("the channel's own message does not come first: %q", all)
	}
	slices.Sort(all)
	want := []string{"payload by #", "payload by a*", "payload by a.*", "payload by a.b"}
	if !slices.Equal(all, want) {
		t.Errorf("each: %q", all)
	}
}

func TestWokenOncePerBurst(t *testing.T) {
	h := pubsub.New(pubsub.Options{})
	var own, loop bell
	alone, grouped := &pubsub.Subscriber{Waker: &own}, &pubsub.Subscriber{}
	g := h.NewGroup(&loop)
	open(t, h, alone)
	if err := h.Open(grouped, nil, g); err != nil {
		t.Fatal(err)
	}
	subscribe(t, h, alone, "a")
	subscribe(t, h, grouped, "a")
	publish := func(times int, ownRings, loopRings int64) {
		t.Helper()
		for range times {
			h.Publish(message("a"))
		}
		if own.rings.Load() != ownRings || loop.rings.Load() != loopRings {
			t.Errorf("woken %d and %d times, want %d and %d", own.rings.Load(), loop.rings.Load(),
				ownRings, loopRings)
		}
	}
	drain := func(want int, wantMore bool) {
		t.Helper()
		for _, sub := range []*pubsub.Subscriber{alone, grouped} {
			if got, more := sub.Drain(nil, 2); len(got) != want || more != wantMore {
				t.Errorf("%d messages, more %v; want %d, %v", len(got), more, want, wantMore)
			}
		}
	}
	ready := func(want int) {
		t.Helper()
		if got := g.Ready(nil); len(got) != want || want == 1 && got[0] != grouped {
			t.Errorf("%d are ready, want %d", len(got), want)
		}
	}
	publish(3, 1, 1)
	ready(1)
	drain(2, true)
	publish(1, 1, 2) // the loop may not know that this one has more to take
	ready(0)
	drain(2, false)
	publish(2, 2, 3)
	ready(1)
	drain(2, false)
	ready(0)
}

func TestSlowConsumerIsEnded(t *testing.T) {
	h := pubsub.New(pubsub.Options{Bound: 4, Burst: 8})
	var rings bell
	slow, late, fast := &pubsub.Subscriber{Waker: &rings}, &pubsub.Subscriber{},
		&pubsub.Subscriber{}
	g := h.NewGroup(nil)
	for _, sub := range []*pubsub.Subscriber{slow, late, fast} {
		if err := h.Open(sub, nil, g); err != nil {
			t.Fatal(err)
		}
		subscribe(t, h, sub, "a")
	}
	slow.Stall(true)
	for i := range 9 {
		matched, crowded := h.Publish(message("a"))
		fast.Drain(nil, 10)
		wantCrowded := i >= 4 && i < 8 // late has more than 4, until it is ended
		want := 3
		if i > 4 {
			want = 2 // slow is subscribed to nothing any more
		}
		if matched != want || crowded != wantCrowded {
			t.Errorf("publish %d: matched %d, crowded %v", i, matched, crowded)
		}
		if ended := slow.Ended() != pubsub.NotEnded; ended != (i >= 4) {
			t.Errorf("publish %d: ended %v", i, ended)
		}
	}
	if late.Ended() != pubsub.SlowConsumer || fast.Ended() != pubsub.NotEnded {
		t.Errorf("late %q, fast %q", late.Ended(), fast.Ended())
	}
	if slow.Ended().String() != "slow consumer" || rings.rings.Load() != 2 {
		t.Errorf("ended by %q, woken %d times", slow.Ended(), rings.rings.Load())
	}
	if got, more := slow.Drain(nil, 10); len(got) != 0 || more || g.Items() != 0 {
		t.Errorf("%d messages are left, %d in the group", len(got), g.Items())
	}
	// Nobody counts on those who get nothing, though their connections are still there.
	s := h.Stats()
	if s.Dropped != 2 || s.Delivered != 4+8+9 || s.Published != 9 || s.Subscribers != 1 ||
		h.NumSub(b("a")) != 1 || slow.Count() != 0 || late.Count() != 0 {
		t.Errorf("%+v, %d subscribed", s, h.NumSub(b("a")))
	}
	h.Close(slow)
	h.Close(late)
	if matched, _ := h.Publish(message("a")); matched != 1 {
		t.Errorf("matched %d", matched)
	}
}

// One that is patient may pause for as long as a burst, but leaves memory to those that read.
func TestPatientSubscribers(t *testing.T) {
	h := pubsub.New(pubsub.Options{Bound: 2, Burst: 100, Spill: 100})
	g := h.NewGroup(nil)
	var first, second, reader pubsub.Subscriber
	for _, sub := range []*pubsub.Subscriber{&first, &second, &reader} {
		if err := h.Open(sub, nil, g); err != nil {
			t.Fatal(err)
		}
		sub.Patient = sub != &reader
		sub.Stall(sub.Patient)
		subscribe(t, h, sub, "all")
	}
	subscribe(t, h, &first, "a")
	subscribe(t, h, &second, "a")
	subscribe(t, h, &reader, "b")
	crowded := 0
	publish := func(topic string, times int) {
		for range times {
			if _, is := h.Publish(message(topic)); is {
				crowded++
			}
		}
	}
	publish("a", 25)
	if first.Waiting() != 25 || second.Waiting() != 25 || crowded > 0 {
		t.Errorf("%d and %d wait, crowded %d times", first.Waiting(), second.Waiting(), crowded)
	}
	publish("a", 1) // half of what may wait does: the first one is over, and makes room
	publish("a", 14)
	if first.Ended() != pubsub.SlowConsumer || second.Waiting() != 40 || g.Items() != 40 {
		t.Errorf("first %q, %d wait", first.Ended(), second.Waiting())
	}
	publish("b", 40)
	if reader.Ended() != pubsub.NotEnded || reader.Waiting() != 40 {
		t.Errorf("the reader %q has %d", reader.Ended(), reader.Waiting())
	}
	publish("a", 1)
	if second.Ended() != pubsub.SlowConsumer || g.Items() != 40 {
		t.Errorf("second %q, %d wait in all", second.Ended(), g.Items())
	}
}

func TestBytesAreBounded(t *testing.T) {
	h := pubsub.New(pubsub.Options{Bytes: 100})
	sub := new(pubsub.Subscriber)
	open(t, h, sub)
	subscribe(t, h, sub, "a")
	big := &pubsub.Message{Topic: b("a"), Payload: bytes.Repeat(b("x"), 1000)}
	h.Publish(big)
	if got, _ := sub.Drain(nil, 10); len(got) != 1 {
		t.Error("a single message was refused for its size")
	}
	h.Publish(big)
	h.Publish(message("a"))
	if sub.Ended() != pubsub.SlowConsumer {
		t.Error("messages may wait without a bound")
	}
}

func TestSpillEndsBursts(t *testing.T) {
	h := pubsub.New(pubsub.Options{Bound: 2, Burst: 100, Spill: 10})
	g := h.NewGroup(nil)
	subs := make([]pubsub.Subscriber, 5)
	for i := range subs {
		if err := h.Open(&subs[i], nil, g); err != nil {
			t.Fatal(err)
		}
		subscribe(t, h, &subs[i], "a")
	}
	for range 50 {
		h.Publish(message("a"))
	}
	if n := g.Items(); n > 20 {
		t.Errorf("%d messages wait in the group", n)
	}
}

func TestRegisteredUntilSomebodyConnects(t *testing.T) {
	h := pubsub.New(pubsub.Options{})
	if n, err := h.Register(b("me"), 1, b("a.b"), b("a.*")); n != 2 || err != nil {
		t.Fatal(n, err)
	}
	if n, err := h.Register(b("me"), 1, b("a.b"), b("c")); n != 3 || err != nil {
		t.Fatal(n, err)
	}
	if _, err := h.Register(b("me"), 1, b("#.c")); errs.Of(err) != errs.BadValue {
		t.Fatal(err)
	}
	if n, _ := h.Publish(message("a.b")); n != 1 {
		t.Errorf("matched %d", n)
	}
	if s := h.Stats(); s.Delivered != 0 || s.Subscribers != 1 || s.Wildcards != 1 {
		t.Errorf("%+v", s)
	}
	sub, g := new(pubsub.Subscriber), h.NewGroup(nil)
	if err := h.Open(sub, b("me"), g); err != nil {
		t.Fatal(err)
	}
	if n, _ := h.Publish(message("a.b")); n != 1 {
		t.Errorf("matched %d", n)
	}
	if got, _ := sub.Drain(nil, 10); len(got) != 1 {
		t.Errorf("the connection got %q", names(got))
	}
	if n, err := h.Register(b("me"), 1, b("d")); n != 4 || err != nil {
		t.Fatal(n, err)
	}
	h.Publish(message("d"))
	if got, _ := sub.Drain(nil, 10); len(got) != 1 {
		t.Errorf("the connection got %q", names(got))
	}
	if err := h.Open(new(pubsub.Subscriber), b("me"), g); errs.Of(err) != errs.BadValue {
		t.Errorf("two connections have one id: %v", err)
	}
	if n := h.UnsubscribeID(b("me"), b("d"), b("e")); n != 1 {
		t.Errorf("%d ended", n)
	}
	if n := h.UnsubscribeID(b("me")); n != 3 {
		t.Errorf("%d ended", n)
	}
	if known, connected := h.Known(b("me")); !known || !connected {
		t.Error("a connection lost its id")
	}
	h.Close(sub)
	if known, _ := h.Known(b("me")); known || h.UnsubscribeID(b("me")) != 0 {
		t.Error("an id outlived its connection")
	}
}

func TestRegisteredIDsAreBounded(t *testing.T) {
	h := pubsub.New(pubsub.Options{Registered: 3})
	for i := range 10 {
		if _, err := h.Register(fmt.Append(nil, i), 1, b("a")); err != nil {
			t.Fatal(err)
		}
	}
	if n, _ := h.Publish(message("a")); n != 3 {
		t.Errorf("matched %d", n)
	}
	if n := h.UnsubscribeID(b("9")); n != 1 {
		t.Errorf("the newest was forgotten")
	}
	if known, _ := h.Known(b("9")); known {
		t.Error("an id without subscriptions is kept")
	}
	if n := h.UnsubscribeID(b("6")); n != 0 {
		t.Errorf("the oldest was kept")
	}
}

func TestTopicsOutliveTheirSubscribers(t *testing.T) {
	h := pubsub.New(pubsub.Options{})
	sub := new(pubsub.Subscriber)
	open(t, h, sub)
	h.Publish(message("a"))
	if _, ok := h.Info(b("a")); ok {
		t.Error("publishing made a topic")
	}
	if _, err := h.Subscribe(sub, 77, b("a"), b("b.*")); err != nil {
		t.Fatal(err)
	}
	h.Publish(message("a"))
	h.Unsubscribe(sub, b("a"))
	h.Publish(message("a"))
	if info, ok := h.Info(b("a")); !ok || info != (pubsub.Info{Messages: 2, Created: 77}) {
		t.Errorf("%+v %v", info, ok)
	}
	if _, ok := h.Info(b("b.*")); ok {
		t.Error("a pattern is a topic")
	}
	if s := h.Stats(); s.Topics != 1 {
		t.Errorf("%+v", s)
	}
	subscribe(t, h, sub, "a")
	if info, _ := h.Info(b("a")); info.Subscribers != 1 || info.Created != 77 {
		t.Errorf("%+v", info)
	}
}

func TestIdleTopicsAreBounded(t *testing.T) {
	h := pubsub.New(pubsub.Options{IdleTopics: 1000})
	sub := new(pubsub.Subscriber)
	open(t, h, sub)
	subscribe(t, h, sub, "kept")
	h.Unsubscribe(sub, b("kept"))
	subscribe(t, h, sub, "kept") // it was idle once, and is not now
	for i := range 20_000 {
		name := fmt.Appendf(nil, "t%d", i)
		h.SubscribeExact(sub, 1, name)
		h.Unsubscribe(sub, name)
	}
	if n := h.Stats().Topics; n != 1001 {
		t.Errorf("%d topics", n)
	}
	if n, _ := h.Publish(message("kept")); n != 1 {
		t.Error("a topic with a subscriber was forgotten")
	}
}

func TestTopicsInPages(t *testing.T) {
	h := pubsub.New(pubsub.Options{})
	sub := new(pubsub.Subscriber)
	open(t, h, sub)
	const n = 5000
	for i := range n {
		h.SubscribeExact(sub, 1, fmt.Appendf(nil, "topic:%d", i))
	}
	for i := range 10 {
		h.Unsubscribe(sub, fmt.Appendf(nil, "topic:%d", i))
	}
	list := func(most int, pattern []byte, subscribed bool) (all []string) {
		cursor := 0
		for {
			var page []string
			page, cursor = h.Topics(nil, cursor, most, pattern, subscribed)
			if len(page) > most+n/50 {
				t.Errorf("a page of %d has %d", most, len(page))
			}
			if all = append(all, page...); cursor == 0 {
				slices.Sort(all)
				return slices.Compact(all)
			}
		}
	}
	for _, c := range []struct {
		pattern    []byte
		subscribed bool
		want       int
	}{{nil, false, n}, {nil, true, n - 10}, {b("*:?"), false, 10}, {b("*:?"), true, 0}} {
		if got := list(100, c.pattern, c.subscribed); len(got) != c.want {
			t.Errorf("%q %v: %d topics, want %d", c.pattern, c.subscribed, len(got), c.want)
		}
	}
}

func TestFramesAreEncodedOnce(t *testing.T) {
	m := message("a")
	made := 0
	encode := func(m *pubsub.Message) []byte { made++; return append(b("x"), m.Payload...) }
	for range 3 {
		if got := m.Frame(1, encode); string(got) != "xpayload" {
			t.Errorf("%q", got)
		}
	}
	if m.Frame(2, encode); made != 2 {
		t.Errorf("encoded %d times for 2 dialects", made)
	}
}

func TestIDsAreUUIDs(t *testing.T) {
	h, seen := pubsub.New(pubsub.Options{}), map[string]bool{}
	for range 100 {
		m := message("a")
		h.Stamp(m)
		id := string(m.AppendID(nil))
		parts := strings.Split(id, "-")
		if len(id) != 36 || len(parts) != 5 || parts[2][0] != '8' ||
			!strings.Contains("89ab", parts[3][:1]) || seen[id] {
			t.Errorf("%q", id)
		}
		seen[id] = true
	}
}

package httpwire

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/store/pubsub"
	"github.com/synapdb/synap/internal/wire"
)

// pushOf is a push of a subscription.
func pushOf(name, value string) string {
	return fmt.Sprintf(`{"subscription":"%s","push":%s}`, name, value)
}

func endOf(name, text, code string) string {
	return fmt.Sprintf(`{"subscription":"%s","ended":true,"error":"%s","code":"%s"}`, name, text,
		code)
}

// halls makes a room r and a queue q.
func (p *talker) halls() {
	p.t.Helper()
	p.b.call(p.t, "stream.create", `{"room":"r"}`)
	p.b.call(p.t, "queue.create", `{"name":"q"}`)
}

func pushedEvents(name string, n, m int) (all []string) {
	for _, event := range roomEvents(n, m) {
		all = append(all, pushOf(name, event))
	}
	return all
}

func TestMuxFollowsRooms(t *testing.T) {
	onBothProtocols(t, func(t *testing.T, p *talker) {
		p.halls()
		p.b.publish(t, 0, 2)
		p.same("from the start", p.ask(req(1, "subscribe",
			`{"to":"room","room":"r","subscriber_id":"me","subscription":"mine"}`)),
			append([]string{done(1, `{"subscription":"mine","room":"r","subscriber_id":"me",`+
				`"from_offset":0}`)}, pushedEvents("mine", 0, 2)...)...)
		p.same("the newest", p.ask(req(2, "subscribe", `{"to":"room","room":"r","last":1}`)),
			done(2, `{"subscription":"s1","room":"r","subscriber_id":"events","from_offset":2}`),
			pushOf("s1", roomEvent(2)))
		p.b.publish(t, 3, 3)
		p.same("live", p.more(), pushOf("mine", roomEvent(3)), pushOf("s1", roomEvent(3)))
		p.same("no more", p.ask(req(3, "unsubscribe", `{"subscription":"mine"}`)),
			done(3, `{"subscription":"mine","ended":true}`))
		p.b.publish(t, 4, 4)
		p.same("one left", p.more(), pushOf("s1", roomEvent(4)))
		p.b.call(t, "stream.delete", `{"room":"r"}`)
		p.same("deleted", p.more(), endOf("s1", "Invalid request: Room 'r' was deleted",
			"room_not_found"))
		p.same("the socket lives", p.ask(req(5, "kv.dbsize", `{}`)), done(5, `{"size":0}`))
	})
}

func TestMuxHearsTopics(t *testing.T) {
	onBothProtocols(t, func(t *testing.T, p *talker) {
		got := p.ask(req(1, "subscribe",
			`{"to":"topics","topics":["a.*","b"],"subscriber_id":"me","subscription":"x"}`))
		p.same("subscribed", got, done(1,
			`{"subscription":"x","subscriber_id":"me","topics":["a.*","b"],`+
				`"subscription_count":2}`))
		p.b.call(t, "pubsub.publish", `{"topic":"a.b","payload":{"n":[1,2.5,null,true,"é"]}}`)
		p.b.call(t, "pubsub.publish", `{"topic":"c","payload":1}`)
		got = p.more()
		const begin = `{"subscription":"x","push":{"type":"message","message_id":"`
		const end = `"topic":"a.b","payload":{"n":[1,2.5,null,true,"é"]},"metadata":null,` +
			`"timestamp":1700000000}}`
		if len(got) != 1 || !strings.HasPrefix(got[0], begin) || !strings.HasSuffix(got[0], end) {
			t.Fatalf("got %s", got)
		}
		// What it published itself comes behind the answer.
		got = p.ask(req(2, "pubsub.publish", `{"topic":"b","payload":"own"}`),
			req(3, "kv.dbsize", `{}`))
		if len(got) != 3 || !strings.Contains(got[0], `"request_id":2`) ||
			got[1] != done(3, `{"size":0}`) || !strings.Contains(got[2], `"payload":"own"`) {
			t.Fatalf("got %s", got)
		}
	})
}

// An item of a list is one topic, whatever is in it.
func TestMuxTopicsMayHaveCommas(t *testing.T) {
	p := newBench(t, Options{}).talk(t, false)
	p.same("subscribed", p.ask(req(1, "subscribe",
		`{"to":"topics","topics":["a,b","c"],"subscriber_id":"me"}`)), done(1,
		`{"subscription":"s1","subscriber_id":"me","topics":["a,b","c"],"subscription_count":2}`))
	p.b.call(t, "pubsub.publish", `{"topic":"a","payload":1}`)
	p.b.call(t, "pubsub.publish", `{"topic":"a,b","payload":2}`)
	if got := p.more(); len(got) != 1 || !strings.Contains(got[0], `"topic":"a,b","payload":2`) {
		t.Errorf("got %q", got)
	}
}

// A subscriber that is too slow loses its subscription, not its socket.
func TestMuxSlowSubscribersAreEnded(t *testing.T) {
	onBothProtocols(t, func(t *testing.T, p *talker) {
		p.ask(req(1, "subscribe", `{"to":"topics","topics":["a"],"subscription":"slow"}`),
			req(2, "subscribe", `{"to":"topics","topics":["b"],"subscription":"calm"}`))
		p.conn.Stall(true)
		for i := range 1100 {
			p.b.call(t, "pubsub.publish", fmt.Sprintf(`{"topic":"a","payload":%d}`, i))
		}
		p.b.call(t, "pubsub.publish", `{"topic":"b","payload":"still here"}`)
		p.conn.Stall(false)
		got := p.more()
		end := endOf("slow", "slow consumer: too many messages were waiting", "aborted")
		ended, calm := 0, 0
		for _, m := range got {
			if m == end {
				ended++
			} else if ended > 0 && strings.HasPrefix(m, `{"subscription":"slow"`) {
				t.Fatalf("behind the end: %s", m)
			}
			if strings.Contains(m, "still here") {
				calm++
			}
		}
		if ended != 1 || calm != 1 || p.v != wire.Open {
			t.Fatalf("%d ends, %d calm messages, verdict %d", ended, calm, p.v)
		}
		p.same("again", p.ask(req(3, "unsubscribe", `{"subscription":"slow"}`)),
			refused("3", "Not found: this socket has no subscription 'slow'", "not_found"))
	})
}

// message is the id of a pushed message of a queue.
func messageID(t testing.TB, push string) string {
	t.Helper()
	_, rest, ok := strings.Cut(push, `"message_id":"`)
	id, _, _ := strings.Cut(rest, `"`)
	if !ok {
		t.Fatalf("no message: %s", push)
	}
	return id
}

func TestMuxTakesFromQueues(t *testing.T) {
	onBothProtocols(t, func(t *testing.T, p *talker) {
		p.halls()
		p.same("subscribed", p.ask(req(1, "subscribe",
			`{"to":"queue","queue":"q","consumer_id":"c","prefetch":2,"subscription":"w"}`)),
			done(1, `{"subscription":"w","queue":"q","consumer_id":"c"}`))
		for i := range 4 {
			p.b.call(t, "queue.publish", fmt.Sprintf(`{"queue":"q","payload":[%d]}`, i))
		}
		got := p.more()
		if len(got) != 2 || !strings.Contains(got[0], `"payload":[0]`) ||
			!strings.HasPrefix(got[0], `{"subscription":"w","push":{"type":"message",`) {
			t.Fatalf("got %q", got)
		}
		ack := func(id int, message string) []string {
			return p.ask(req(id, "queue.ack", `{"queue":"q","message_id":"`+message+`"}`))
		}
		next := ack(2, messageID(t, got[1]))
		if len(next) != 2 || next[0] != done(2, `{"success":true}`) ||
			!strings.Contains(next[1], `"payload":[2]`) {
			t.Fatalf("got %q", next)
		}
		// Acknowledged elsewhere, too, the window opens.
		p.b.call(t, "queue.ack", `{"queue":"q","message_id":"`+messageID(t, next[1])+`"}`)
		if next = p.more(); len(next) != 1 || !strings.Contains(next[0], `"payload":[3]`) {
			t.Fatalf("got %q", next)
		}
		p.same("gives back", p.ask(req(3, "unsubscribe", `{"subscription":"w"}`)),
			done(3, `{"subscription":"w","ended":true}`))
		stats := p.b.call(t, "queue.stats", `{"queue":"q"}`)
		if !strings.HasPrefix(stats, `{"depth":2,"consumers":0,`) || p.b.inLine() != 0 {
			t.Errorf("after the end: %s, %d in line", stats, p.b.inLine())
		}
		p.ask(req(4, "subscribe", `{"to":"queue","queue":"q","consumer_id":"c"}`))
		p.b.call(t, "queue.delete", `{"queue":"q"}`)
		p.same("deleted", p.more(), endOf("s1", "Queue not found: q", "queue_not_found"))
	})
}

// Whoever leaves gives back all at once: messages, places in rooms and among subscribers.
func TestMuxClosedGivesEverythingBack(t *testing.T) {
	onBothProtocols(t, func(t *testing.T, p *talker) {
		p.halls()
		for i := range 3 {
			p.b.call(t, "queue.publish", fmt.Sprintf(`{"queue":"q","payload":[%d]}`, i))
		}
		p.ask(req(1, "subscribe", `{"to":"queue","queue":"q","consumer_id":"c","prefetch":2}`),
			req(2, "subscribe", `{"to":"queue","queue":"q","consumer_id":"d","prefetch":2}`),
			req(3, "subscribe", `{"to":"room","room":"r"}`),
			req(4, "subscribe", `{"to":"topics","topics":["a"]}`))
		p.ask(req(5, "queue.consume", `{"queue":"q","consumer_id":"e","wait_ms":1000}`),
			req(6, "stream.consume", `{"room":"r","subscriber_id":"f","wait_ms":1000}`))
		count := func() string {
			stats := p.b.call(t, "stream.stats", `{"room":"r"}`)
			_, subscribers, _ := strings.Cut(stats, `"subscriber_count":`)
			queue := p.b.call(t, "queue.stats", `{"queue":"q"}`)
			subscribers, _, _ = strings.Cut(subscribers, ",")
			queue, _, _ = strings.Cut(queue, `,"published"`)
			topics, _, _ := p.b.engine.Subscribed()
			return fmt.Sprint(queue, " ", subscribers, " ", topics, " ", p.b.inLine(), " ",
				p.b.engine.Waits.Count())
		}
		if got := count(); got != `{"depth":0,"consumers":2 2 1 3 1` {
			t.Fatalf("while it is open: %s", got)
		}
		p.conn.Closed()
		if got := count(); got != `{"depth":3,"consumers":0 0 0 0 0` {
			t.Errorf("after it closed: %s", got)
		}
		p.woke = 0
		p.b.publish(t, 0, 0)
		p.b.call(t, "queue.publish", `{"queue":"q","payload":[9]}`)
		if p.woke != 0 {
			t.Error("it is woken still")
		}
	})
}

func TestMuxSubscriptionsThatAreNone(t *testing.T) {
	const kinds = "Invalid request: Field 'to' must be one of queue, room, topics"
	onBothProtocols(t, func(t *testing.T, p *talker) {
		p.halls()
		p.ask(req(0, "subscribe", `{"to":"room","room":"r","subscription":"a"}`))
		long := strings.Repeat("x", 129)
		for payload, want := range map[string][2]string{
			`{}`:                       {kinds, "bad_request"},
			`null`:                     {kinds, "bad_request"},
			`{"to":"moon","room":"r"}`: {kinds, "bad_request"},
			`{"to":["room"]}`:          {kinds, "bad_request"},
			`{"to":"room"}`:            {"Invalid request: Missing 'room' field", "missing_field"},
			`{"to":"room","room":"none"}`: {"Invalid request: Room 'none' not found",
				"room_not_found"},
			`{"to":"room","room":"r","last":"x"}`: {"Invalid request: Field 'last' must be a " +
				"whole number of 64 bits", "bad_request"},
			`{"to":"queue","queue":"none","consumer_id":"c"}`: {"Queue not found: none",
				"queue_not_found"},
			`{"to":"topics","topics":["a.#.b"]}`: {"Invalid value: ", "bad_value"},
			`{"to":"room","room":"r","subscription":"a"}`: {"Invalid request: this socket has " +
				"a subscription 'a' already", "bad_request"},
			`{"to":"room","room":"r","subscription":""}`: {"Invalid request: Field " +
				"'subscription' must be UTF-8 of 1 to 128 bytes", "bad_request"},
			`{"to":"room","room":"r","subscription":"` + long + `"}`: {"Invalid request: Field " +
				"'subscription' must be UTF-8 of 1 to 128 bytes", "bad_request"},
			`{"to":"room","room":"r","subscription":7}`: {"Invalid request: Field " +
				"'subscription' must be a string, not a number", "bad_request"},
			`{"to":"room","room":"r","x":"` + strings.Repeat("x", 4096) + `"}`: {"Invalid " +
				"request: the payload of a subscription may have at most 4096 bytes; " +
				"subscribe in parts", "too_large"},
		} {
			got := p.ask(req(1, "subscribe", payload))
			text, code, _ := strings.Cut(refused("1", "\x00", want[1]), "\x00")
			if len(got) != 1 || !strings.HasPrefix(got[0], text+want[0]) ||
				!strings.HasSuffix(got[0], code) {
				t.Errorf("%.60s\ngot  %s\nwant %s", payload, got, text+want[0]+code)
			}
		}
		p.same("no name", p.ask(req(2, "unsubscribe", `{}`)), refused("2",
			"Invalid request: Missing 'subscription' field", "missing_field"))
		p.same("no such", p.ask(req(3, "unsubscribe", `{"subscription":"none"}`)), refused("3",
			"Not found: this socket has no subscription 'none'", "not_found"))
		p.b.publish(t, 0, 0)
		p.same("one is left", p.more(), pushOf("a", roomEvent(0)))
		if n := len(p.conn.feed.mux.subs); n != 1 {
			t.Errorf("%d subscriptions", n)
		}
	})
}

func TestMuxBoundsSubscriptions(t *testing.T) {
	p := newBench(t, Options{}).talk(t, false)
	p.halls()
	name := func(i int) string {
		return fmt.Sprintf(`{"to":"room","room":"r","subscription":"n%d"}`, i)
	}
	for i := range maxSubscriptions {
		if got := p.ask(req(i, "subscribe", name(i))); len(got) != 1 ||
			!strings.Contains(got[0], `"success":true`) {
			t.Fatalf("subscription %d: %q", i, got)
		}
	}
	full := refused("9", "Invalid request: this socket has 1024 subscriptions already; end one, "+
		"or open another socket", "too_large")
	p.same("1025th", p.ask(req(9, "subscribe", name(maxSubscriptions))), full)
	p.b.publish(t, 0, 0)
	if got := p.more(); len(got) != maxSubscriptions {
		t.Fatalf("%d of %d subscriptions got the event", len(got), maxSubscriptions)
	}
	p.ask(req(1, "unsubscribe", `{"subscription":"n0"}`))
	if got := p.ask(req(9, "subscribe", name(0))); len(got) != 2 ||
		got[1] != pushOf("n0", roomEvent(0)) {
		t.Fatalf("not free again: %q", got)
	}
}

// A subscription that has ended is not kept until its turn: a peer that subscribes and unsubscribes
// would be faster than the turns.
func TestMuxForgetsThoseThatEnded(t *testing.T) {
	p := newBench(t, Options{}).talk(t, false)
	p.halls()
	pair := p.raw(req(1, "subscribe", `{"to":"room","room":"r","subscription":"x"}`)) +
		p.raw(req(2, "unsubscribe", `{"subscription":"x"}`))
	first := p.raw(req(1, "subscribe", `{"to":"room","room":"r","subscription":"first"}`))
	last := p.raw(req(2, "subscribe", `{"to":"room","room":"r","subscription":"last"}`))
	p.feed(first + strings.Repeat(pair, 4*maxTurns) + last)
	kept := 0
	for s := p.conn.feed.mux.first; s != nil; s = s.next {
		kept++
	}
	if kept > 2 {
		t.Errorf("%d subscriptions wait for a turn, of 2 that there are", kept)
	}
	p.more()
	p.b.publish(t, 0, 0)
	got := p.more()
	slices.Sort(got)
	p.same("the others", got, pushOf("first", roomEvent(0)), pushOf("last", roomEvent(0)))
}

// A flood of messages to a subscription of the same socket lets it be served in between.
func TestMuxPublishersYield(t *testing.T) {
	p := newBench(t, Options{}, func(e *command.Engine) {
		e.Topics = command.NewTopics(pubsub.Options{Bound: 50, Burst: 200})
	}).talk(t, false)
	p.ask(req(0, "subscribe", `{"to":"topics","topics":["a"]}`))
	const count = 2000
	in := strings.Repeat(p.raw(req(1, "pubsub.publish", `{"topic":"a","payload":1}`)), count)
	answers, pushes := 0, 0
	for _, m := range p.heard(p.feed(in) + p.roused()) {
		if strings.HasPrefix(m, `{"success":true,"request_id":1,`) {
			answers++
		} else if strings.HasPrefix(m, `{"subscription":"s1","push":{"type":"message"`) {
			pushes++
		}
	}
	if answers != count || pushes != count || len(p.in) > 0 {
		t.Errorf("%d answers and %d pushes of %d, %d bytes left", answers, pushes, count, len(p.in))
	}
}

// Between two pushes of a quiet subscription a flooded one has its turn, not all its backlog.
func TestMuxTurnsAreFair(t *testing.T) {
	onBothProtocols(t, func(t *testing.T, p *talker) {
		p.halls()
		p.b.call(t, "stream.create", `{"room":"calm"}`)
		p.ask(req(1, "subscribe", `{"to":"room","room":"r","subscription":"flood"}`),
			req(2, "subscribe", `{"to":"room","room":"calm","subscription":"calm"}`))
		p.b.publish(t, 0, 4999)
		p.b.call(t, "stream.publish", `{"room":"calm","event":"e","data":1}`)
		got, flooded, before := p.more(), 0, -1
		for _, m := range got {
			if strings.HasPrefix(m, `{"subscription":"calm"`) {
				before = flooded
			} else if m != pushOf("flood", roomEvent(flooded)) {
				t.Fatalf("event %d is %s", flooded, m)
			} else {
				flooded++
			}
		}
		if flooded != 5000 || before < 0 || before > turnBytes/60 {
			t.Errorf("%d events in all, %d of them before the calm one", flooded, before)
		}
	})
}

// A round pushes no more than what others of the loop can wait for.
func TestMuxRoundsAreBounded(t *testing.T) {
	p := newBench(t, Options{}).talk(t, false)
	p.halls()
	p.b.publish(t, 0, 4999)
	var subs []string
	for i := range 20 {
		subs = append(subs, p.raw(req(i, "subscribe", `{"to":"room","room":"r"}`)))
	}
	rounds, most := 0, len(p.feed(strings.Join(subs, "")))
	for p.woke > 0 {
		p.woke = 0
		most = max(most, len(p.feed("")))
		rounds++
	}
	if most > maxPush+2*turnBytes || rounds < 100 {
		t.Errorf("%d rounds of up to %d bytes", rounds, most)
	}
}

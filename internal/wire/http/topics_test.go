package httpwire

import (
	"context"
	nethttp "net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/command/replytest"
	"github.com/synapdb/synap/internal/store/pubsub"
	"github.com/synapdb/synap/internal/wire"
)

const noTopic = `!Invalid request: Topic 'none' not found`

var topicContract = map[string][]step{
	"from subscribing to unsubscribing": {
		{"pubsub.topics", `{}`, `{"topics":[],"count":0}`},
		{"pubsub.info", `{"topic":"none"}`, noTopic},
		{"pubsub.publish", `{"topic":"none","payload":1}`,
			`{"message_id":"$id","topic":"none","subscribers_matched":0}`},
		{"pubsub.info", `{"topic":"none"}`, noTopic},
		{"pubsub.subscribe", `{"topics":["a.b","a.*"],"subscriber_id":"me"}`,
			`{"subscriber_id":"me","topics":["a.b","a.*"],"subscription_count":2}`},
		{"pubsub.subscribe", `{"topics":["a.b","c"],"subscriber_id":"me"}`,
			`{"subscriber_id":"me","topics":["a.b","c"],"subscription_count":3}`},
		{"pubsub.subscribe", `{"topics":["a.#"]}`,
			`{"subscriber_id":"$made","topics":["a.#"],"subscription_count":1}`},
		{"pubsub.publish", `{"topic":"a.b","payload":{"x": 1},"metadata":{"k":"v"}}`,
			`{"message_id":"$two","topic":"a.b","subscribers_matched":2}`},
		{"pubsub.publish", `{"topic":"c","data":null,"priority":3,"headers":{}}`,
			`{"message_id":"$three","topic":"c","subscribers_matched":1}`},
		{"pubsub.topics", `{}`, `{"topics":["a.b","c"],"count":2}`},
		{"pubsub.topics", `{"match":"a*","cursor":""}`,
			`{"topics":["a.b"],"count":1,"cursor":null}`},
		{"pubsub.info", `{"topic":"a.b"}`, `{"topic":"a.b","subscriber_count":1,` +
			`"message_count":1,"created_at":1700000000}`},
		{"pubsub.stats", `{"topic":"ignored"}`, `{"total_topics":2,"total_subscribers":2,` +
			`"total_wildcard_subscriptions":2,"messages_published":3,"messages_delivered":0,` +
			`"slow_consumers_dropped":0}`},
		{"pubsub.unsubscribe", `{"subscriber_id":"me","topics":["c","x"]}`, `{"unsubscribed":1}`},
		{"pubsub.unsubscribe", `{"subscriber_id":"me","topics":[]}`, `{"unsubscribed":0}`},
		{"pubsub.unsubscribe", `{"subscriber_id":"me"}`, `{"unsubscribed":2}`},
		{"pubsub.unsubscribe", `{"subscriber_id":"me"}`, `{"unsubscribed":0}`},
		{"pubsub.unsubscribe", `{"subscriber_id":"$made"}`, `{"unsubscribed":1}`},
		{"pubsub.topics", `{}`, `{"topics":["a.b","c"],"count":2}`},
	},
	"what is refused": {
		{"pubsub.publish", `{"topic":"","payload":1}`, `!Invalid value: Topic cannot be empty`},
		{"pubsub.publish", `{"payload":1}`, `!Invalid request: Missing 'topic' field`},
		{"pubsub.publish", `{"topic":"t"}`, `!Invalid request: Missing 'payload' field`},
		{"pubsub.publish", `{"topic":"t","payload":1,"metadata":{"n":1}}`,
			`!Invalid value: metadata must be an object whose values are strings`},
		{"pubsub.subscribe", `{}`, `!Invalid request: Missing 'topics' field`},
		{"pubsub.subscribe", `{"topics":[]}`,
			`!Invalid request: topics must not be empty: name at least one`},
		{"pubsub.subscribe", `{"topics":["a",""]}`, `!Invalid value: Topic cannot be empty`},
		{"pubsub.subscribe", `{"topics":["a.#.b"]}`,
			`!Invalid value: '#' must be the last segment of a topic pattern`},
		{"pubsub.subscribe", `{"topics":["a"],"subscriber_id":"` + strings.Repeat("i", 513) + `"}`,
			`!Invalid request: subscriber_id is 513 bytes long; the limit is 512`},
		{"pubsub.topics", `{"cursor":"x"}`,
			`!Invalid request: Invalid cursor: give the one of the answer before, as it is`},
		{"pubsub.topics", `{"limit":0}`, `!Invalid value: limit must be at least 1`},
		{"pubsub.unsubscribe", `{}`, `!Invalid request: Missing 'subscriber_id' field`},
		{"pubsub.topics", `{}`, `{"topics":[],"count":0}`},
	},
}

func TestTopicsKeepTheContract(t *testing.T) {
	onEveryLane(t, Options{}, func(t *testing.T, b *bench) {
		for name, steps := range topicContract {
			t.Run(name, func(t *testing.T) {
				fresh := newBench(t, Options{})
				fresh.fast, fresh.pack = b.fast, b.pack
				say(t, fresh, steps)
			})
		}
	})
}

var topicVisits = []visit{
	{"POST", "/pubsub/subscribe", `{"topics":["a"],"subscriber_id":"me"}`, 200,
		`{"subscriber_id":"me","topics":["a"],"subscription_count":1}`},
	{"GET", "/pubsub/topics", "", 200, `{"topics":["a"],"count":1}`},
	{"GET", "/pubsub/a/info", "", 200,
		`{"topic":"a","subscriber_count":1,"message_count":0,"created_at":1700000000}`},
	{"GET", "/pubsub/none/info", "", 404,
		`{"error":"Invalid request: Topic 'none' not found","code":404}`},
	{"POST", "/pubsub/a/publish", `{}`, 400,
		`{"error":"Invalid request: Missing 'payload' field","code":400}`},
	{"GET", "/pubsub/stats", "", 200, `{"total_topics":1,"total_subscribers":1,` +
		`"total_wildcard_subscriptions":0,"messages_published":0,"messages_delivered":0,` +
		`"slow_consumers_dropped":0}`},
	{"POST", "/pubsub/unsubscribe", `{"subscriber_id":"me"}`, 200, `{"unsubscribed":1}`},
	{"GET", "/pubsub/ws", "", 426, "This is a live endpoint: connect with a WebSocket client\n"},
}

func TestRoutesOfTopics(t *testing.T) {
	onEveryLane(t, Options{}, func(t *testing.T, b *bench) {
		for _, v := range topicVisits {
			a := b.object(t, v.method, v.path, v.body)
			if a.StatusCode != v.status || a.body != v.want {
				t.Errorf("%s %s %s\n got %d %s\nwant %d %s", v.method, v.path, v.body,
					a.StatusCode, a.body, v.status, v.want)
			}
		}
	})
}

func TestInfoCountsTopicsThatAreSubscribedTo(t *testing.T) {
	b := newBench(t, Options{})
	b.object(t, "POST", "/pubsub/subscribe", `{"topics":["a","b","c.*"]}`)
	if got := b.object(t, "GET", "/info", "").body; !strings.Contains(got,
		`"pubsub_channels":2,"pubsub_patterns":0`) { // patterns are Redis' globs
		t.Errorf("got %s", got)
	}
}

// tell publishes a message of which the test knows all but the id.
func (l *live) tell(topic, payload string) {
	l.t.Helper()
	id := replytest.Names{}
	got := l.call(l.t, "pubsub.publish", `{"topic":"`+topic+`",`+payload+`}`)
	if !id.Match(got, `{"message_id":"$id","topic":"`+topic+`","subscribers_matched":1}`) {
		l.t.Fatalf("published: %s", got)
	}
}

func message(topic, rest string) string {
	return `{"type":"message","message_id":"$id","topic":"` + topic + `","payload":` + rest +
		`,"timestamp":1700000000}`
}

func TestMessagesArePushed(t *testing.T) {
	l := serveLive(t, newFakeFeed())
	l.call(t, "pubsub.subscribe", `{"topics":["early"],"subscriber_id":"me"}`)
	// A refusal leaves the id what it was registered for.
	if _, first := l.knock("/pubsub/ws?topics=x.%23.y&subscriber_id=me"); !strings.Contains(
		first, "must be the last segment") {
		t.Fatalf("got %s", first)
	}
	p, first := l.knock("/pubsub/ws?topics=a,b.*&topics=c.%23&subscriber_id=me")
	if want := `{"type":"connected","subscriber_id":"me","topics":["a","b.*","c.#"],` +
		`"subscription_count":4}`; first != want {
		t.Fatalf("got %s, want %s", first, want)
	}
	for _, m := range [][3]string{
		{"early", `"data":null`, `null,"metadata":null`},
		{"a", `"payload":"é\"\n","metadata":{"k":"v"}`, `"é\"\u000a","metadata":{"k":"v"}`},
		{"b.x", `"payload":[1, {"y":2}]`, `[1,{"y":2}],"metadata":null`},
		{"c", `"payload":"` + strings.Repeat("x", 200) + `"`,
			`"` + strings.Repeat("x", 200) + `","metadata":null`},
		{"c.d", `"payload":"` + strings.Repeat("y", 70_000) + `"`,
			`"` + strings.Repeat("y", 70_000) + `","metadata":null`},
	} {
		l.tell(m[0], m[1])
		if got := p.read(); !(replytest.Names{}).Match(got, message(m[0], m[2])) {
			t.Fatalf("got %.300s", got)
		}
	}
	topics := l.engine.Topics
	topics.Publish(&pubsub.Message{Topic: []byte("a"), Payload: []byte("\xff")}) // as RESP brings
	if got := p.read(); !strings.Contains(got, `"payload":"/w==","encoding":"base64",`) {
		t.Fatalf("got %s", got)
	}
	if err := p.Close(websocket.StatusNormalClosure, ""); err != nil {
		t.Error(err)
	}
	l.until("gone", func() bool { return topics.Stats().Subscribers == 0 })
}

// knock opens a feed and reads its first frame, whatever it says.
func (l *live) knock(path string) (*peer, string) {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patient)
	l.t.Cleanup(cancel)
	//nolint:bodyclose // the library says that there is none to close
	c, _, err := websocket.Dial(ctx, "ws://"+l.address()+path, nil)
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { _ = c.CloseNow() })
	c.SetReadLimit(1 << 20)
	p := &peer{c, l.t, ctx}
	return p, p.read()
}

func TestSubscriptionsThatAreRefused(t *testing.T) {
	l := serveLive(t, newFakeFeed())
	for _, path := range []string{"/pubsub/ws", "/pubsub/ws?topics="} {
		_, r, err := websocket.Dial(t.Context(), "ws://"+l.address()+path, nil)
		if err == nil || r.StatusCode != nethttp.StatusBadRequest {
			t.Errorf("%s: %v", path, err)
		}
		_ = r.Body.Close()
	}
	keeper, _ := l.knock("/pubsub/ws?topics=a&subscriber_id=me")
	for path, want := range map[string]string{
		"?topics=a,x.%23.y": `"error":"Invalid value: '#' must be the last segment of a topic `,
		"?topics=,":         `"error":"Invalid request: topics must not be empty`,
		"?topics=a&subscriber_id=me": `"error":"Invalid value: Subscriber 'me' is connected ` +
			`already"`,
	} {
		p, first := l.knock("/pubsub/ws" + path)
		if !strings.Contains(first, want) {
			t.Errorf("%s: %s", path, first)
		}
		_, _, err := p.Read(p.ctx)
		if websocket.CloseStatus(err) != websocket.StatusPolicyViolation {
			t.Errorf("%s: %v", path, err)
		}
	}
	l.tell("a", `"payload":1`) // it still has only the one subscriber
	keeper.read()
}

// A subscriber that falls behind is closed, and told why; others get everything.
func TestSlowSubscribersAreClosed(t *testing.T) {
	topics := command.NewTopics(pubsub.Options{Bound: 4, Burst: 8})
	b := newBench(t, Options{}, func(e *command.Engine) { e.Topics = topics })
	slow := b.socket(t).open("/pubsub/ws?topics=a")
	fast := b.socket(t).open("/pubsub/ws?topics=a")
	slow.conn.Stall(true)
	for range 5 {
		b.call(t, "pubsub.publish", `{"topic":"a","payload":1}`)
	}
	if got := slow.roused(); !strings.Contains(got, "slow consumer") {
		t.Errorf("the slow one got %q", got)
	}
	if got := fast.roused(); strings.Count(got, `"type":"message"`) != 5 {
		t.Errorf("the other got %q", got)
	}
	if s := topics.Stats(); s.Dropped != 1 || s.Subscribers != 1 {
		t.Errorf("%+v", s)
	}
}

// Pipelined messages wait for subscribers to come round: nobody is too slow for that.
func TestPublishersLetSubscribersHaveTheirTurn(t *testing.T) {
	const messages = 1000
	w := &waiting{t: t, bench: newBench(t, Options{}, func(e *command.Engine) {
		e.Topics = command.NewTopics(pubsub.Options{Bound: 4, Burst: 16})
	})}
	w.conn.SetWaker(w)
	var sub pubsub.Subscriber
	if err := w.engine.Topics.Open(&sub, nil, w.engine.Topics.Lane); err != nil {
		t.Fatal(err)
	}
	w.engine.Topics.SubscribeExact(&sub, 1, []byte("a"))
	rest := strings.Repeat("POST /pubsub/a/publish HTTP/1.1\r\nHost: x\r\n"+
		"Content-Type: application/json\r\nContent-Length: 13\r\n\r\n"+`{"payload":1}`, messages)
	answers, heard := 0, 0
	for {
		w.wakes = 0
		var text string
		rest, text = w.feed(rest, wire.Open)
		answers += strings.Count(text, `"subscribers_matched":1`)
		got, _ := sub.Drain(nil, messages)
		heard += len(got)
		if rest == "" {
			break
		}
		if w.wakes == 0 {
			t.Fatalf("nobody comes back to %d bytes", len(rest))
		}
	}
	if answers != messages || heard != messages || sub.Ended() != pubsub.NotEnded {
		t.Errorf("%d answers, %d messages, %q", answers, heard, sub.Ended())
	}
}

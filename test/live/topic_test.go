package live

import (
	"fmt"
	"slices"
	"strings"
)

// values are payloads of every kind.
var values = []any{"text", "\"quoted\" é\n", "", 7, -1.5, true, nil, []any{1, "a", nil},
	fields{"a": fields{"b": []any{}}}, "7", `{"a":1}`}

var topicScenarios = []scenario{
	{name: "a message reaches who is subscribed to its topic", run: func(u *user) {
		f := u.hear(u.name)
		for _, v := range values {
			answer := u.say(u.name, v)
			u.equal("matched", answer["subscribers_matched"], 1)
			u.equal("topic", answer["topic"], u.name)
			got := u.next(f)
			u.equal("topic", got["topic"], u.name)
			u.equal("payload", got["payload"], u.payload(v))
		}
	}, not: on(asksOnly, askers...)},
	{name: "several topics, in the order of their messages", run: func(u *user) {
		const count = 300
		f := u.hear(u.name+"a", u.name+"b", u.name+"end")
		for i := range count {
			u.say(u.name+string("abc"[i%3]), fmt.Sprint(i))
		}
		u.say(u.name+"end", "end")
		for i := range count {
			if i%3 != 2 {
				u.equal("payload", u.next(f)["payload"], fmt.Sprint(i))
			}
		}
		u.equal("the last", u.next(f)["payload"], "end")
	}, not: on(asksOnly, askers...)},
	{name: "who is subscribed is counted, until it leaves", run: func(u *user) {
		first, second := u.hear(u.name), u.hear(u.name, u.name+"b")
		matched := func(want int) func() bool {
			return func() bool {
				return u.number(u.say(u.name, "x"), "subscribers_matched") == int64(want)
			}
		}
		if !matched(2)() {
			u.Error("two are subscribed")
		}
		u.equal("info", u.do("pubsub.info", fields{"topic": u.name})["subscriber_count"], 2)
		first.close()
		u.eventually("one is left", matched(1))
		second.close()
		u.eventually("none is left", matched(0))
		u.equal("info", u.do("pubsub.info", fields{"topic": u.name})["subscriber_count"], 0)
	}, not: on(asksOnly, askers...)},
	{name: "nothing is kept for who comes later", run: func(u *user) {
		u.equal("matched", u.say(u.name, "early")["subscribers_matched"], 0)
		f := u.hear(u.name)
		u.say(u.name, "late")
		u.equal("payload", u.next(f)["payload"], "late")
	}, not: on(asksOnly, askers...)},
	{name: "metadata go with a message", run: func(u *user) {
		f := u.hear(u.name)
		u.do("pubsub.publish", fields{"topic": u.name, "payload": 1,
			"metadata": fields{"k": "v"}})
		u.say(u.name, 2)
		u.equal("metadata", u.next(f)["metadata"], fields{"k": "v"})
		u.equal("without", u.next(f)["metadata"], nil)
	}, not: not(on(asksOnly, askers...), on(textOnly, resps...))},
	{name: "a message has its id, as the publisher was told, and a time", run: func(u *user) {
		f := u.hear(u.name)
		id := u.say(u.name, 1)["message_id"]
		got := u.next(f)
		u.equal("message_id", got["message_id"], id)
		u.equal("type", got["type"], "message")
		if text, _ := id.(string); len(text) != 36 || u.number(got, "timestamp") == 0 {
			u.Errorf("%v is pushed", got)
		}
	}, not: not(on(asksOnly, askers...), on(matchedOnly, resps...))},
	{name: "wildcards are by segments", run: func(u *user) { u.wildcards() },
		not: not(on(asksOnly, askers...), on(noSegments, resps...))},
	{name: "a message comes once, whatever patterns match", run: func(u *user) {
		f := u.hear(u.name+".#", u.name+".*", u.name+".a", u.name+".a*")
		u.equal("subscriptions", f.first["subscription_count"], 4)
		u.equal("matched", u.say(u.name+".a", 1)["subscribers_matched"], 1)
		u.say(u.name+".b", 2)
		u.equal("first", u.next(f)["payload"], 1)
		u.equal("second", u.next(f)["payload"], 2)
	}, not: not(on(asksOnly, askers...), on(anEachOption, resps...))},
	{name: "patterns that are none", run: func(u *user) {
		for _, p := range []string{"a.#.b", "#.a", "a#", "#.#", "a.b#"} {
			_, err := u.door.hear(u.name, p)
			u.failed("hear "+p, err, "Invalid value: *")
		}
		u.equal("matched", u.say(u.name, 1)["subscribers_matched"], 0)
	}, not: not(on(asksOnly, askers...), on(noSegments, resps...))},
	{name: "patterns that are none, of a registration", run: func(u *user) {
		for _, p := range []string{"a.#.b", "#.a", "a#", "#.#", "a.b#", ""} {
			u.refused("pubsub.subscribe", fields{"topics": []any{u.name, p}}, "Invalid value: *")
		}
		u.equal("matched", u.say(u.name, 1)["subscribers_matched"], 0)
		u.refused("pubsub.subscribe", fields{"topics": []any{}}, "Invalid request: topics *")
	}, not: on(idsPush, resps...)},
	{name: "an id is registered, counts, and leaves", run: func(u *user) {
		id := u.name + "-id"
		answer := u.do("pubsub.subscribe", fields{"subscriber_id": id,
			"topics": []any{u.name, u.name + ".*"}})
		u.equal("answer", answer, fields{"subscriber_id": id, "subscription_count": 2,
			"topics": []any{u.name, u.name + ".*"}})
		u.equal("matched", u.say(u.name, 1)["subscribers_matched"], 1)
		u.equal("matched", u.say(u.name+".x", 1)["subscribers_matched"], 1)
		leave := fields{"subscriber_id": id, "topics": []any{u.name}}
		u.equal("left", u.do("pubsub.unsubscribe", leave)["unsubscribed"], 1)
		u.equal("matched", u.say(u.name, 1)["subscribers_matched"], 0)
		u.equal("matched", u.say(u.name+".x", 1)["subscribers_matched"], 1)
		leave = fields{"subscriber_id": id}
		u.equal("left", u.do("pubsub.unsubscribe", leave)["unsubscribed"], 1)
		u.equal("left again", u.do("pubsub.unsubscribe", leave)["unsubscribed"], 0)
		u.equal("matched", u.say(u.name+".x", 1)["subscribers_matched"], 0)
	}, not: on(idsPush, resps...)},
	{name: "a topic exists from its first subscription by name", run: func(u *user) {
		topics := func() any {
			return u.do("pubsub.topics", fields{"match": u.name + "*"})["topics"]
		}
		u.say(u.name, 1)
		u.refused("pubsub.info", fields{"topic": u.name},
			fmt.Sprintf("Invalid request: Topic '%s' not found", u.name))
		u.equal("topics", topics(), []any{})
		id := fields{"subscriber_id": u.name, "topics": []any{u.name, u.name + ".*"}}
		u.do("pubsub.subscribe", id)
		u.equal("topics", topics(), []any{u.name})
		u.do("pubsub.unsubscribe", id)
		u.equal("topics, when nobody is subscribed", topics(), []any{u.name})
		u.equal("subscribers", u.do("pubsub.info", fields{"topic": u.name})["subscriber_count"], 0)
	}, not: on(idsPush, resps...)},
	{name: "topics that somebody is subscribed to are listed", run: func(u *user) {
		u.hear(u.name+"b", u.name+"a")
		u.equal("topics", u.do("pubsub.topics", fields{"match": u.name + "*"})["topics"],
			[]any{u.name + "a", u.name + "b"})
	}, not: on(asksOnly, askers...)},
	{name: "an empty topic can't be published to", run: func(u *user) {
		u.refused("pubsub.publish", fields{"topic": "", "payload": 1},
			"Invalid value: Topic cannot be empty")
	}, not: not(on("Redis' channels may be empty", resps...),
		on(noEmptyPart, "REST", "SSE"))},
}

// say publishes a message.
func (u *user) say(topic string, payload any) fields {
	u.Helper()
	return u.do("pubsub.publish", fields{"topic": topic, "payload": payload})
}

// wildcards has one subscriber for each pattern.
func (u *user) wildcards() {
	u.Helper()
	topics := []string{"a", "a.b", "a.", "a.b.c", "a.bc", "b", "b.a", "ab", "a.b.", "x.y.z"}
	rules := map[string]string{
		"*": "a b ab", "#": "*", "a.*": "a.b a. a.bc", "a.#": "a a.b a. a.b.c a.bc a.b.",
		"*.b": "a.b", "a*": "a ab", "a.b*": "a.b a.bc", "*.*.*": "a.b.c a.b. x.y.z",
		"*.b.#": "a.b a.b.c a.b.", "a.*c": "a.bc", "a": "a", "x.*.z": "x.y.z",
		"*.*": "a.b a. a.bc b.a", "*b": "b ab",
	}
	feeds := map[string]*feed{}
	for pattern := range rules {
		feeds[pattern] = u.hear(u.name+"."+pattern, u.name)
	}
	for _, topic := range topics {
		u.say(u.name+"."+topic, topic)
	}
	u.say(u.name, "end")
	for pattern, want := range rules {
		if want == "*" {
			want = strings.Join(topics, " ")
		}
		got := u.until(feeds[pattern], "end")
		wanted := strings.Fields(want)
		slices.SortFunc(wanted, func(a, b string) int {
			return slices.Index(topics, a) - slices.Index(topics, b)
		})
		u.equal(pattern, got, wanted)
	}
}

// until are the payloads of messages before one whose payload is last.
func (u *user) until(f *feed, last string) (all []any) {
	u.Helper()
	for {
		v := u.next(f)["payload"]
		if v == last {
			return all
		}
		all = append(all, v)
	}
}

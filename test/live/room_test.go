package live

import (
	"fmt"
	"time"
)

var roomScenarios = []scenario{
	{name: "a room is made once", run: func(u *user) {
		u.do("stream.create", nil)
		u.refused("stream.create", nil,
			fmt.Sprintf("Invalid request: Room '%s' already exists", u.name))
		u.equal("created again", u.do("stream.get_or_create", nil)["created"], false)
		other := fields{"room": u.name + "-b"}
		u.equal("created", u.do("stream.get_or_create", other)["created"], true)
		rooms := u.do("stream.list", fields{"prefix": u.name})["rooms"]
		u.equal("rooms", rooms, []any{u.name, u.name + "-b"})
		u.do("stream.delete", other)
		u.refused("stream.delete", other,
			fmt.Sprintf("Invalid request: Room '%s-b' not found", u.name))
	}},
	{name: "a room that is not there", run: func(u *user) {
		gone := fmt.Sprintf("Invalid request: Room '%s' not found", u.name)
		for command, f := range map[string]fields{
			"stream.delete": nil, "stream.stats": nil, "stream.info": nil, "stream.history": nil,
			"stream.publish":       {"event": "e", "data": 1},
			"stream.publish_batch": {"events": []any{fields{"event": "e", "data": 1}}},
			"stream.consume":       {"subscriber_id": "s"},
			"stream.commit":        {"consumer": "c", "offset": 1},
			"stream.cursor":        {"consumer": "c"},
			"stream.forget":        {"consumer": "c"},
			"stream.trim":          {"keep": 1},
			"stream.update":        {"config": fields{"max_events": 5}},
		} {
			u.refused(command, f, gone)
		}
		if _, err := u.door.follow(u.name, nil); err == nil {
			u.Error("it can be followed")
		} else {
			u.failed("follow", err, gone)
		}
	}},
	{name: "events get offsets from 0, and stay when they are read", run: func(u *user) {
		u.do("stream.create", nil)
		u.numbered(0, 5)
		for range 2 {
			u.equal("first two", u.page(fields{"limit": 2}, 2), []int64{0, 1})
			u.equal("from 3", u.page(fields{"from_offset": 3}, 5), []int64{3, 4})
		}
		u.equal("from the end", u.page(fields{"from_offset": 5}, 5), nil)
		u.equal("from far behind the end", u.page(fields{"from_offset": 99}, 99), nil)
	}},
	{name: "values come back as they were", run: func(u *user) {
		u.do("stream.create", nil)
		values := []any{"text", "\"quoted\" é \n", 7, -1.5, true, nil, []any{}, []any{1, "a", nil},
			fields{"a": fields{"b": []any{false}}}, ""}
		for _, v := range values {
			u.publish("e", v)
		}
		before := time.Now().Add(-patience).Unix()
		for i, e := range u.events("stream.consume", fields{"subscriber_id": "s"}) {
			u.equal("value", e["value"], values[i])
			u.equal("event", e["event"], "e")
			if at := u.number(e, "timestamp"); at < before {
				u.Errorf("the timestamp is %d", at)
			}
		}
		f := u.follow(nil)
		for _, v := range values {
			u.equal("followed", u.next(f)["data"], v)
		}
	}},
	{name: "data are the bytes of their JSON", run: func(u *user) {
		u.do("stream.create", nil)
		u.publish("e", fields{"a": []any{1, "x"}})
		e := u.events("stream.consume", fields{"subscriber_id": "s"})[0]
		data, _ := e["data"].([]byte)
		u.equal("data", string(data), `{"a":[1,"x"]}`)
	}},
	{name: "metadata go with an event", run: func(u *user) {
		u.do("stream.create", nil)
		u.publish("e", 0, fields{"metadata": fields{"k": "v"}})
		e := u.events("stream.consume", fields{"subscriber_id": "s"})[0]
		u.equal("metadata", e["metadata"], fields{"k": "v"})
	}, not: on(textOnly, resps...)},
	{name: "old events go by count", run: func(u *user) {
		u.do("stream.create", fields{"config": fields{"max_events": 3}})
		u.numbered(0, 5)
		u.refused("stream.consume", fields{"subscriber_id": "s"},
			"Stream offset 0 out of range; earliest retained offset is 2")
		u.equal("what is kept", u.page(fields{"from_offset": 2}, 5), []int64{2, 3, 4})
		u.counts(3, 2, 4)
	}},
	{name: "a room can be trimmed", run: func(u *user) {
		u.do("stream.create", nil)
		u.numbered(0, 10)
		trim := func(f fields, want int64) {
			u.equal("trimmed", u.do("stream.trim", f)["trimmed"], want)
		}
		trim(fields{"before_offset": 4}, 4)
		trim(fields{"before_offset": 2}, 0)
		trim(fields{"keep": 3}, 3)
		u.counts(3, 7, 9)
		trim(fields{"keep": 0}, 3)
		u.equal("the next event", u.publish("e", 10), 10)
		u.equal("what is left", u.page(fields{"from_offset": 10}, 11), []int64{10})
	}},
	{name: "settings can be changed", run: func(u *user) {
		u.do("stream.create", fields{"config": fields{"max_events": 100, "retention_secs": 60}})
		u.numbered(0, 10)
		u.do("stream.update", fields{"config": fields{"max_events": 4}})
		u.numbered(10, 1)
		config, _ := u.do("stream.info", nil)["config"].(fields)
		u.equal("max_events", config["max_events"], 4)
		u.equal("retention_ms", config["retention_ms"], 60_000)
		u.counts(4, 7, 10)
		u.refused("stream.update", fields{"config": fields{"max_events": -2}},
			"Invalid value: max_events must be *")
	}},
	{name: "cursors are kept by name", run: func(u *user) {
		u.do("stream.create", nil)
		at := func(want any) {
			u.equal("cursor", u.do("stream.cursor", fields{"consumer": "c"})["offset"], want)
		}
		at(nil)
		for _, offset := range []int{5, 3} {
			u.do("stream.commit", fields{"consumer": "c", "offset": offset})
			at(offset)
		}
		list, _ := u.do("stream.info", nil)["consumers"].([]any)
		u.equal("consumers", list, []any{fields{"consumer": "c", "lag": 0, "offset": 3}})
		forget := fields{"consumer": "c"}
		u.equal("forgotten", u.do("stream.forget", forget)["forgotten"], true)
		u.equal("again", u.do("stream.forget", forget)["forgotten"], false)
		at(nil)
	}},
	{name: "a room made again is another one", run: func(u *user) {
		u.do("stream.create", nil)
		u.numbered(0, 3)
		u.do("stream.commit", fields{"consumer": "c", "offset": 2})
		before := u.do("stream.stats", nil)
		id := u.events("stream.consume", fields{"subscriber_id": "s"})[0]["id"]
		u.do("stream.delete", nil)
		u.do("stream.create", nil)
		u.numbered(0, 1)
		after := u.do("stream.stats", nil)
		if u.number(after, "generation") <= u.number(before, "generation") {
			u.Errorf("generation %v follows on %v", after["generation"], before["generation"])
		}
		if e := u.events("stream.consume", fields{"subscriber_id": "s"})[0]; e["id"] == id {
			u.Errorf("two events have the id %v", id)
		}
		u.equal("cursor", u.do("stream.cursor", fields{"consumer": "c"})["offset"], nil)
	}},
	{name: "figures of a room", run: func(u *user) {
		u.do("stream.create", fields{"config": fields{"max_events": 4}})
		u.numbered(0, 6)
		u.page(fields{"from_offset": 2, "limit": 3}, 5)
		st := u.do("stream.stats", nil)
		for name, want := range map[string]any{"name": u.name, "message_count": 4,
			"min_offset": 2, "max_offset": 5, "next_offset": 6, "subscriber_count": 0,
			"total_published": 6, "total_consumed": 3, "dropped": 2} {
			u.equal(name, st[name], want)
		}
		if made := u.number(st, "created_at"); time.Since(time.UnixMilli(made)) > 2*patience {
			u.Errorf("created_at is %d", made)
		}
	}},
}

// counts compares three figures of the room.
func (u *user) counts(messages, first, last int64) {
	u.Helper()
	st := u.do("stream.stats", nil)
	u.equal("message_count", st["message_count"], messages)
	u.equal("min_offset", st["min_offset"], first)
	u.equal("max_offset", st["max_offset"], last)
}

// events runs a command that answers some.
func (u *user) events(command string, f fields) []fields {
	u.Helper()
	list, ok := u.do(command, f)["events"].([]any)
	if !ok {
		u.Fatalf("%s %v has no events", command, f)
	}
	out := make([]fields, len(list))
	for i := range list {
		out[i], _ = list[i].(fields)
	}
	return out
}

// page are the offsets of the events that a consume answers; their values must be the same.
func (u *user) page(f fields, next int64) (offsets []int64) {
	u.Helper()
	answer := u.do("stream.consume", with(f, "subscriber_id", "s"))
	u.equal("next_offset", answer["next_offset"], next)
	list, _ := answer["events"].([]any)
	return u.offsetsOf(list)
}

func (u *user) offsetsOf(list []any) (offsets []int64) {
	u.Helper()
	for _, e := range list {
		event, _ := e.(fields)
		offset := u.number(event, "offset")
		u.equal("value", event["value"], offset)
		offsets = append(offsets, offset)
	}
	return offsets
}

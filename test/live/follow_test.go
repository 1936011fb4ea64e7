package live

import (
	"fmt"
	"time"
)

var followScenarios = []scenario{
	{name: "a reader waits for the next event", run: func(u *user) {
		u.do("stream.create", nil)
		u.numbered(0, 2)
		got := make(chan []int64)
		go func() {
			defer close(got)
			got <- u.page(fields{"from_offset": 2, "wait_ms": patience.Milliseconds()}, 3)
		}()
		u.eventually("it waits", func() bool {
			list, _ := u.do("stream.info", nil)["subscribers"].([]any)
			return len(list) == 1
		})
		u.numbered(2, 1)
		u.equal("events", <-got, []int64{2})
	}},
	{name: "a wait that nobody ends answers nothing, in its time", run: func(u *user) {
		u.do("stream.create", nil)
		const wait = 120 * time.Millisecond
		begun := time.Now()
		u.equal("events", u.page(fields{"wait_ms": wait.Milliseconds()}, 0), nil)
		if took := time.Since(begun); took < wait-time.Millisecond {
			u.Errorf("the answer came after %v", took)
		}
	}},
	{name: "the end of a room ends waits", run: func(u *user) {
		u.do("stream.create", nil)
		failed := make(chan error, 1)
		go func() {
			_, err := u.try("stream.consume",
				fields{"subscriber_id": "s", "wait_ms": patience.Milliseconds()})
			failed <- err
		}()
		u.eventually("it waits", func() bool {
			list, _ := u.do("stream.info", nil)["subscribers"].([]any)
			return len(list) == 1
		})
		u.do("stream.delete", nil)
		u.failed("the wait", <-failed, fmt.Sprintf("Invalid request: Room '%s' not found", u.name))
	}},
	{name: "a follower gets the past, then what comes", run: func(u *user) {
		u.do("stream.create", nil)
		u.numbered(0, 50)
		f := u.follow(fields{"from_offset": 20})
		u.equal("from_offset", f.first["from_offset"], 20)
		u.offsets(f, 20, 49)
		u.numbered(50, 50)
		u.offsets(f, 50, 99)
	}},
	{name: "a follower begins at 0 unless told", run: func(u *user) {
		u.do("stream.create", nil)
		u.numbered(0, 3)
		u.offsets(u.follow(nil), 0, 2)
	}},
	{name: "a follower begins with the newest, or with what comes", run: func(u *user) {
		u.do("stream.create", nil)
		u.numbered(0, 10)
		last, all := u.follow(fields{"last": 3}), u.follow(fields{"last": 99})
		moment := u.follow(fields{"since": time.Now().Add(-time.Hour).UnixMilli()})
		fresh := u.follow(fields{"new": true})
		u.equal("last 3", last.first["from_offset"], 7)
		u.equal("new", fresh.first["from_offset"], 10)
		u.numbered(10, 5)
		u.offsets(last, 7, 14)
		u.offsets(all, 0, 14)
		u.offsets(moment, 0, 14)
		u.offsets(fresh, 10, 14)
	}, not: on(startsAt, "RESP2")},
	{name: "a follower that is cut resumes at its offset", run: func(u *user) {
		u.do("stream.create", nil)
		from := int64(0)
		for range 5 {
			u.numbered(from, 10)
			f := u.follow(fields{"from_offset": max(0, from-5)})
			u.offsets(f, max(0, from-5), from+4)
			f.close()
			from += 10
		}
	}},
	{name: "a follower from below what is kept is told the gap", run: func(u *user) {
		u.do("stream.create", fields{"config": fields{"max_events": 5}})
		u.numbered(0, 20)
		f := u.follow(fields{"from_offset": 3})
		gap := u.next(f)
		u.equal("gap", gap, fields{"type": "gap", "from": 3, "to": 15})
		u.offsets(f, 15, 19)
	}, not: on(gapIsRefused, pullers...)},
	{name: "a reader from below what is kept is refused", run: func(u *user) {
		u.do("stream.create", fields{"config": fields{"max_events": 5}})
		u.numbered(0, 20)
		_, err := u.door.follow(u.name, fields{"from_offset": 3})
		u.failed("follow", err, "Stream offset 3 out of range; earliest retained offset is 15")
	}, not: on(gapIsPushed, pushers...)},
	{name: "a follower ends with its room", run: func(u *user) {
		u.do("stream.create", nil)
		u.numbered(0, 2)
		f := u.follow(nil)
		u.offsets(f, 0, 1)
		u.do("stream.delete", nil)
		err := u.ends(f)
		u.failed("the feed", err, fmt.Sprintf("Invalid request: Room '%s' *", u.name))
	}},
	{name: "events of a batch are followed in order", run: func(u *user) {
		u.do("stream.create", nil)
		f := u.follow(nil)
		var events []any
		for i := range 500 {
			events = append(events, fields{"event": "e", "data": i})
		}
		u.do("stream.publish_batch", fields{"events": events})
		u.offsets(f, 0, 499)
	}},
	{name: "metadata are pushed", run: func(u *user) {
		u.do("stream.create", nil)
		u.publish("e", 0, fields{"metadata": fields{"k": "v"}})
		u.equal("metadata", u.next(u.follow(nil))["metadata"], fields{"k": "v"})
	}, not: not(on(asksOnly, pullers...), on(textOnly, "RESP3"))},
}

package live

import (
	"fmt"
	"sync"
)

var writerScenarios = []scenario{
	{name: "many events at once get offsets in a row", run: func(u *user) {
		u.do("stream.create", nil)
		u.numbered(0, 1)
		answer := u.do("stream.publish_batch", fields{"events": []any{
			fields{"event": "e", "data": 1}, fields{"event": "e", "data": 2}}})
		u.equal("offsets", answer["offsets"], []any{1, 2})
		u.equal("events", u.page(nil, 3), []int64{0, 1, 2})
	}},
	{name: "many events are all right, or none is there", run: func(u *user) {
		u.do("stream.create", nil)
		events := []any{fields{"event": "e", "data": 1}, fields{"event": "", "data": 2}}
		if _, err := u.try("stream.publish_batch", fields{"events": events}); err == nil {
			u.Error("an event without a name is taken")
		}
		u.equal("events", u.page(nil, 0), nil)
	}},
	{name: "an event that expects another offset is refused", run: func(u *user) {
		u.do("stream.create", nil)
		u.equal("the first", u.publish("e", 0, fields{"expected_offset": 0}), 0)
		for _, expected := range []int{0, 2} {
			u.refused("stream.publish",
				fields{"event": "e", "data": 9, "expected_offset": expected},
				fmt.Sprintf("Offset conflict: the next offset of room '%s' is 1, not %d: "+
					"another writer came first", u.name, expected))
		}
		u.equal("the second", u.publish("e", 1, fields{"expected_offset": 1}), 1)
		u.equal("events", u.page(nil, 2), []int64{0, 1})
	}},
	{name: "of writers that expect the same offset one wins", run: func(u *user) {
		const writers, rounds = 8, 5
		u.do("stream.create", nil)
		for round := range rounds {
			var group sync.WaitGroup
			won := make(chan int64, writers)
			for range writers {
				group.Go(func() {
					answer, err := u.try("stream.publish",
						fields{"event": "e", "data": round, "expected_offset": round})
					if err == nil {
						won <- answer.(fields)["offset"].(int64)
					}
				})
			}
			group.Wait()
			if len(won) != 1 || <-won != int64(round) {
				u.Fatalf("round %d: %d writers won besides", round, len(won))
			}
		}
		u.equal("events", u.page(nil, rounds), []int64{0, 1, 2, 3, 4})
	}},
	{name: "a room may be made by its first event", run: func(u *user) {
		u.equal("offset", u.publish("e", 0, fields{"auto_create": true}), 0)
		u.equal("events", u.page(nil, 1), []int64{0})
	}, not: on(bySetting, resps...)},
	{name: "events that can't be", run: func(u *user) {
		u.do("stream.create", nil)
		u.refused("stream.publish", fields{"event": "", "data": 1},
			"Invalid value: the name of an event must have 1..512 bytes, not 0")
	}},
	{name: "readers have a name", run: func(u *user) {
		u.do("stream.create", nil)
		u.refused("stream.consume", fields{"subscriber_id": ""},
			"Invalid request: subscriber_id must not be empty: name the reader")
	}, not: on(noEmptyPart, "REST", "SSE")},
}

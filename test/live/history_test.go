package live

import "time"

var historyScenarios = []scenario{
	{name: "history from wherever one wants", run: func(u *user) {
		u.do("stream.create", fields{"config": fields{"max_events": 6}})
		for i := range 8 {
			u.publish([]string{"even", "odd"}[i%2], i)
		}
		for _, c := range []struct {
			ask  fields
			want []int64
			more bool
		}{
			{fields{}, []int64{2, 3, 4, 5, 6, 7}, false},
			{fields{"from_offset": 6}, []int64{6, 7}, false},
			{fields{"from_offset": -2}, []int64{6, 7}, false},
			{fields{"last": 3}, []int64{5, 6, 7}, false},
			{fields{"last": 100}, []int64{2, 3, 4, 5, 6, 7}, false},
			{fields{"last": 0}, nil, false},
			{fields{"to_offset": 3}, []int64{2, 3}, false},
			{fields{"from_offset": 4, "to_offset": 4}, []int64{4}, false},
			{fields{"event": "odd"}, []int64{3, 5, 7}, false},
			{fields{"event": "odd", "last": 3}, []int64{5, 7}, false},
			{fields{"event": "none"}, nil, false},
			{fields{"limit": 2}, []int64{2, 3}, true},
			{fields{"limit": 2, "last": 2}, []int64{6, 7}, false},
			{fields{"from_offset": 8}, nil, false},
		} {
			answer := u.do("stream.history", c.ask)
			list, _ := answer["events"].([]any)
			u.equal(jsonText(c.ask), u.offsetsOf(list), c.want)
			u.equal(jsonText(c.ask)+": more", answer["more"], c.more)
		}
		u.refused("stream.history", fields{"from_offset": 1},
			"Stream offset 1 out of range; earliest retained offset is 2")
	}},
	{name: "pages of a history are the whole of it", run: func(u *user) {
		u.do("stream.create", nil)
		u.numbered(0, 10)
		var all []int64
		for from := int64(0); ; {
			answer := u.do("stream.history", fields{"from_offset": from, "limit": 3})
			list, _ := answer["events"].([]any)
			all = append(all, u.offsetsOf(list)...)
			if from = u.number(answer, "next_offset"); answer["more"] != true {
				break
			}
		}
		u.equal("offsets", all, []int64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9})
	}},
	{name: "history from a moment on", run: func(u *user) {
		u.do("stream.create", nil)
		u.numbered(0, 1)
		first := u.events("stream.history", fields{"last": 1})[0]
		from := u.number(first, "timestamp") * 1000
		u.equal("since it was there", len(u.events("stream.history",
			fields{"from_time": from})), 1)
		u.equal("since a later moment", len(u.events("stream.history",
			fields{"from_time": time.Now().Add(time.Hour).UnixMilli()})), 0)
	}},
	{name: "an answer is bounded in bytes, and says that there is more", run: func(u *user) {
		u.do("stream.create", nil)
		u.numbered(0, 3)
		answer := u.do("stream.history", fields{"max_bytes": 1})
		list, _ := answer["events"].([]any)
		u.equal("events", u.offsetsOf(list), []int64{0})
		u.equal("next_offset", answer["next_offset"], 1)
		u.equal("more", answer["more"], true)
	}},
}

package live

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
)

var watchScenarios = []scenario{
	{name: "each change of a key is told", run: func(u *user) { u.changes() },
		not: on(asksOnly, askers...)},
	{name: "a key expires", run: func(u *user) {
		f := u.watching(nil, u.name)
		u.do("kv.set", fields{"key": u.name, "value": "v", "ttl": 1})
		u.event(f, u.name, fields{"event": "set", "value": "v", "version": 1})
		u.event(f, u.name, fields{"event": "expired"})
	}, not: on(asksOnly, askers...)},
	{name: "versions count from 1 again when a key does", run: func(u *user) {
		f := u.watching(nil, u.name)
		for range 2 {
			u.do("kv.set", fields{"key": u.name, "value": "a"})
			u.do("kv.set", fields{"key": u.name, "value": "b"})
			u.do("kv.del", fields{"key": u.name})
			u.event(f, u.name, fields{"event": "set", "value": "a", "version": 1})
			u.event(f, u.name, fields{"event": "set", "value": "b", "version": 2})
			u.event(f, u.name, fields{"event": "del"})
		}
	}, not: on(asksOnly, askers...)},
	{name: "patterns of keys are by segments", run: func(u *user) {
		keys := []string{"a", "ab", "a.b", "a.b.c", "b"}
		for pattern, want := range map[string]string{"*": "a ab b", "a*": "a ab", "a.*": "a.b",
			"a.#": "a a.b a.b.c", "a": "a", "*.b": "a.b", "#": "a ab a.b a.b.c b"} {
			f := u.watching(nil, u.name+"."+pattern, u.name)
			for _, key := range keys {
				u.do("kv.set", fields{"key": u.name + "." + key, "value": key})
			}
			u.do("kv.set", fields{"key": u.name, "value": "end"})
			var got []any
			for {
				v := u.eventOf(u.next(f))
				if v["value"] == "end" {
					break
				}
				got = append(got, v["value"])
			}
			u.equal(pattern, got, strings.Fields(want))
			f.close()
		}
	}, not: on(asksOnly, askers...)},
	{name: "who wants no values gets none", run: func(u *user) {
		f := u.watching(fields{"mode": "notify"}, u.name)
		u.do("kv.set", fields{"key": u.name, "value": "v"})
		v := u.eventOf(u.next(f))
		_, value := v["value"]
		_, truncated := v["truncated"]
		if v["event"] != "set" || value || truncated {
			u.Errorf("%v is told", v)
		}
		_, err := u.door.watch(fields{"mode": "loud"}, u.name)
		u.failed("another mode", err, "unknown watch mode 'loud' (value|notify)")
	}, not: on(asksOnly, askers...)},
	{name: "large values are left out", run: func(u *user) {
		f := u.watching(nil, u.name)
		for _, size := range []int{65_536, 65_537} {
			u.do("kv.set", fields{"key": u.name, "value": strings.Repeat("x", size)})
			v := u.eventOf(u.next(f))
			text, _ := v["value"].(string)
			kept := size <= 65_536
			if kept != (len(text) == size) || kept == (v["truncated"] == true) {
				u.Errorf("of %d bytes %d are told, truncated %v", size, len(text), v["truncated"])
			}
		}
	}, not: on(asksOnly, askers...)},
	{name: "patterns of keys that are none", run: func(u *user) {
		for _, p := range []string{"a.#.b", "a#", "##"} {
			_, err := u.door.watch(nil, p)
			u.failed("watch "+p, err, "Invalid value: *")
		}
	}, not: on(asksOnly, askers...)},
	{name: "a watch that is cut resumes from its record", run: func(u *user) {
		f := u.watching(nil, u.name)
		for round := range 4 {
			for i := range 5 {
				u.do("kv.set", fields{"key": u.name, "value": fmt.Sprint(round, " ", i)})
			}
			var last int64
			for i := range 5 {
				v := u.eventOf(u.next(f))
				u.equal("value", v["value"], fmt.Sprint(round, " ", i))
				if i == 2 {
					last = u.number(v, "lsn")
				}
			}
			f.close()
			f = u.watching(fields{"from_lsn": last}, u.name)
			for i := 3; i < 5; i++ { // what came behind it comes again
				u.equal("again", u.eventOf(u.next(f))["value"], fmt.Sprint(round, " ", i))
			}
		}
	}, not: on(asksOnly, askers...)},
	{name: "a watch that is cut resumes behind a message", run: func(u *user) {
		f := u.watching(nil, u.name+"*")
		var pairs []any
		for i := range 6 { // of one record
			pairs = append(pairs, fields{"key": fmt.Sprint(u.name, i), "value": fmt.Sprint(i)})
		}
		u.do("kv.mset", fields{"pairs": pairs})
		ids := map[int]any{}
		for i := range 6 {
			v := u.next(f)
			u.equal("value", u.eventOf(v)["value"], fmt.Sprint(i))
			ids[i] = v["message_id"]
		}
		f.close()
		for i := range 5 {
			f := u.watching(fields{"from_lsn": ids[i]}, u.name+"*")
			for next := i + 1; next < 6; next++ {
				u.equal("again", u.eventOf(u.next(f))["value"], fmt.Sprint(next))
			}
			f.close()
		}
	}, not: not(on(asksOnly, askers...), on(wholeRecords, resps...))},
	{name: "list, then watch: nothing is missed, nothing comes twice", run: func(u *user) {
		for range 5 {
			u.listThenWatch()
		}
	}, not: not(on(asksOnly, askers...), on(noListing, resps...))},
}

func (u *user) watching(f fields, patterns ...string) *feed {
	u.Helper()
	return u.open(u.door.watch(f, patterns...))
}

// eventOf is the event that a value of a watch has.
func (u *user) eventOf(v fields) fields {
	u.Helper()
	event, ok := v["payload"].(fields)
	if !ok || v["topic"] != fmt.Sprint("__watch@0__:", event["key"]) {
		u.Fatalf("%v is told", v)
	}
	return event
}

// event reads the next event of a key, of which some members must be as wanted.
func (u *user) event(f *feed, key string, want fields) {
	u.Helper()
	v := u.eventOf(u.next(f))
	u.equal("key", v["key"], key)
	for name, w := range want {
		u.equal(fmt.Sprint(want["event"], ": ", name), v[name], w)
	}
	if _, there := v["value"]; there != (want["value"] != nil) {
		u.Errorf("%v has a value, or has none", v)
	}
}

// changes makes one change of each kind.
func (u *user) changes() {
	u.Helper()
	f := u.watching(nil, u.name+"*")
	a, n := u.name+"a", u.name+"n"
	for _, c := range []struct {
		command string
		f       fields
		want    fields
	}{
		{"kv.set", fields{"key": a, "value": "one"}, fields{"event": "set", "value": "one"}},
		{"kv.append", fields{"key": a, "value": "two"},
			fields{"event": "append", "value": "onetwo"}},
		{"kv.setrange", fields{"key": a, "offset": 1, "value": "N"},
			fields{"event": "setrange", "value": "oNetwo"}},
		{"kv.expire", fields{"key": a, "ttl": 1000}, fields{"event": "expire"}},
		{"kv.persist", fields{"key": a}, fields{"event": "persist"}},
		{"kv.incr", fields{"key": n, "amount": 5}, fields{"event": "incrby", "value": "5"}},
		{"kv.decr", fields{"key": n, "amount": 2}, fields{"event": "decrby", "value": "3"}},
		{"kv.del", fields{"key": a}, fields{"event": "del"}},
		{"kv.set", fields{"key": n, "value": "x", "ttl": 1000},
			fields{"event": "set", "value": "x"}},
	} {
		u.do(c.command, c.f)
		u.event(f, c.f["key"].(string), c.want)
	}
}

// listThenWatch lists keys while others write, watches from there on, and compares what the watch
// makes of the list with what there is in the end.
func (u *user) listThenWatch() {
	u.Helper()
	const keys, writes = 8, 60
	prefix := u.name + "-"
	half, listed := make(chan struct{}), make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() {
		for i := range writes {
			key := fmt.Sprint(prefix, rand.IntN(keys))
			command, f := "kv.set", fields{"key": key, "value": fmt.Sprint("v", i)}
			if rand.IntN(3) == 0 {
				command, f = "kv.del", fields{"key": key}
			}
			if _, err := u.door.Call(command, f); err != nil {
				u.Error(err)
			}
			switch i {
			case writes / 3:
				close(half)
			case writes / 2:
				<-listed
			}
		}
	})
	<-half
	list := u.do("kv.scan", fields{"prefix": prefix, "values": true, "limit": 100})
	close(listed)
	have, lsn := u.values(list), u.number(list, "lsn")
	group.Wait()
	f := u.watching(fields{"from_lsn": list["lsn"]}, prefix+"*", u.name+"end")
	u.do("kv.set", fields{"key": u.name + "end", "value": "end"})
	for {
		v := u.eventOf(u.next(f))
		key := fmt.Sprint(v["key"])
		if key == u.name+"end" {
			break
		}
		if now := u.number(v, "lsn"); now <= lsn { // each change is a record of its own
			u.Fatalf("record %d comes after %d", now, lsn)
		} else {
			lsn = now
		}
		if v["event"] == "del" {
			delete(have, key)
		} else {
			have[key] = v["value"]
		}
	}
	f.close()
	u.equal("keys", have, u.values(u.do("kv.scan",
		fields{"prefix": prefix, "values": true, "limit": 100})))
}

// values are the keys of a list with their values.
func (u *user) values(list fields) fields {
	u.Helper()
	keys, _ := list["keys"].([]any)
	values, ok := list["values"].([]any)
	if !ok || len(values) != len(keys) || list["lsn"] == nil {
		u.Fatalf("a list is %v", list)
	}
	out := fields{}
	for i := range keys {
		out[fmt.Sprint(keys[i])] = values[i]
	}
	return out
}

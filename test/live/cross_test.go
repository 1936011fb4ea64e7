package live

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/synapdb/synap/test/harness"
)

// everybody is one user for each door, who share a name for what they make.
func everybody(t *testing.T, s *harness.Server, name string) []*user {
	t.Helper()
	var all []*user
	for _, d := range ways {
		opened, err := d.open(s)
		if err != nil {
			t.Fatalf("%s: %v", d.name, err)
		}
		t.Cleanup(opened.Close)
		all = append(all, &user{T: t, door: opened, name: name, way: d.name, text: d.text})
	}
	return all
}

// TestEveryDoorPublishesToEveryDoor has one space of topics: a message of any door reaches those
// who are subscribed at any door, with the same topic, payload and id.
func TestEveryDoorPublishesToEveryDoor(t *testing.T) {
	s := harness.Start(t)
	all := everybody(t, s, "shared")
	var feeds []*feed
	var listeners []*user
	for _, u := range all {
		if slices.Contains(askers, u.way) {
			continue
		}
		listeners = append(listeners, u)
		feeds = append(feeds, u.hear("shared", "end"))
	}
	for _, publisher := range all {
		for _, v := range values {
			answer := publisher.say("shared", v)
			publisher.equal(publisher.way+" matches", answer["subscribers_matched"], len(feeds))
			for i, u := range listeners {
				got := u.next(feeds[i])
				what := fmt.Sprintf("from %s to %s", publisher.way, u.way)
				u.equal(what+": topic", got["topic"], "shared")
				u.equal(what+": payload", got["payload"], u.payload(v))
				if id := answer["message_id"]; id != nil && !u.text {
					u.equal(what+": id", got["message_id"], id)
				}
			}
		}
	}
}

// TestEveryDoorFollowsEveryDoor has one log for each room: what any door publishes, alone or at
// the same time, is followed in the same order at all doors.
func TestEveryDoorFollowsEveryDoor(t *testing.T) {
	const each = 40
	s := harness.Start(t)
	all := everybody(t, s, "shared")
	all[0].do("stream.create", nil)
	var feeds []*feed
	for _, u := range all {
		feeds = append(feeds, u.follow(nil))
	}
	for i, v := range values {
		publisher := all[i%len(all)]
		publisher.equal("offset", publisher.publish("kind", v), i)
	}
	for i, u := range all {
		for n, v := range values {
			got := u.next(feeds[i])
			u.equal(fmt.Sprint(u.way, ": offset"), got["offset"], n)
			u.equal(fmt.Sprint(u.way, ": data"), got["data"], v)
		}
	}
	var group sync.WaitGroup
	for _, u := range all {
		group.Go(func() {
			for i := range each {
				_, err := u.try("stream.publish", fields{"event": u.way, "data": i})
				if err != nil {
					t.Errorf("%s: %v", u.way, err)
				}
			}
		})
	}
	group.Wait()
	var order []string
	for i, u := range all {
		next := map[any]int64{}
		for n := range each * len(all) {
			got := u.next(feeds[i])
			text := fmt.Sprint(got["offset"], " ", got["event"], " ", got["data"])
			if i == 0 {
				order = append(order, text)
			} else if order[n] != text {
				t.Fatalf("%s gets %s where the first door got %s", u.way, text, order[n])
			}
			if from := got["event"]; got["data"] != next[from] {
				t.Fatalf("%s: of %v comes %v after %d", u.way, from, got["data"], next[from])
			}
			next[got["event"]]++
		}
	}
}

// TestWhatOneDoorWritesAllOthersRead reads one room through all doors.
func TestWhatOneDoorWritesAllOthersRead(t *testing.T) {
	s := harness.Start(t)
	all := everybody(t, s, "read")
	all[0].do("stream.create", nil)
	for i, u := range all {
		u.equal("offset", u.publish("e", fields{"from": u.way}), i)
	}
	var first []fields
	for _, reader := range all {
		events := reader.events("stream.history", nil)
		if first == nil {
			first = events
		}
		for i, e := range events {
			reader.equal(reader.way+": value", e["value"], fields{"from": all[i].way})
			reader.equal(reader.way+": id", e["id"], first[i]["id"])
			reader.equal(reader.way+": data", e["data"], first[i]["data"])
			reader.equal(reader.way+": timestamp", e["timestamp"], first[i]["timestamp"])
		}
		reader.equal(reader.way+": events", len(events), len(all))
	}
}

// TestIDsAreTakenOver registers an id at each door for requests; a WebSocket opened with it gets
// what it is subscribed to.
func TestIDsAreTakenOver(t *testing.T) {
	s := harness.Start(t)
	w := &web{newEnvelope(s.HTTP, false)}
	for _, u := range everybody(t, s, "taken") {
		if slices.Contains(resps, u.way) {
			continue // no id is registered there
		}
		u.do("pubsub.subscribe", fields{"subscriber_id": u.way, "topics": []any{"taken.*"}})
		f := u.open(w.socket("/pubsub/ws", fields{"topics": "own", "subscriber_id": u.way}))
		u.equal("subscriber_id", f.first["subscriber_id"], u.way)
		u.equal("subscription_count", f.first["subscription_count"], 2)
		u.equal("matched", u.say("taken.x", u.way)["subscribers_matched"], 1)
		u.equal("matched", u.say("own", "end")["subscribers_matched"], 1)
		u.equal("payloads", u.until(f, "end"), []any{u.way})
		f.close()
		u.eventually("it is gone", func() bool {
			return u.number(u.say("own", "x"), "subscribers_matched") == 0
		})
	}
}

// TestEveryDoorWatchesEveryDoor has watchers at all doors: who changes keys by which door makes no
// difference, nor in which database FLUSHDB and SWAPDB are said.
func TestEveryDoorWatchesEveryDoor(t *testing.T) {
	s := harness.Start(t)
	all := everybody(t, s, "watched")
	var feeds []*feed
	var watchers []*user
	for _, u := range all {
		if !slices.Contains(askers, u.way) {
			watchers = append(watchers, u)
			feeds = append(feeds, u.watching(nil, "#"))
		}
	}
	told := func(writer, key string, want fields) {
		t.Helper()
		lsns := map[int64]bool{}
		for i, u := range watchers {
			v := u.next(feeds[i])["payload"].(fields)
			what := fmt.Sprintf("from %s to %s", writer, u.way)
			u.equal(what+": key", v["key"], key)
			for name, w := range want {
				u.equal(what+": "+name, v[name], w)
			}
			lsns[u.number(v, "lsn")] = true
		}
		if len(lsns) != 1 {
			t.Errorf("%s: the change of %s has lsns %v", writer, key, lsns)
		}
	}
	for _, writer := range all {
		key := "k." + writer.way
		writer.do("kv.set", fields{"key": key, "value": "v"})
		told(writer.way, key, fields{"event": "set", "value": "v", "version": 1})
		writer.do("kv.append", fields{"key": key, "value": "w"})
		told(writer.way, key, fields{"event": "append", "value": "vw", "version": 2})
		writer.do("kv.del", fields{"key": key})
		told(writer.way, key, fields{"event": "del", "value": nil})
	}
	r := newRESP(s.RESP, 2)
	t.Cleanup(r.Close)
	for _, line := range [][]any{{"SET", "\xff", "\xfe"}, {"SWAPDB", "0", "1"}, {"FLUSHALL"}} {
		if _, err := r.Words(line...); err != nil {
			t.Fatal(line, err)
		}
	}
	told("RESP2", "\uFFFD", fields{"event": "set", "value": nil, "truncated": true})
	told("RESP2", "", fields{"event": "swap", "version": 0})
	told("RESP2", "", fields{"event": "flush", "version": 0})
}

// TestEvictionsAreTold fills the memory of a small server.
func TestEvictionsAreTold(t *testing.T) {
	t.Setenv("SYNAP_KV_STORE_MAX_MEMORY_MB", "32")
	t.Setenv("SYNAP_KV_STORE_EVICTION_POLICY", "allkeys-lru")
	s := harness.Start(t)
	all := everybody(t, s, "evicted")
	var feeds []*feed
	for _, u := range all[len(askers):] {
		feeds = append(feeds, u.watching(fields{"mode": "notify"}, "#"))
	}
	value := strings.Repeat("x", 1<<20)
	for i := range 64 {
		all[0].do("kv.set", fields{"key": fmt.Sprint("k", i), "value": value})
	}
	all[0].do("kv.set", fields{"key": "end", "value": "end"})
	var first []string
	for i, u := range all[len(askers):] {
		var gone []string
		for {
			v := u.eventOf(u.next(feeds[i]))
			if v["key"] == "end" {
				break
			}
			if v["event"] == "evicted" {
				gone = append(gone, fmt.Sprint(v["key"]))
			}
		}
		if first == nil {
			first = gone
		}
		if len(gone) == 0 || !slices.Equal(gone, first) {
			t.Errorf("%s is told that %v are evicted, not %v", u.way, gone, first)
		}
	}
	for _, key := range first {
		if there := all[0].do("kv.exists", fields{"key": key})["exists"]; there != false {
			t.Errorf("%s is evicted, and there", key)
		}
	}
}

package httpwire

import (
	"strings"
	"testing"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/wire"
)

const noRoom = `!Invalid request: Room 'none' not found`

// event is an event of the room r as the tests see it, without its value.
func event(offset, name, data, metadata string) string {
	return `{"id":"1-` + offset + `","offset":` + offset + `,"room":"r","event":"` + name +
		`","data":` + data + `,"timestamp":1700000000,"metadata":` + metadata +
		`,"timestamp_ms":1700000000000,"value":`
}

// first and second are the events that some tests publish.
var (
	first  = event("0", "said", `[123,34,97,34,58,49,125]`, `{}`) + `{"a":1}}`
	second = event("1", "said", `[34,104,105,34]`, `{"by":"me"}`) + `"hi"}`
	third  = event("2", "left", `[110,117,108,108]`, `{}`) + `null}`
)

var roomContract = map[string][]step{
	"from making to deleting": {
		{"stream.list", `{}`, `{"rooms":[],"count":0}`},
		{"stream.create", `{"room":"r","max_events":100}`, `{"success":true,"room":"r"}`},
		{"stream.create", `{"room":"r"}`, `!Invalid request: Room 'r' already exists`},
		{"stream.create", `{}`, `!Invalid request: Missing 'room' field`},
		{"stream.create", `{"room":""}`, `!Invalid request: the name of a room must not be empty`},
		{"stream.create", `{"room":"` + strings.Repeat("n", 513) + `"}`,
			`!Invalid request: the name of a room is 513 bytes long; the limit is 512`},
		{"stream.get_or_create", `{"room":"r"}`, `{"success":true,"room":"r","created":false}`},
		{"stream.get_or_create", `{"room":"s","config":{"max_events":0}}`,
			`{"success":true,"room":"s","created":true}`},
		{"stream.list", `{}`, `{"rooms":["r","s"],"count":2}`},
		{"stream.list", `{"limit":1}`, `{"rooms":["r"],"count":1,"cursor":"cg"}`},
		{"stream.list", `{"limit":1,"cursor":"cg"}`, `{"rooms":["s"],"count":1,"cursor":null}`},
		{"stream.list", `{"prefix":"s"}`, `{"rooms":["s"],"count":1}`},
		{"stream.list", `{"cursor":"?"}`,
			`!Invalid request: Invalid cursor: give the one of the answer before, as it is`},
		{"stream.list", `{"limit":0}`, `!Invalid value: limit must be at least 1`},
		{"stream.publish", `{"room":"r","event":"said","data":{"a": 1}}`,
			`{"offset":0,"room":"r"}`},
		{"stream.publish", `{"room":"r","event":"said","data":"hi","metadata":{"by":"me"}}`,
			`{"offset":1,"room":"r"}`},
		{"stream.publish", `{"room":"none","event":"e","data":1}`, noRoom},
		{"stream.publish", `{"room":"r","data":1}`, `!Invalid request: Missing 'event' field`},
		{"stream.publish", `{"room":"r","event":"e"}`, `!Invalid request: Missing 'data' field`},
		{"stream.consume", `{"room":"r","subscriber_id":"me"}`,
			`{"events":[` + first + `,` + second + `],"next_offset":2}`},
		{"stream.consume", `{"room":"r","subscriber_id":"me","from_offset":1,"limit":null}`,
			`{"events":[` + second + `],"next_offset":2}`},
		{"stream.consume", `{"room":"r","subscriber_id":"me","limit":1}`,
			`{"events":[` + first + `],"next_offset":1}`},
		{"stream.consume", `{"room":"r","subscriber_id":"me","from_offset":7}`,
			`{"events":[],"next_offset":7}`},
		{"stream.consume", `{"room":"r"}`, `!Invalid request: Missing 'subscriber_id' field`},
		{"stream.consume", `{"room":"none","subscriber_id":"me"}`, noRoom},
		{"stream.consume", `{"room":"r","subscriber_id":"me","wait_ms":3600001}`,
			`!Invalid value: wait_ms must be at most 3600000, an hour; ask again after that`},
		{"stream.stats", `{"key":"r"}`, `{"name":"r","message_count":2,"min_offset":0,` +
			`"max_offset":1,"subscriber_count":0,"total_published":2,"total_consumed":4,` +
			`"dropped":0,"created_at":1700000000000,"generation":1,"next_offset":2,"bytes":206}`},
		{"stream.stats", `{"room":"none"}`, noRoom},
		{"stream.delete", `{"room":"r"}`, `{"success":true,"deleted":"r"}`},
		{"stream.delete", `{"room":"r"}`, `!Invalid request: Room 'r' not found`},
		{"stream.create", `{"room":"r"}`, `{"success":true,"room":"r"}`},
		{"stream.stats", `{"room":"r"}`, `{"name":"r","message_count":0,"min_offset":0,` +
			`"max_offset":0,"subscriber_count":0,"total_published":0,"total_consumed":0,` +
			`"dropped":0,"created_at":1700000000000,"generation":3,"next_offset":0,"bytes":0}`},
	},
	"many, and other writers": {
		{"stream.publish_batch", `{"room":"none","events":[]}`, noRoom},
		{"stream.publish_batch", `{"room":"none","events":[{"event":"e","data":1}]}`, noRoom},
		{"stream.create", `{"room":"r"}`, `{"success":true,"room":"r"}`},
		{"stream.publish_batch", `{"room":"r","events":[{"event":"e","data":1},{"data":2}]}`,
			`!Invalid request: Missing 'event' field, in events[1]`},
		{"stream.publish_batch", `{"room":"r","events":[{"event":"e","data":1},{"event":"",` +
			`"data":2}]}`, `!Invalid value: the name of an event must have 1..512 bytes, not 0, ` +
			`in events[1]`},
		{"stream.publish_batch", `{"room":"r","events":[{"event":"said","data":{"a":1}},` +
			`{"event":"said","data":"hi","headers":{"by":"me"}}]}`,
			`{"offsets":[0,1],"published":2,"room":"r"}`},
		{"stream.publish_batch", `{"room":"r","events":[]}`,
			`{"offsets":[],"published":0,"room":"r"}`},
		{"stream.publish", `{"room":"r","event":"left","data":null,"expected_offset":2}`,
			`{"offset":2,"room":"r"}`},
		{"stream.publish", `{"room":"r","event":"left","data":1,"expected_offset":2}`,
			`!Offset conflict: the next offset of room 'r' is 3, not 2: another writer came first`},
		{"stream.publish_batch", `{"room":"r","events":[{"event":"e","data":1}],` +
			`"expected_offset":0}`, `!Offset conflict: the next offset of room 'r' is 3, not 0: ` +
			`another writer came first`},
		{"stream.history", `{"room":"r"}`,
			`{"events":[` + first + `,` + second + `,` + third + `],"next_offset":3,"more":false}`},
		{"stream.history", `{"room":"r","from_offset":-1}`,
			`{"events":[` + third + `],"next_offset":3,"more":false}`},
		{"stream.history", `{"room":"r","last":2,"limit":1}`,
			`{"events":[` + second + `],"next_offset":2,"more":true}`},
		{"stream.history", `{"room":"r","from_offset":1,"to_offset":1}`,
			`{"events":[` + second + `],"next_offset":2,"more":false}`},
		{"stream.history", `{"room":"r","event":"left"}`,
			`{"events":[` + third + `],"next_offset":3,"more":false}`},
		{"stream.history", `{"room":"r","max_bytes":1}`,
			`{"events":[` + first + `],"next_offset":1,"more":true}`},
		{"stream.history", `{"room":"r","from_time":1700000000001}`,
			`{"events":[],"next_offset":3,"more":false}`},
		{"stream.history", `{"room":"r","from_offset":1,"last":1}`, `!Invalid request: ` +
			`from_offset, last and from_time exclude each other: give one of them`},
		{"stream.history", `{"room":"none"}`, noRoom},
		{"stream.publish", `{"room":"new","event":"e","data":1,"auto_create":true}`,
			`{"offset":0,"room":"new"}`},
		{"stream.publish", `{"room":"r","event":"e","data":1,"metadata":[]}`,
			`!Invalid request: Field 'metadata' must be an object, not an array`},
	},
	"bounds": {
		{"stream.create", `{"room":"r","config":{"max_events":9,"max_bytes":500},` +
			`"max_events":1}`, `{"success":true,"room":"r"}`},
		{"stream.publish_batch", `{"room":"r","events":[{"event":"a","data":1},{"event":"said",` +
			`"data":"hi","metadata":{"by":"me"}}]}`, `{"offsets":[0,1],"published":2,"room":"r"}`},
		{"stream.consume", `{"room":"r","subscriber_id":"me"}`,
			`!Stream offset 0 out of range; earliest retained offset is 1`},
		{"stream.history", `{"room":"r"}`,
			`{"events":[` + second + `],"next_offset":2,"more":false}`},
		{"stream.update", `{"room":"r","max_events":-1,"retention_secs":7}`,
			`{"success":true,"room":"r","config":{"max_events":-1,"max_bytes":500,` +
				`"retention_ms":7000}}`},
		{"stream.update", `{"room":"r","config":{"max_bytes":0}}`, `{"success":true,"room":"r",` +
			`"config":{"max_events":-1,"max_bytes":-1,"retention_ms":7000}}`},
		{"stream.update", `{"room":"r","max_bytes":-2}`, `!Invalid value: max_bytes must be 1 to ` +
			`1099511627776, -1 for no bound, or 0 for the default, not -2`},
		{"stream.update", `{"room":"r","retention_secs":1,"retention_ms":1}`, `!Invalid request: ` +
			`retention_secs and retention_ms exclude each other: give one of them`},
		{"stream.update", `{"room":"r","config":[{},{}]}`,
			`!Invalid request: config must be one object of settings`},
		{"stream.update", `{"room":"none"}`, noRoom},
		{"stream.trim", `{"room":"r"}`, `!Invalid request: Missing 'before_offset' field`},
		{"stream.trim", `{"room":"r","before_offset":1,"keep":1}`, `!Invalid request: ` +
			`before_offset and keep exclude each other: give one of them`},
		{"stream.trim", `{"room":"r","before_offset":1}`, `{"trimmed":0,"min_offset":1}`},
		{"stream.trim", `{"room":"r","keep":0}`, `{"trimmed":1,"min_offset":2}`},
		{"stream.trim", `{"room":"none","keep":0}`, noRoom},
	},
	"cursors": {
		{"stream.commit", `{"room":"none","consumer":"w","offset":1}`, noRoom},
		{"stream.create", `{"room":"r"}`, `{"success":true,"room":"r"}`},
		{"stream.cursor", `{"room":"r","consumer":"w"}`, `{"offset":null}`},
		{"stream.commit", `{"room":"r","consumer":"w","offset":5}`, `{"success":true,"offset":5}`},
		{"stream.commit", `{"room":"r","subscriber_id":"w","offset":0}`,
			`{"success":true,"offset":0}`},
		{"stream.cursor", `{"room":"r","consumer_id":"w"}`, `{"offset":0}`},
		{"stream.commit", `{"room":"r","consumer":"w"}`,
			`!Invalid request: Missing 'offset' field`},
		{"stream.commit", `{"room":"r","consumer":"","offset":1}`,
			`!Invalid value: the name of a consumer must have 1..512 bytes, not 0`},
		{"stream.info", `{"room":"r"}`, `{"room":"r","generation":1,"config":{` +
			`"max_events":10000,"max_bytes":-1,"retention_ms":3600000},"stats":{"name":"r",` +
			`"message_count":0,"min_offset":0,"max_offset":0,"subscriber_count":0,` +
			`"total_published":0,"total_consumed":0,"dropped":0,"created_at":1700000000000,` +
			`"generation":1,"next_offset":0,"bytes":0},"oldest_ms":null,` +
			`"active_ms":1700000000000,"consumers":[{"consumer":"w","offset":0,"lag":0}],` +
			`"subscribers":[]}`},
		{"stream.forget", `{"room":"r","consumer":"w"}`, `{"forgotten":true}`},
		{"stream.forget", `{"room":"r","consumer":"w"}`, `{"forgotten":false}`},
		{"stream.cursor", `{"room":"none","consumer":"w"}`, noRoom},
		{"stream.info", `{"room":"none"}`, noRoom},
	},
}

func TestRoomCommandsKeepTheContract(t *testing.T) {
	onEveryLane(t, Options{}, func(t *testing.T, b *bench) {
		for name, steps := range roomContract {
			t.Run(name, func(t *testing.T) {
				fresh := newBench(t, Options{})
				fresh.fast, fresh.pack = b.fast, b.pack
				say(t, fresh, steps)
			})
		}
	})
}

var roomVisits = []visit{
	{"POST", "/stream/r", "", 200, `{"success":true,"room":"r"}`},
	{"POST", "/stream/r", `{}`, 400, `{"error":"Invalid request: Room 'r' already exists",` +
		`"code":400}`},
	{"POST", "/stream/list", `{"max_events":5}`, 200, `{"success":true,"room":"list"}`},
	{"PUT", "/stream/r", "", 200, `{"success":true,"room":"r","created":false}`},
	{"PUT", "/stream/a%2Fb", `{}`, 200, `{"success":true,"room":"a/b","created":true}`},
	{"GET", "/stream/list", "", 200, `{"rooms":["a/b","list","r"],"count":3}`},
	{"DELETE", "/stream/list", "", 200, `{"success":true,"room":"list"}`},
	{"DELETE", "/stream/list", "", 400, `{"error":"Invalid request: Room 'list' not found",` +
		`"code":400}`},
	{"POST", "/stream/r/publish", `{"event":"said","data":{"a":1}}`, 200,
		`{"offset":0,"room":"r"}`},
	{"POST", "/stream/r/publish_batch", `{"events":[{"event":"said","data":"hi",` +
		`"metadata":{"by":"me"}},{"event":"left","data":null}]}`, 200,
		`{"offsets":[1,2],"published":2,"room":"r"}`},
	{"POST", "/stream/r/publish", `{"event":"said","data":1,"expected_offset":0}`, 409,
		`{"error":"Offset conflict: the next offset of room 'r' is 3, not 0: another writer ` +
			`came first","code":409}`},
	{"POST", "/stream/none/publish", `{"event":"said","data":1}`, 400,
		`{"error":"Invalid request: Room 'none' not found","code":400}`},
	{"GET", "/stream/r/consume/me", "", 200,
		`{"events":[` + first + `,` + second + `,` + third + `],"next_offset":3}`},
	{"GET", "/stream/r/consume/me?from_offset=1&limit=1", "", 200,
		`{"events":[` + second + `],"next_offset":2}`},
	{"GET", "/stream/r/history?last=1", "", 200,
		`{"events":[` + third + `],"next_offset":3,"more":false}`},
	{"GET", "/stream/r/history?from_offset=-2&event=said", "", 200,
		`{"events":[` + second + `],"next_offset":3,"more":false}`},
	{"PUT", "/stream/r/cursor/w", `{"offset":2}`, 200, `{"success":true,"offset":2}`},
	{"GET", "/stream/r/cursor/w", "", 200, `{"offset":2}`},
	{"DELETE", "/stream/r/cursor/w", "", 200, `{"forgotten":true}`},
	{"POST", "/stream/r/trim", `{"keep":1}`, 200, `{"trimmed":2,"min_offset":2}`},
	{"GET", "/stream/r/consume/me", "", 400, `{"error":"Stream offset 0 out of range; earliest ` +
		`retained offset is 2","code":400}`},
	{"PUT", "/stream/r/settings", `{"max_bytes":1}`, 200, `{"success":true,"room":"r",` +
		`"config":{"max_events":10000,"max_bytes":1,"retention_ms":3600000}}`},
	{"GET", "/stream/r/stats", "", 200, `{"name":"r","message_count":1,"min_offset":2,` +
		`"max_offset":2,"subscriber_count":0,"total_published":3,"total_consumed":6,` +
		`"dropped":0,"created_at":1700000000000,"generation":1,"next_offset":3,"bytes":90}`},
	{"GET", "/stream/none/stats", "", 400, `{"error":"Invalid request: Room 'none' not found",` +
		`"code":400}`},
	{"GET", "/stream/none/info", "", 400, `{"error":"Invalid request: Room 'none' not found",` +
		`"code":400}`},
}

func TestRoomRoutesKeepTheContract(t *testing.T) {
	onEveryLane(t, Options{}, func(t *testing.T, b *bench) {
		for _, v := range roomVisits {
			a := b.object(t, v.method, v.path, v.body)
			if a.StatusCode != v.status || a.body != v.want {
				t.Errorf("%s %s %s\n got %d %s\nwant %d %s", v.method, v.path, v.body,
					a.StatusCode, a.body, v.status, v.want)
			}
		}
	})
}

// An atomic batch spans keys, queues and rooms: all of it holds, or nothing.
func TestAtomicBatchesSpanRooms(t *testing.T) {
	const aborted = "Aborted: another command of this atomic batch failed"
	onEveryLane(t, Options{}, func(t *testing.T, b *bench) {
		say(t, b, []step{
			{"stream.create", `{"room":"r","max_events":1}`, `{"success":true,"room":"r"}`},
			{"queue.create", `{"name":"q"}`, `{"success":true}`},
			{"batch", `{"atomic":true,"commands":[{"command":"kv.set","payload":{"key":"k",` +
				`"value":1}},{"command":"queue.publish","payload":{"queue":"q","payload":[1]}},` +
				`{"command":"stream.publish","payload":{"room":"r","event":"e","data":1}},` +
				`{"command":"stream.publish","payload":{"room":"r","event":"e","data":1,` +
				`"expected_offset":7}}]}`, `{"results":[` + failed(aborted, "aborted") + `,` +
				failed(aborted, "aborted") + `,` + failed(aborted, "aborted") + `,` +
				failed("Offset conflict: the next offset of room 'r' is 1, not 7: another "+
					"writer came first", "offset_conflict") + `]}`},
			{"kv.exists", `{"key":"k"}`, `{"exists":false}`},
			{"queue.peek", `{"queue":"q"}`, `{"messages":[],"more":false}`},
			{"stream.history", `{"room":"r"}`, `{"events":[],"next_offset":0,"more":false}`},
			{"batch", `{"atomic":true,"commands":[{"command":"stream.delete","payload":` +
				`{"room":"r"}}]}`, `{"results":[` + failed("Invalid request: this command "+
				"cannot be part of an atomic batch", "bad_request") + `]}`},
			{"batch", `{"atomic":true,"commands":[{"command":"stream.publish","payload":{` +
				`"room":"r","event":"a","data":1}},{"command":"stream.publish","payload":{` +
				`"room":"r","event":"said","data":"hi","metadata":{"by":"me"}}},{"command":` +
				`"stream.commit","payload":{"room":"r","consumer":"w","offset":1}},` +
				`{"command":"kv.set","payload":{"key":"k","value":1}}]}`,
				`{"results":[{"success":true,"payload":{"offset":0,"room":"r"},"error":null,` +
					`"code":null},{"success":true,"payload":{"offset":1,"room":"r"},` +
					`"error":null,"code":null},{"success":true,"payload":{"success":true,` +
					`"offset":1},"error":null,"code":null},{"success":true,"payload":{` +
					`"success":true},"error":null,"code":null}]}`},
			{"kv.exists", `{"key":"k"}`, `{"exists":true}`},
			{"stream.history", `{"room":"r"}`,
				`{"events":[` + second + `],"next_offset":2,"more":false}`},
		})
	})
}

// MessagePack's binary data is base64 in JSON, and says so.
func TestPackedDataIsBase64(t *testing.T) {
	b := newBench(t, Options{})
	b.call(t, "stream.create", `{"room":"r"}`)
	body := "\x83\xa7command\xaestream.publish\xaarequest_id\xa1i\xa7payload" +
		"\x83\xa4room\xa1r\xa5event\xa1e\xa4data\xc4\x02\x00\xff"
	a := b.send(t, "POST", "/api/v1/command", body, "Content-Type: application/msgpack")
	if !strings.Contains(a.body, "\xa6offset\x00") {
		t.Fatalf("%q", a.body)
	}
	got := b.call(t, "stream.history", `{"room":"r"}`)
	if !strings.Contains(got, `"value":"AP8=","encoding":"base64"}`) {
		t.Error(got)
	}
}

// ring counts the wakes of a connection.
type ring struct{ times int }

func (r *ring) Wake() { r.times++ }

// A request with wait_ms is answered when there is an event, or when its time is up.
func TestARequestWaitsForAnEvent(t *testing.T) {
	b := newBench(t, Options{})
	b.call(t, "stream.create", `{"room":"r"}`)
	waiting, woken := b.NewConn(&command.Session{}), new(ring)
	waiting.SetWaker(woken)
	ask := func(from string) (string, wire.Verdict) {
		var out wire.Output
		_, _, v := waiting.Feed([]byte("GET /stream/r/consume/me?wait_ms=1000&from_offset="+from+
			" HTTP/1.1\r\nHost: test\r\n\r\n"), &out)
		return string(out.Buf), v
	}
	if text, v := ask("0"); v != wire.Park || text != "" {
		t.Fatalf("with nothing to read it answers %v %s", v, text)
	}
	say(t, b, []step{{"stream.publish", `{"room":"r","event":"said","data":{"a":1}}`,
		`{"offset":0,"room":"r"}`}})
	if text, v := ask("0"); woken.times != 1 || v == wire.Park ||
		!strings.HasSuffix(text, `{"events":[`+first+`],"next_offset":1}`) {
		t.Fatalf("woken %d times, it answers %v %s", woken.times, v, text)
	}
	ask("1")
	b.clock.Advance(1000)
	b.engine.Waits.Maintain(b.clock.Now(), 0)
	if text, v := ask("1"); woken.times != 2 || v == wire.Park ||
		!strings.HasSuffix(text, `{"events":[],"next_offset":1}`) {
		t.Fatalf("after its time, woken %d times, it answers %v %s", woken.times, v, text)
	}
	ask("1")
	waiting.Closed()
	if n := b.engine.Waits.Count(); n != 0 {
		t.Errorf("%d wait that are gone", n)
	}
}

package httpwire

import (
	"strings"
	"testing"

	"github.com/synapdb/synap/internal/command/replytest"
)

const settingNames = `name at least one of max_depth, ack_deadline_secs, default_max_retries, ` +
	`default_priority, prefetch_limit, ack_deadline_ms, overflow, backoff_base_ms, ` +
	`backoff_factor, backoff_cap_ms, backoff_jitter, dead_letter_queue, ttl_ms, ` +
	`dedup_window_secs, single_active_consumer`

// tail is the end of a message of the tests, delivered at their beginning.
const tail = `,"max_retries":3,"headers":{},"timestamp":1700000000,"retries":0,` +
	`"token":"$t","deadline":1700000030000`

// In these tables $words stand for ids and tokens: the first meeting names them.
var queueContract = map[string][]step{
	"from making to deleting": {
		{"queue.list", `{}`, `{"queues":[]}`},
		{"queue.create", `{"name":"q"}`, `{"success":true}`},
		{"queue.create", `{"name":"q","config":{"max_depth":1}}`, `{"success":true}`},
		{"queue.create", `{}`, `!Invalid request: Missing 'name' field`},
		{"queue.create", `{"queue":"r","max_depth":0,"ack_deadline_secs":0,"config":null}`,
			`{"success":true}`},
		{"queue.list", `{}`, `{"queues":["q","r"]}`},
		{"queue.list", `{"limit":1}`, `{"queues":["q"],"cursor":"cQ"}`},
		{"queue.list", `{"limit":1,"cursor":"cQ"}`, `{"queues":["r"],"cursor":null}`},
		{"queue.list", `{"cursor":""}`, `{"queues":["q","r"],"cursor":null}`},
		{"queue.list", `{"prefix":"r"}`, `{"queues":["r"]}`},
		{"queue.list", `{"cursor":"?"}`,
			`!Invalid request: Invalid cursor: give the one of the answer before, as it is`},
		{"queue.list", `{"limit":0}`, `!Invalid value: limit must be at least 1`},
		{"queue.publish", `{"queue":"q","payload":[0,255]}`, `{"message_id":"$a"}`},
		{"queue.publish", `{"queue":"none","payload":[]}`, `!Queue not found: none`},
		{"queue.publish", `{"payload":[]}`, `!Invalid request: Missing 'queue' field`},
		{"queue.publish", `{"queue":"q"}`, `!Invalid request: Missing 'payload' field`},
		{"queue.publish", `{"queue":"q","payload":null}`,
			`!Invalid request: Missing 'payload' field`},
		{"queue.consume", `{"queue":"q"}`, `!Invalid request: Missing 'consumer_id' field`},
		{"queue.consume", `{"queue":"none","consumer_id":"w"}`, `{"message":null}`},
		{"queue.consume", `{"queue":"q","consumer_id":"w"}`, `{"message":{"id":"$a",` +
			`"payload":[0,255],"priority":5,"retry_count":0` + tail + `}}`},
		{"queue.consume", `{"queue":"q","consumer_id":"w"}`, `{"message":null}`},
		{"queue.stats", `{"queue":"q"}`, `{"depth":0,"consumers":1,"published":1,"consumed":1,` +
			`"acked":0,"nacked":0,"dead_lettered":0}`},
		{"queue.stats", `{"queue":"none"}`, `!Queue not found: none`},
		{"queue.ack", `{"queue":"q"}`, `!Invalid request: Missing 'message_id' field`},
		{"queue.ack", `{"queue":"q","message_id":"$a"}`, `{"success":true}`},
		{"queue.ack", `{"queue":"q","message_id":"$a"}`, `!Message not found: $a`},
		{"queue.nack", `{"queue":"q","message_id":"x"}`, `!Message not found: x`},
		{"queue.nack", `{"queue":"none","message_id":"x"}`, `!Queue not found: none`},
		{"queue.purge", `{"queue":"q"}`, `{"purged":0}`},
		{"queue.purge", `{"queue":"none"}`, `!Queue not found: none`},
		{"queue.delete", `{"name":"q"}`, `{"deleted":true}`},
		{"queue.delete", `{"queue":"q"}`, `{"deleted":false}`},
		{"queue.delete", `{"queue":""}`,
			`!Invalid request: the name of a queue must not be empty`},
		{"queue.delete", `{"queue":"` + strings.Repeat("n", 513) + `"}`,
			`!Invalid request: the name of a queue is 513 bytes long; the limit is 512`},
	},
	"full": {
		{"queue.create", `{"name":"q","config":{"max_depth":"2"}}`, `{"success":true}`},
		{"queue.publish_batch", `{"queue":"q","messages":[{"payload":"a","dedup_id":"1"},` +
			`{"payload":"b","dedup_id":"1"},{"payload":"c"},{"payload":"d"}]}`,
			`{"message_ids":["$a","$a","$c",null],"published":2,"duplicates":1,"rejected":1,` +
				`"error":"Queue is full: q"}`},
		{"queue.publish", `{"queue":"q","payload":"d"}`, `!Queue is full: q`},
		{"queue.publish_batch", `{"queue":"q","messages":[{"payload":"e"},{"payload":"f"}]}`,
			`!Queue is full: q`},
		{"queue.publish_batch", `{"queue":"q","messages":[{"payload":"a","dedup_id":"1"}]}`,
			`{"message_ids":["$a"],"published":0,"duplicates":1}`},
		{"queue.publish", `{"queue":"q","payload":"a","dedup_id":"1"}`,
			`{"message_id":"$a","duplicate":true}`},
		{"queue.publish_batch", `{"queue":"q","messages":[]}`,
			`{"message_ids":[],"published":0,"duplicates":0}`},
		{"queue.publish_batch", `{"queue":"none","messages":[]}`, `!Queue not found: none`},
		{"queue.update", `{"queue":"q","overflow":"drop_oldest"}`, `{"success":true}`},
		{"queue.publish_batch", `{"queue":"q","messages":[{"payload":"e"},{"payload":"f"}]}`,
			`{"message_ids":["$e","$f"],"published":2,"duplicates":0}`},
		{"queue.consume", `{"queue":"q","consumer_id":"w","count":9}`,
			`{"messages":[{"id":"$e","payload":[101],"priority":5,"retry_count":0,` +
				`"max_retries":3,"headers":{},"timestamp":1700000000,"retries":0,"token":"$t",` +
				`"deadline":1700000030000,"value":"e"},{"id":"$f","payload":[102],"priority":5,` +
				`"retry_count":0,"max_retries":3,"headers":{},"timestamp":1700000000,"retries":0,` +
				`"token":"$u","deadline":1700000030000,"value":"f"}]}`},
	},
	"settings": {
		{"queue.create", `{"name":"q","config":{"max_depth":3,"default_max_retries":"none",` +
			`"default_priority":0,"ttl_ms":null},"max_depth":0,"prefetch_limit":2.0}`,
			`{"success":true}`},
		{"queue.publish", `{"queue":"q","payload":[1]}`, `{"message_id":"$a"}`},
		{"queue.consume", `{"queue":"q","consumer_id":"w"}`, `{"message":{"id":"$a",` +
			`"payload":[1],"priority":5,"retry_count":0` +
			strings.Replace(tail, `s":3`, `s":0`, 1) + `}}`},
		{"queue.update", `{"queue":"q","default_priority":0,"default_max_retries":"default",` +
			`"max_depth":1}`, `{"success":true}`},
		{"queue.publish", `{"queue":"q","payload":[2]}`, `{"message_id":"$b"}`},
		{"queue.publish", `{"queue":"q","payload":[3]}`, `!Queue is full: q`},
		{"queue.update", `{"queue":"q","max_depth":0}`, `{"success":true}`},
		{"queue.publish", `{"queue":"q","payload":[3]}`, `{"message_id":"$c"}`},
		{"queue.consume", `{"queue":"q","consumer_id":"w"}`, `{"message":{"id":"$b",` +
			`"payload":[2],"priority":0,"retry_count":0` +
			strings.Replace(tail, "$t", "$u", 1) + `}}`},
		{"queue.update", `{"queue":"q"}`, `!Invalid request: no setting is given: ` +
			settingNames},
		{"queue.update", `{"queue":"q","max_depth":null,"config":{}}`,
			`!Invalid request: no setting is given: ` + settingNames},
		{"queue.create", `{"name":"r","default_priority":10}`,
			`!Invalid value: default_priority must be at most 9`},
		{"queue.update", `{"queue":"q","max_depth":-1}`, `!Invalid value: max_depth must be a ` +
			`whole number of 0 or more, none or default`},
		{"queue.update", `{"queue":"q","max_depth":9223372036854775808}`,
			`!Invalid value: max_depth must be at most 1000000000000`},
		{"queue.update", `{"queue":"q","max_depth":[]}`, `!Invalid value: max_depth must be a ` +
			`whole number of 0 or more, none or default`},
		{"queue.update", `{"queue":"q","config":"x"}`, `!Invalid request: Field 'config' must ` +
			`be an object or an array of objects, not a string`},
		{"queue.update", `{"queue":"none","max_depth":1}`, `!Queue not found: none`},
	},
	"wrong batches": {
		{"queue.create", `{"name":"q"}`, `{"success":true}`},
		{"queue.publish_batch", `{"queue":"q"}`, `!Invalid request: Missing 'messages' field`},
		{"queue.publish_batch", `{"queue":"q","messages":7}`, `!Invalid request: Missing ` +
			`'messages' field: it must be an object or an array of objects, not a number`},
		{"queue.publish_batch", `{"queue":"q","messages":[{"payload":"a"},"b"]}`, `!Invalid ` +
			`request: Field 'messages' must be an array of objects; item 1 is a string`},
		{"queue.publish_batch", `{"queue":"q","messages":[{"payload":"a"},{}]}`,
			`!Invalid request: Missing 'payload' field, in messages[1]`},
		{"queue.publish_batch", `{"queue":"q","messages":[{"payload":"a"},{"payload":"b",` +
			`"priority":-1}]}`,
			`!Invalid request: Field 'priority' must not be negative, in messages[1]`},
		{"queue.publish_batch", `{"queue":"q","messages":[{"payload":"a"},{"payload":"b",` +
			`"delay_ms":1,"deliver_at":1}]}`, `!Invalid request: delay_ms and deliver_at ` +
			`exclude each other: give one of them, in messages[1]`},
		{"queue.publish_batch", `{"queue":"q","messages":[` +
			strings.Repeat(`{"payload":""},`, 100) + `{"payload":""}]}`,
			`!Invalid request: Field 'messages' holds at most 100 items; send it in parts`},
		{"queue.stats", `{"queue":"q"}`, `{"depth":0,"consumers":0,"published":0,"consumed":0,` +
			`"acked":0,"nacked":0,"dead_lettered":0}`},
		{"queue.publish_batch", `{"name":"q","messages":{"payload":"alone"}}`,
			`{"message_ids":["$a"],"published":1,"duplicates":0}`},
	},
	"options": {
		{"queue.create", `{"name":"q"}`, `{"success":true}`},
		{"queue.publish", `{"queue":"q","payload":[1],"priority":99,"max_retries":0,` +
			`"headers":{"a":1, "b":"[", "c":null}}`, `{"message_id":"$a"}`},
		{"queue.consume", `{"queue":"q","consumer_id":"w","ack_deadline_secs":5}`,
			`{"message":{"id":"$a","payload":[1],"priority":9,"retry_count":0,"max_retries":0,` +
				`"headers":{"a":1,"b":"[","c":null},"timestamp":1700000000,"retries":0,` +
				`"token":"$t","deadline":1700000005000}}`},
		{"queue.publish", `{"queue":"q","payload":[1],"headers":{"a":{}}}`, `!Invalid value: ` +
			`headers must be a JSON object whose values are strings, numbers, booleans or null`},
		{"queue.publish", `{"queue":"q","payload":[1],"headers":[]}`,
			`!Invalid request: Field 'headers' must be an object, not an array`},
		{"queue.publish", `{"queue":"q","payload":[1],"headers":{"a":"` +
			strings.Repeat("x", 65536) + `"}}`,
			`!Invalid request: headers are 65544 bytes long; the limit is 65536`},
		{"queue.publish", `{"queue":"q","payload":[1],"dedup_id":"` +
			strings.Repeat("x", 513) + `"}`,
			`!Invalid request: dedup_id is 513 bytes long; the limit is 512`},
		{"queue.publish", `{"queue":"q","payload":[1],"ttl":1,"ttl_ms":1}`,
			`!Invalid request: ttl and ttl_ms exclude each other: give one of them`},
		{"queue.publish", `{"queue":"q","payload":[1],"ttl":9223372036854775807}`,
			`!Invalid value: the moment is too far away: times may reach ten years ahead`},
		{"queue.publish", `{"queue":"q","payload":[1],"deliver_at":9223372036854775807}`,
			`!Invalid value: the moment is too far away: times may reach ten years ahead`},
		{"queue.publish", `{"queue":"q","payload":[1],"if_version":{"key":"k","version":0}}`,
			`{"message_id":"$b"}`},
		{"kv.set", `{"key":"k","value":1}`, `{"success":true}`},
		{"queue.publish", `{"queue":"q","payload":[1],"if_version":{"key":"k","version":0}}`,
			`!CAS failed - expected: version 0, actual: version 1`},
		{"queue.publish", `{"queue":"q","payload":[1],"if_version":{"key":"k"}}`,
			`!Invalid request: Field 'if_version' must have 'key', a string, and 'version', ` +
				`a number; 0 stands for an absent key`},
		{"queue.publish", `{"queue":"q","payload":[1],"if_version":{"key":"k","version":-1}}`,
			`!Invalid request: Field 'if_version.version' must not be negative`},
		{"queue.publish", `{"queue":"q","payload":[1],"if_version":7}`, `!Invalid request: ` +
			`Field 'if_version' must be an object of key and version, not a number`},
		{"queue.consume", `{"queue":"q","consumer_id":"w","count":0}`,
			`!Invalid value: count must be at least 1; leave it out for a single message`},
		{"queue.consume", `{"queue":"q","consumer_id":"w","wait_ms":3600001}`,
			`!Invalid value: a wait may be 3600000 ms at most, an hour; ask again after that`},
		{"queue.consume", `{"queue":"q","consumer_id":"w","ack_deadline_secs":1,` +
			`"ack_deadline_ms":1}`, `!Invalid request: ack_deadline_secs and ack_deadline_ms ` +
			`exclude each other: give one of them`},
		{"queue.consume", `{"queue":"q","consumer_id":""}`,
			`!Invalid request: consumer_id must not be empty: name the worker`},
	},
}

var queueSettles = map[string][]step{
	"many": {
		{"queue.create", `{"name":"q"}`, `{"success":true}`},
		{"queue.publish_batch", `{"queue":"q","messages":[{"payload":[1]},{"payload":[2]},` +
			`{"payload":[3]}]}`, `{"message_ids":["$a","$b","$c"],"published":3,"duplicates":0}`},
		{"queue.consume", `{"queue":"q","consumer_id":"w"}`, `{"message":{"id":"$a",` +
			`"payload":[1],"priority":5,"retry_count":0` + tail + `}}`},
		{"queue.ack", `{"queue":"q","acks":[{"message_id":"$a","token":"$t"},` +
			`{"message_id":"$b"}]}`, `{"success":false,"settled":1,"failed":1,"results":[` +
			`{"message_id":"$a","success":true},{"message_id":"$b","success":false,` +
			`"error":"Message not found: $b","code":"message_not_found"}]}`},
		{"queue.consume", `{"queue":"q","consumer_id":"w","count":2,"max_bytes":1}`,
			`{"messages":[{"id":"$b","payload":[2],"priority":5,"retry_count":0,"max_retries":3,` +
				`"headers":{},"timestamp":1700000000,"retries":0,"token":"$u",` +
				`"deadline":1700000030000}]}`},
		{"queue.nack", `{"queue":"q","message_ids":["$b","x"],"delay_ms":100}`,
			`{"success":false,"settled":1,"failed":1,"results":[{"message_id":"$b",` +
				`"success":true},{"message_id":"x","success":false,` +
				`"error":"Message not found: x","code":"message_not_found"}]}`},
		{"queue.ack", `{"queue":"q","message_ids":[]}`,
			`{"success":true,"settled":0,"failed":0,"results":[]}`},
		{"queue.ack", `{"queue":"none","message_ids":[]}`, `!Queue not found: none`},
		{"queue.ack", `{"queue":"q","acks":[{"token":"x"}]}`,
			`!Invalid request: Missing 'message_id' field, in acks[0]`},
		{"queue.ack", `{"queue":"q","message_ids":["a"],"token":"$t"}`, `!Invalid request: a ` +
			`token belongs to one message: give acks [{\"message_id\", \"token\"}] for many`},
		{"queue.ack", `{"queue":"q","message_ids":["a"],"message_id":"b"}`, `!Invalid request: ` +
			`message_id, message_ids and acks exclude each other: give one of them`},
		{"queue.nack", `{"queue":"q","message_id":"$b","requeue":false,"delay_ms":5}`,
			`!Invalid request: delay_ms has no meaning with requeue false: the message is not ` +
				`delivered again`},
		{"queue.ack", `{"queue":"q","message_id":"$c","token":"0"}`,
			`!Invalid value: token must be the 16 hex digits that came with the delivery`},
		{"queue.ack", `{"queue":"q","message_ids":[` + strings.Repeat(`"x",`, 100) + `"x"]}`,
			`!Invalid request: Field 'message_ids' holds at most 100 items; send it in parts`},
	},
	"extending": {
		{"queue.create", `{"name":"q"}`, `{"success":true}`},
		{"queue.publish", `{"queue":"q","payload":[1]}`, `{"message_id":"$a"}`},
		{"queue.consume", `{"queue":"q","consumer_id":"w"}`, `{"message":{"id":"$a",` +
			`"payload":[1],"priority":5,"retry_count":0` + tail + `}}`},
		{"queue.extend", `{"queue":"q","message_id":"$a","token":"$t","ack_deadline_ms":500}`,
			`{"success":true,"deadline":1700000000500}`},
		{"queue.extend", `{"queue":"q","message_id":"$a","consumer_id":"w","duration_secs":9}`,
			`{"success":true,"deadline":1700000009000}`},
		{"queue.extend", `{"queue":"q","message_id":"$a"}`,
			`{"success":true,"deadline":1700000030000}`},
		{"queue.extend", `{"queue":"q"}`, `!Invalid request: Missing 'message_id' field`},
		{"queue.extend", `{"queue":"q","message_id":"$a","ack_deadline_secs":2592001}`,
			`!Invalid value: an ack deadline may be 30 days at most; extend it while you work`},
		{"queue.peek", `{"queue":"q","state":"leased"}`, `{"messages":[{"id":"$a",` +
			`"state":"leased","payload":[1],"priority":5,"retry_count":0,"max_retries":3,` +
			`"headers":{},"timestamp":1700000000,"created_ms":1700000000000,` +
			`"consumer_id":"w","deadline":1700000030000}],"more":false}`},
		{"queue.peek", `{"queue":"q","state":"gone"}`,
			`!Invalid value: state must be ready, delayed, leased or dead`},
		{"queue.peek", `{"queue":"q","after":"x"}`,
			`!Invalid value: after must be the id of a message of the answer before`},
		{"queue.peek", `{"queue":"q","limit":0}`, `!Invalid value: limit must be at least 1`},
		{"queue.peek", `{"queue":"none"}`, `!Queue not found: none`},
	},
	"dead letters": {
		{"queue.create", `{"name":"q"}`, `{"success":true}`},
		{"queue.publish", `{"queue":"q","payload":"x","max_retries":0}`, `{"message_id":"$a"}`},
		{"queue.consume", `{"queue":"q","consumer_id":"w"}`, `{"message":{"id":"$a",` +
			`"payload":[120],"priority":5,"retry_count":0,"max_retries":0,"headers":{},` +
			`"timestamp":1700000000,"retries":0,"token":"$t","deadline":1700000030000,` +
			`"value":"x"}}`},
		{"queue.nack", `{"queue":"q","message_id":"$a"}`, `{"success":true}`},
		{"queue.dlq.list", `{"queue":"q"}`, `{"messages":[{"id":"$a","state":"dead",` +
			`"payload":[120],"priority":5,"retry_count":1,"max_retries":0,"headers":{},` +
			`"timestamp":1700000000,"created_ms":1700000000000,"reason":"max_retries",` +
			`"value":"x"}],"more":false}`},
		{"queue.dlq.retry", `{"queue":"q"}`, `!Invalid request: say which dead letters: ` +
			`message_id, message_ids, limit or all: true`},
		{"queue.dlq.purge", `{"queue":"q"}`, `!Invalid request: say which dead letters: ` +
			`message_id, message_ids or all: true`},
		{"queue.dlq.retry", `{"queue":"q","all":true,"limit":1}`, `!Invalid request: ` +
			`message_id, message_ids, all, and limit where there is one, exclude each other: ` +
			`give one of them`},
		{"queue.dlq.retry", `{"queue":"q","all":true,"dry_run":true}`,
			`{"dry_run":true,"count":1}`},
		{"queue.dlq.retry", `{"queue":"q","message_ids":[]}`, `{"retried":0,"remaining":1}`},
		{"queue.dlq.purge", `{"queue":"q","message_ids":[]}`, `{"purged":0}`},
		{"queue.dlq.retry", `{"queue":"q","limit":0}`, `!Invalid value: limit must be at least 1`},
		{"queue.dlq.retry", `{"queue":"q","limit":5}`, `{"retried":1,"remaining":0}`},
		{"queue.dlq.purge", `{"queue":"q","message_id":"$a"}`, `!Message not found: $a`},
		{"queue.dlq.purge", `{"queue":"q","message_id":"x"}`, `!Message not found: x`},
		{"queue.dlq.purge", `{"queue":"none","message_id":"x"}`, `!Queue not found: none`},
		{"queue.dlq.purge", `{"queue":"q","all":true,"dry_run":true}`,
			`{"dry_run":true,"count":0}`},
		{"queue.dlq.purge", `{"queue":"q","all":true}`, `{"purged":0}`},
	},
}

// say runs the steps of one table, each over a handler of its own.
func say(t *testing.T, b *bench, steps []step) {
	t.Helper()
	names := replytest.Names{}
	for _, s := range steps {
		payload := names.Fill(s.payload)
		if got := b.call(t, s.command, payload); !names.Match(got, s.want) {
			t.Errorf("%s %.300s\n got %s\nwant %s", s.command, payload, got, names.Fill(s.want))
		}
	}
}

func TestQueueCommandsKeepTheContract(t *testing.T) {
	onEveryLane(t, Options{}, func(t *testing.T, b *bench) {
		for _, table := range []map[string][]step{queueContract, queueSettles} {
			for name, steps := range table {
				t.Run(name, func(t *testing.T) {
					fresh := newBench(t, Options{})
					fresh.fast, fresh.pack = b.fast, b.pack
					say(t, fresh, steps)
				})
			}
		}
	})
}

// Whatever a payload is given as, its bytes and its value come back.
func TestPayloadsKeepTheirForm(t *testing.T) {
	onEveryLane(t, Options{}, func(t *testing.T, b *bench) {
		b.call(t, "queue.create", `{"name":"q"}`)
		for _, c := range []struct{ given, bytes, value string }{
			{`[]`, `[]`, ``},
			{`[0,255, 10 ]`, `[0,255,10]`, ``},
			{`""`, `[]`, `""`},
			{`"é\n"`, `[195,169,10]`, `"é\n"`},
			{`{"a":[1, 2]}`, `[123,34,97,34,58,91,49,44,50,93,125]`, `{"a":[1,2]}`},
			{`[256]`, `[91,50,53,54,93]`, `[256]`},
			{`[-1]`, `[91,45,49,93]`, `[-1]`},
			{`[1,"a"]`, `[91,49,44,34,97,34,93]`, `[1,"a"]`},
			{`[[1]]`, `[91,91,49,93,93]`, `[[1]]`},
			{`true`, `[116,114,117,101]`, `true`},
			{`7`, `[55]`, `7`},
			{`[1.5]`, `[91,49,46,53,93]`, `[1.5]`},
		} {
			b.call(t, "queue.publish", `{"queue":"q","payload":`+c.given+`}`)
			got := b.call(t, "queue.consume", `{"queue":"q","consumer_id":"w"}`)
			want := `"payload":` + c.bytes + `,"priority"`
			if !strings.Contains(got, want) {
				t.Errorf("%s comes back as %s", c.given, got)
			}
			if c.value != "" && !strings.HasSuffix(got, `,"value":`+c.value+`}}`) ||
				c.value == "" && strings.Contains(got, `"value"`) {
				t.Errorf("%s has the value of %s", c.given, got)
			}
		}
		if !b.pack {
			for given, value := range map[string]string{
				`[01]`: "!400", `[1.0]`: `[1.0]`, `[1e1]`: `[1e1]`, `[-0]`: `[-0]`, `[1`: "!400",
				`[ 1 , 2000 ]`: `[1,2000]`, `[1,]`: "!400", `[1 2]`: "!400",
			} {
				got := b.call(t, "queue.publish", `{"queue":"q","payload":`+given+`}`)
				if value != "!400" {
					got = b.call(t, "queue.consume", `{"queue":"q","consumer_id":"w"}`)
				}
				if !strings.Contains(got, value) {
					t.Errorf("%s became %s", given, got)
				}
			}
		}
	})
}

// MessagePack's own forms: binary is bytes, also in the answer, and so is text that is none.
func TestPackedPayloadsAreBinary(t *testing.T) {
	b := newBench(t, Options{})
	b.pack = true
	b.call(t, "queue.create", `{"name":"q"}`)
	for given, want := range map[string]string{
		"\xc4\x03\x00\xff\n":                        "\xa7payload\xc4\x03\x00\xff\n\xa8priority",
		"\xa2\xff\xfe":                              "\xa7payload\xc4\x02\xff\xfe\xa8priority",
		"\x93\x01\xcc\xff\xcd\x00\x02":              "\xa7payload\xc4\x03\x01\xff\x02\xa8priority",
		"\x92\x01\xcb?\xf0\x00\x00\x00\x00\x00\x00": "\xa5value\x92\x01",
	} {
		body := "\x83\xa7command\xadqueue.publish\xaarequest_id\xa1i\xa7payload" +
			"\x82\xa5queue\xa1q\xa7payload" + given
		a := b.send(t, "POST", "/api/v1/command", body, "Content-Type: application/msgpack")
		if !strings.Contains(a.body, "message_id") {
			t.Errorf("%q: %q", given, a.body)
		}
		a = b.send(t, "GET", "/queue/q/consume/w", "", "Accept: application/msgpack")
		if !strings.Contains(a.body, want) && !strings.HasPrefix(given, "\x92") {
			t.Errorf("%q comes back in %q", given, a.body)
		}
		if strings.HasPrefix(given, "\x92") && !strings.Contains(a.body, "\xa5value") {
			t.Errorf("%q comes back in %q", given, a.body)
		}
	}
}

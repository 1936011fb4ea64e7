package httpwire

import (
	"testing"

	frames "github.com/gobwas/ws"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/command/replytest"
)

const nothing = `{"message_id":null,"payload":null,"priority":null,"retry_count":null,` +
	`"max_retries":null,"headers":null,"timestamp":null,"retries":null,"token":null,` +
	`"deadline":null}`

var queueVisits = []visit{
	{"POST", "/queue/jobs", `{"max_depth":2,"config":{"default_priority":7}}`, 200,
		`{"success":true,"queue":"jobs"}`},
	{"POST", "/queue/list", "", 200, `{"success":true,"queue":"list"}`},
	{"POST", "/queue/a%2Fb", `{}`, 200, `{"success":true,"queue":"a/b"}`},
	{"GET", "/queue/list", "", 200, `{"queues":["a/b","jobs","list"]}`},
	{"GET", "/queue/list?prefix=j&cursor=", "", 200, `{"queues":["jobs"],"cursor":null}`},
	{"DELETE", "/queue/list", "", 200, `{"success":true,"deleted":true}`},
	{"DELETE", "/queue/list", "", 200, `{"success":true,"deleted":false}`},
	{"POST", "/queue/jobs/publish", `{"payload":[1,2],"headers":{"a":"b"}}`, 200,
		`{"message_id":"$a"}`},
	{"POST", "/queue/jobs/publish_batch", `{"messages":[{"payload":"x"}]}`, 200,
		`{"message_ids":["$b"],"published":1,"duplicates":0}`},
	{"POST", "/queue/jobs/publish", `{"payload":[]}`, 507,
		`{"error":"Queue is full: jobs","code":507}`},
	{"POST", "/queue/none/publish", `{"payload":[]}`, 404,
		`{"error":"Queue not found: none","code":404}`},
	{"POST", "/queue/jobs/publish", "", 400,
		`{"error":"Invalid request: Missing 'payload' field","code":400}`},
	{"GET", "/queue/jobs/peek?limit=1&state=ready", "", 200, `{"messages":[{"id":"$a",` +
		`"state":"ready","payload":[1,2],"priority":7,"retry_count":0,"max_retries":3,` +
		`"headers":{"a":"b"},"timestamp":1700000000,"created_ms":1700000000000}],"more":true}`},
	{"GET", "/queue/jobs/consume/w1", "", 200, `{"message_id":"$a","payload":[1,2],` +
		`"priority":7,"retry_count":0,"max_retries":3,"headers":{"a":"b"},` +
		`"timestamp":1700000000,"retries":0,"token":"$t","deadline":1700000030000}`},
	{"GET", "/queue/jobs/consume/w1?count=3&ack_deadline_secs=1", "", 200,
		`{"messages":[{"message_id":"$b","payload":[120],"priority":7,"retry_count":0,` +
			`"max_retries":3,"headers":{},"timestamp":1700000000,"retries":0,"token":"$u",` +
			`"deadline":1700000001000,"value":"x"}]}`},
	{"GET", "/queue/jobs/consume/w1", "", 200, nothing},
	{"GET", "/queue/none/consume/w1", "", 200, nothing},
	{"GET", "/queue/none/consume/w1?count=2", "", 200, `{"messages":[]}`},
	{"GET", "/queue/jobs/consume/w1?count=x", "", 400,
		`{"error":"Invalid request: Field 'count' must be a whole number of 64 bits","code":400}`},
	{"POST", "/queue/jobs/extend", `{"message_id":"$a","token":"$t","ack_deadline_ms":7}`, 200,
		`{"success":true,"deadline":1700000000007}`},
	{"POST", "/queue/jobs/ack", `{"message_id":"$a","token":"$u"}`, 409,
		`{"error":"Stale lease: message $a is leased by another delivery; drop this one",` +
			`"code":409}`},
	{"POST", "/queue/jobs/ack", `{"message_id":"$a"}`, 200, `{"success":true}`},
	{"POST", "/queue/jobs/ack", `{"message_id":"$a"}`, 404,
		`{"error":"Message not found: $a","code":404}`},
	{"POST", "/queue/jobs/nack", `{"message_id":"$b"}`, 400,
		`{"error":"Invalid request: Missing 'requeue' field","code":400}`},
	{"POST", "/queue/jobs/nack", `{"message_id":"$b","requeue":true}`, 200, `{"success":true}`},
	{"GET", "/queue/jobs/stats", "", 200, `{"depth":1,"consumers":0,"published":2,"consumed":2,` +
		`"acked":1,"nacked":1,"dead_lettered":0}`},
	{"POST", "/queue/jobs/purge", "", 200, `{"success":true,"purged":1}`},
	{"POST", "/queue/jobs/purge", `{"delayed":true}`, 200, `{"success":true,"purged":0}`},
	{"POST", "/queue/jobs/pause", "", 200, `{"success":true}`},
	{"POST", "/queue/jobs/resume", "", 200, `{"success":true}`},
	{"PUT", "/queue/jobs", `{"max_depth":5,"dead_letter_queue":"a/b"}`, 200,
		`{"success":true}`},
	{"PUT", "/queue/jobs", `{"overflow":"x"}`, 400,
		`{"error":"Invalid value: overflow must be reject or drop_oldest","code":400}`},
	{"PUT", "/queue/none", `{"max_depth":5}`, 404, `{"error":"Queue not found: none","code":404}`},
	{"GET", "/queue/jobs/dlq", "", 200, `{"messages":[],"more":false}`},
	{"POST", "/queue/jobs/dlq/retry", `{"all":true}`, 200, `{"retried":0,"remaining":0}`},
	{"POST", "/queue/jobs/dlq/purge", `{"all":true,"dry_run":true}`, 200,
		`{"dry_run":true,"count":0}`},
	{"GET", "/queue/none/info", "", 404, `{"error":"Queue not found: none","code":404}`},
	{"GET", "/queue/jobs/info", "", 200, `{"queue":"jobs","created_ms":1700000000000,` +
		`"paused":false,"config":{"max_depth":5,"default_max_retries":3,"default_priority":7,` +
		`"prefetch_limit":0,"ack_deadline_ms":30000,"overflow":"reject","backoff_base_ms":0,` +
		`"backoff_factor":2.0,"backoff_cap_ms":3600000,"backoff_jitter":0.0,` +
		`"dead_letter_queue":"a/b","ttl_ms":0,"dedup_window_secs":300,` +
		`"single_active_consumer":false},"stats":{"depth":0,"consumers":0,"published":2,` +
		`"consumed":2,"acked":1,"nacked":1,"dead_lettered":0,"delayed":0,"leased":0,"dead":0,` +
		`"waiters":0,"memory_bytes":0,"expired":0,"dropped":0,"duplicates":0,` +
		`"leases_expired":0,"returned":0},"oldest_ms":null,"active_consumer":null,` +
		`"consumers":[]}`},
}

func TestQueueRoutesKeepTheContract(t *testing.T) {
	onEveryLane(t, Options{}, func(t *testing.T, b *bench) {
		names := replytest.Names{}
		for _, v := range queueVisits {
			body := names.Fill(v.body)
			a := b.object(t, v.method, v.path, body)
			if a.StatusCode != v.status || !names.Match(a.body, v.want) {
				t.Errorf("%s %s %s\n got %d %s\nwant %d %s", v.method, v.path, body,
					a.StatusCode, a.body, v.status, names.Fill(v.want))
			}
		}
	})
}

// An atomic batch spans keys and queues, fenced by the lease's token: all of it holds, or nothing.
func TestAtomicBatchesSpanKeysAndQueues(t *testing.T) {
	onEveryLane(t, Options{}, func(t *testing.T, b *bench) {
		say(t, b, []step{
			{"queue.create", `{"name":"in"}`, `{"success":true}`},
			{"queue.create", `{"name":"out","max_depth":1}`, `{"success":true}`},
			{"queue.publish", `{"queue":"in","payload":[1]}`, `{"message_id":"$a"}`},
			{"queue.consume", `{"queue":"in","consumer_id":"w"}`, `{"message":{"id":"$a",` +
				`"payload":[1],"priority":5,"retry_count":0` + tail + `}}`},
			{"batch", `{"atomic":true,"commands":[{"command":"kv.set","payload":{"key":"k",` +
				`"value":1}},{"command":"queue.publish","payload":{"queue":"out",` +
				`"payload":"x"}},{"command":"queue.ack","payload":{"queue":"in",` +
				`"message_id":"$a","token":"0000000000000001"}}]}`,
				`{"results":[` + failed("Aborted: another command of this atomic batch failed",
					"aborted") + `,` + failed("Aborted: another command of this atomic batch "+
					"failed", "aborted") + `,` + failed("Stale lease: message $a is leased "+
					"by another delivery; drop this one", "stale_lease") + `]}`},
			{"kv.exists", `{"key":"k"}`, `{"exists":false}`},
			{"queue.peek", `{"queue":"out"}`, `{"messages":[],"more":false}`},
			{"batch", `{"atomic":true,"commands":[{"command":"queue.publish_batch","payload":` +
				`{"queue":"out","messages":[{"payload":"x"},{"payload":"y"}]}}]}`,
				`{"results":[` + failed("Queue is full: out", "queue_full") + `]}`},
			{"batch", `{"atomic":true,"commands":[{"command":"queue.ack","payload":` +
				`{"queue":"in","message_ids":["$a","x"]}}]}`,
				`{"results":[` + failed("Message not found: x", "message_not_found") + `]}`},
			{"batch", `{"atomic":true,"commands":[{"command":"queue.delete","payload":` +
				`{"queue":"in"}}]}`, `{"results":[` + failed("Invalid request: this command "+
				"cannot be part of an atomic batch", "bad_request") + `]}`},
			{"queue.peek", `{"queue":"out"}`, `{"messages":[],"more":false}`},
			{"batch", `{"atomic":true,"commands":[{"command":"queue.create","payload":` +
				`{"name":"new"}},{"command":"queue.publish","payload":{"queue":"new",` +
				`"payload":"x"}},{"command":"kv.set","payload":{"key":"k","value":1}},` +
				`{"command":"queue.consume","payload":{"queue":"in","consumer_id":"w",` +
				`"wait_ms":1000}},{"command":"queue.ack","payload":{"queue":"in",` +
				`"message_id":"$a","token":"$t"}}]}`,
				`{"results":[{"success":true,"payload":{"success":true},"error":null,` +
					`"code":null},{"success":true,"payload":{"message_id":"$b"},"error":null,` +
					`"code":null},{"success":true,"payload":{"success":true},"error":null,` +
					`"code":null},{"success":true,"payload":{"message":null},"error":null,` +
					`"code":null},{"success":true,"payload":{"success":true},"error":null,` +
					`"code":null}]}`},
			{"queue.ack", `{"queue":"in","message_id":"$a"}`, `!Message not found: $a`},
			{"kv.exists", `{"key":"k"}`, `{"exists":true}`},
		})
	})
}

// A HEAD has no body to tell of a message: none is leased for it.
func TestHeadConsumesNothing(t *testing.T) {
	b := newBench(t, Options{})
	b.call(t, "queue.create", `{"name":"q"}`)
	b.call(t, "queue.publish", `{"queue":"q","payload":[1]}`)
	if a := b.send(t, "HEAD", "/queue/q/consume/w", ""); a.StatusCode != 405 {
		t.Errorf("HEAD answers %d", a.StatusCode)
	}
	if a := b.send(t, "HEAD", "/queue/q/stats", ""); a.StatusCode != 200 {
		t.Errorf("HEAD of the stats answers %d", a.StatusCode)
	}
	say(t, b, []step{{"queue.stats", `{"queue":"q"}`, `{"depth":1,"consumers":0,"published":1,` +
		`"consumed":0,"acked":0,"nacked":0,"dead_lettered":0}`}})
}

// TestEmptyRoundsOfAPushCostNothing: a round that finds no message is no command, and its replies,
// such as pongs, wait for no commit.
func TestEmptyRoundsOfAPushCostNothing(t *testing.T) {
	s := &socket{t: t, b: newBench(t, Options{})}
	s.conn = s.b.conn
	s.conn.SetWaker(s)
	s.b.persist()
	s.b.send(t, "POST", "/queue/q", "{}", "Content-Type: application/json")
	s.open("/queue/q/ws/me")
	before := s.b.conn.session.Executed
	s.b.taken()
	s.want(unframe(t, s.feed(masked(frames.OpPing, true, "x"))+s.feed("")), "pong x")
	if level, wrote := s.b.taken(); wrote || level != command.DefaultLevel {
		t.Errorf("empty rounds wait for level %v", level)
	}
	if n := s.b.conn.session.Executed - before; n != 0 {
		t.Errorf("empty rounds count as %d commands", n)
	}
}

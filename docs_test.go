package synap_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/synapdb/synap/internal/assembly"
	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/command/synapcmd"
	"github.com/synapdb/synap/internal/config"
)

var update = flag.Bool("update", false, "write the generated documents instead of comparing")

// generated are the documents that are derived from tables in the code.
var generated = map[string]func() string{
	"docs/commands.md":      commandReference,
	"docs/configuration.md": configReference,
}

func TestGeneratedDocumentsAreFresh(t *testing.T) {
	for path, generate := range generated {
		want := generate()
		if *update {
			if err := os.WriteFile(path, []byte(want), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, []byte(want)) {
			t.Errorf("%s is stale (%v): run go test . -run Generated -update", path, err)
		}
	}
}

func configReference() string {
	var b strings.Builder
	b.WriteString("# Configuration\n\n" +
		"Generated from the table of settings (`go test . -run Generated -update`).\n\n" +
		"A value comes from, first wins: flag, environment, file, default. Each variable may\n" +
		"also be given as `NAME_FILE`, the path of a file that holds the value.\n\n" +
		"| key | default | expects | environment | flag | |\n|---|---|---|---|---|---|\n")
	for i := range config.Settings {
		s := &config.Settings[i]
		name := ""
		if s.Flag != "" {
			name = "`--" + s.Flag + "`"
		}
		fmt.Fprintf(&b, "| `%s` | `%s` | %s | `%s` | %s | %s |\n", s.Key, s.Default,
			cell(s.Expects()), s.Env(), name, cell(s.Doc))
	}
	return b.String()
}

func commandReference() string {
	var redis, dotted strings.Builder
	for _, row := range assembly.Table(synapcmd.Options{}).Rows() {
		if row.Call != nil {
			fmt.Fprintf(&dotted, "| `%s` | %s | %s | %s |\n", row.Name, fields(row), routes(row),
				cell(row.Summary))
			continue
		}
		redisRow(&redis, row)
		for _, sub := range row.Subcommands {
			redisRow(&redis, sub)
		}
	}
	return "# Commands\n\n" +
		"Generated from the command table (`go test . -run Generated -update`).\n\n" +
		"## Over RESP\n\nArguments, replies and errors are those of Redis 7.0; differences are " +
		"listed in\n[EXCEPTIONS.md](../test/redisdiff/EXCEPTIONS.md). Those with " +
		"an X or an S in\nfront of a verb, as SPUBLISH, are Synap's own over [rooms](#rooms), " +
		"those with a Q over\n[queues](#queues).\n\n" +
		"| command | arguments | |\n|---|---|---|\n" + redis.String() +
		"\n## Over HTTP\n\n`POST /api/v1/command` with " +
		"`{\"command\", \"request_id\", \"payload\": {fields}}`, in JSON or MessagePack,\n" +
		"`POST /api/v1/batch` for many, or the routes. **Bold** fields are required, and so is\n" +
		"`request_id`, a string that the answer repeats. Fields not listed are ignored.\n\n" +
		"A command that fails answers 200 with `success: false`, the `error` and its `code`, a\n" +
		"word; a route answers with the status of the failure and " +
		"`{\"error\", \"code\": status}`.\n" +
		"An envelope that can't be read answers 400, 415 or 422 in plain text.\n" +
		"`kv.get` returns text: of a value that is not UTF-8 `<binary data: N bytes>` unless\n" +
		"`type` is `bytes`; `GET /kv/{key}` returns the bytes themselves.\n\n" +
		"A WebSocket opens with fields in path and query. Frames are JSON texts: the server's\n" +
		"have a `type`, the first is `connected`; those of the peer are\n" +
		"`{\"command\", fields}`. A failure is answered\n" +
		"`{\"type\": \"error\", \"error\", \"code\"}` with the `request_id`\n" +
		"and `message_id` it is about, a success only if there was a `request_id`.\n\n" +
		"| command | fields | routes | |\n|---|---|---|---|\n" + dotted.String() +
		strings.ReplaceAll(aboutQueues+aboutRooms, "~", "`")
}

// aboutQueues is what the tables cannot say, with a tilde for every backtick.
const aboutQueues = `
## Queues

A message is leased to one consumer until it acknowledges it, gives it back, or its deadline
passes; then it is delivered again, ~retry_count~ one higher, and after ~max_retries~ kept
as a dead letter.

**Payloads.** An array of whole numbers 0..255 and MessagePack's binary are bytes; so is
what comes over RESP. A string is its UTF-8 bytes. Anything else, an array with any other
element included, is kept as its compact JSON text. Answers have the bytes in ~payload~, as
an array of numbers or as MessagePack's binary, and what was given as a string or JSON value
once more in ~value~. A message has at most 16 MiB; one answer about several stops once it
holds 8 MiB of payloads and headers.

**Deliveries.** A message has ~id~ (over the routes and the WebSocket ~message_id~),
~payload~, ~value~, ~priority~, ~retry_count~ (and the same as ~retries~), ~max_retries~,
~headers~, ~timestamp~ (seconds), ~token~ and ~deadline~ (ms). Settled with its token it
can't be mistaken for a later delivery: that is refused as ~stale_lease~. Consuming from a
queue that is not there finds nothing, and does not wait.

**Dead letters.** ~queue.dlq.retry~ answers ~retried~ and ~remaining~. Outside a transaction
many become ready in pieces, a million by one command: repeat it while there are some left.
With ~dry_run~ both commands answer ~count~ and change nothing.

**Many at once.** ~queue.publish_batch~ adds nothing if an item is wrong. If the queue fills
up midway, ~message_ids~ has null for what was refused, ~rejected~ counts it and ~error~
says why; if all is refused it fails. ~queue.ack~ and ~queue.nack~ of many answer ~success~
(none failed), ~settled~, ~failed~ and ~results~. In an atomic batch whatever can't be done
whole fails.

**Settings.** ~queue.create~ and ~queue.update~ take them beside the name or in ~config~. To
~queue.create~ absent or 0 is the server's default, since many clients send 0 for what was
left out; ~"none"~ is a real 0: no retries, priority 0, no bound of the depth, no window. To
~queue.update~ 0 is 0, absent ones stay, and ~"default"~ is the server's default again. Ack
deadline and the factor and cap of the back-off can't be 0: there it is the default, too.

**Push.** A WebSocket at ~/queue/{queue}/ws/{consumer_id}?prefetch=n~ gets messages as they
come, at most n of them not yet settled, 256 by default. It takes frames ~{"command":
"ack"|"nack"|"extend", …}~ with the fields of those commands. What it holds goes back at
once when it closes.
`

// aboutRooms is what the tables cannot say, likewise.
const aboutRooms = `
## Rooms

A room is a log of events. Each gets the next offset, from 0; reading removes nothing, and any
number of readers go through it, each at its own offset. ~next_offset~ of an answer is where to
go on.

**Events.** ~data~ is any JSON value. Over RESP the words are kept as they are if they are JSON
text, without line breaks between values; anything else is kept as a JSON string, of itself or,
where it is not UTF-8, of its base64, and comes back over RESP as it was. Answers over HTTP have
the bytes of the JSON text in ~data~, as an array of numbers or as MessagePack's binary, and the
value itself in ~value~; ~encoding~ is ~base64~ where MessagePack's binary or such words came in.
An event has ~id~, unlike that of any other event ever, ~offset~, ~room~, ~event~ (its type),
~timestamp~ (seconds), ~timestamp_ms~ and ~metadata~, an object. Data has at most 16 MiB; one
answer about several events stops after 8 MiB.

**What is kept.** The newest ~max_events~, ~max_bytes~ and those younger than ~retention_secs~;
events that a connected subscriber has not read stay up to ~stream.hard_events~. To go on from an
offset below the earliest is an error, so nothing is missed unnoticed; ~stream.history~ and XRANGE
without a beginning begin with the earliest. A setting of 0 is the server's default, -1 no bound.

**Writers.** ~expected_offset~, and an offset in XADD, refuse an event that would get another one:
~offset_conflict~, 409 over the routes. ~stream.publish_batch~ adds all of its events or, if one
is wrong, none. ~generation~ grows with every room made, over restarts too.

**Readers.** ~wait_ms~ and BLOCK wait for the next event. ~stream.commit~ keeps an offset under a
consumer's name, over restarts. XREADGROUP with ~>~ reads from the group's cursor and moves it;
XACK has nothing to do. Offsets of X commands may be written ~n-m~; reading begins at the offset,
not behind it.
`

func redisRow(b *strings.Builder, row *command.Row) {
	words := ""
	if row.Words != "" {
		words = "`" + cell(row.Words) + "`"
	}
	name := strings.ToUpper(strings.ReplaceAll(row.FullName(), "|", " "))
	fmt.Fprintf(b, "| `%s` | %s | %s |\n", name, words, cell(row.Summary))
}

func fields(row *command.Row) string {
	var names []string
	for i := range row.Fields {
		name := "`" + row.Fields[i].Name + "`"
		if row.Fields[i].Required {
			name = "**" + name + "**"
		}
		names = append(names, name)
	}
	return strings.Join(names, " ")
}

func routes(row *command.Row) string {
	var paths []string
	for _, r := range row.Routes {
		paths = append(paths, "`"+r.Method+" "+r.Path+"`")
	}
	if row.Feed != nil {
		paths = append(paths, "WebSocket `"+row.Feed.Path+"`")
	}
	return strings.Join(paths, "<br>")
}

// cell makes text fit into a table: a bar would end the cell.
func cell(text string) string { return strings.ReplaceAll(text, "|", "\\|") }

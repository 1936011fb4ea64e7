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
	var redis, dotted, detail strings.Builder
	for _, row := range assembly.Table(synapcmd.Options{}).Rows() {
		if row.Call != nil {
			fmt.Fprintf(&dotted, "| `%s` | %s | %s | %s |\n", row.Name, fields(row), routes(row),
				cell(row.Summary))
			if row.Group == "queue" {
				fieldList(&detail, row)
			}
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
		alone() +
		"\n### Fields of the queue commands\n\n" +
		"All but `queue.list` require **`queue`**, also called `name`, of 1 to 512 bytes;\n" +
		"commands with no other field are left out.\n\n" + detail.String() + settingTable() +
		strings.ReplaceAll(aboutQueues+aboutRooms+aboutTopics+aboutWatches+aboutMux, "~", "`")
}

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
		if r.Lines != nil {
			paths = append(paths, "lines: `"+r.Path+"?format=ndjson`")
		}
	}
	if row.Feed != nil && row.Feed.Path != "" {
		paths = append(paths, "WebSocket `"+row.Feed.Path+"`")
	}
	if row.Feed != nil && row.Feed.Events != "" {
		paths = append(paths, "server-sent events `GET "+row.Feed.Events+"`")
	}
	return strings.Join(paths, "<br>")
}

// cell makes text fit into a table: a bar would end the cell.
func cell(text string) string { return strings.ReplaceAll(text, "|", "\\|") }

package roomcmd_test

import (
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/synapdb/synap/internal/clock"
	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/command/conncmd"
	"github.com/synapdb/synap/internal/command/rediscmd"
	"github.com/synapdb/synap/internal/command/replytest"
	"github.com/synapdb/synap/internal/command/roomcmd"
	"github.com/synapdb/synap/internal/store/kv"
	"github.com/synapdb/synap/internal/store/queue"
	"github.com/synapdb/synap/internal/store/room"
)

// start is when all tests begin, in ms since the Unix epoch.
const start = 1_700_000_000_000

// bench runs commands of both dialects over stores of its own. The dotted commands' replies are
// tested over the wire, in internal/wire/http.
type bench struct {
	*command.Engine
	t       testing.TB
	session *command.Session
	clock   *clock.Manual
	names   replytest.Names
}

func newBench(t testing.TB) *bench {
	t.Helper()
	keys, err := kv.New(kv.Options{Shards: 4, Seed: 1, MaxMemory: 64 << 20})
	if err != nil {
		t.Fatal(err)
	}
	queues, err := queue.New(queue.Options{Shards: 4})
	if err != nil {
		t.Fatal(err)
	}
	rooms, err := room.New(room.Options{Shards: 4})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, end := range []func() error{keys.Close, queues.Close, rooms.Close} {
			if err := end(); err != nil {
				t.Error(err)
			}
		}
	})
	c := clock.NewManual(start)
	return &bench{t: t, clock: c, session: new(command.Session), names: replytest.Names{},
		Engine: &command.Engine{
			Table: command.NewTable(roomcmd.Rows(), rediscmd.Rows(), conncmd.Rows()),
			Store: keys, Queues: queues, Rooms: rooms, Clock: c,
			Sessions: command.NewRegistry(),
			Limits:   command.Limits{BatchItems: 100, BatchBytes: 1 << 20, ValueBytes: 1 << 20},
		}}
}

var goesOn = regexp.MustCompile(`\n\s*… `)

// wait lets time pass, and what is due happen.
func (b *bench) wait(milliseconds int64) {
	b.clock.Advance(milliseconds)
	b.Rooms.Maintain(b.clock.Now(), 1_000_000)
	b.Waits.Maintain(b.clock.Now(), 1_000_000)
}

// do runs one command line. Words in quotes are Go strings.
func (b *bench) do(line string) string {
	b.t.Helper()
	var argv [][]byte
	for rest := strings.TrimSpace(b.names.Fill(line)); rest != ""; {
		word, after, _ := strings.Cut(rest, " ")
		if rest[0] == '"' || rest[0] == '`' {
			quoted, err := strconv.QuotedPrefix(rest)
			if err != nil {
				b.t.Fatalf("%s: %v", line, err)
			}
			word, _ = strconv.Unquote(quoted)
			after = rest[len(quoted):]
		}
		argv, rest = append(argv, []byte(word)), strings.TrimSpace(after)
	}
	var r replytest.Recorder
	b.Exec(b.session, argv, &r)
	return r.Take()
}

// talk runs a script of lines "command line => reply". A line of "wait N" lets N ms pass; one that
// begins with an ellipsis goes on with the line before.
func (b *bench) talk(script string) {
	b.t.Helper()
	script = goesOn.ReplaceAllLiteralString(script, " ")
	for line := range strings.Lines(script) {
		line = strings.TrimSpace(line)
		if millis, found := strings.CutPrefix(line, "wait "); found {
			n, err := strconv.Atoi(millis)
			if err != nil {
				b.t.Fatal(err)
			}
			b.wait(int64(n))
			continue
		}
		if line == "" {
			continue
		}
		command, want, _ := strings.Cut(line, " => ")
		if got := b.do(command); !b.names.Match(got, want) {
			b.t.Errorf("%s\n got %s\nwant %s", command, got, b.names.Fill(want))
		}
	}
}

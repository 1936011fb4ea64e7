package resp_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/synapdb/synap/internal/clock"
	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/store/kv"
	"github.com/synapdb/synap/internal/wire"
	"github.com/synapdb/synap/internal/wire/resp"
)

// recording is an engine whose commands only write themselves down.
type recording struct {
	engine *command.Engine
	log    bytes.Buffer
}

func newRecording(t testing.TB) *recording {
	store, err := kv.New(kv.Options{Shards: 1, MaxMemory: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	r := &recording{}
	run := func(c *command.Ctx, argv [][]byte) error {
		fmt.Fprintf(&r.log, "%q\n", argv)
		if string(argv[0]) == "QUIT" {
			c.Session.Closing = true
		}
		c.Reply.Array(len(argv))
		for _, word := range argv {
			c.Reply.Bytes(word)
		}
		return nil
	}
	r.engine = &command.Engine{Store: store, Clock: clock.NewManual(1),
		Sessions: command.NewRegistry(), Settings: &command.Settings{},
		Table: command.NewTable([]*command.Row{
			{Name: "GET", Arity: -1, Flags: command.SelfLocking, Run: run},
			{Name: "QUIT", Arity: -1, Flags: command.SelfLocking, Run: run},
		})}
	return r
}

// outcome is all that a connection did with its input.
type outcome struct {
	commands, replies string
	verdict           wire.Verdict
	left              int // unconsumed bytes
}

// feed gives in to a new connection in pieces, whose sizes are the bytes of cuts in turn, 0 for
// all the rest. If patient, the connection is fed only when it has what it said it needs.
func (r *recording) feed(t *testing.T, in, cuts []byte, patient bool) outcome {
	r.log.Reset()
	limits := resp.Limits{Words: 20, BulkBytes: 1 << 10, LineBytes: 64, RequestBytes: 1500}
	conn := resp.NewConn(r.engine, &command.Session{}, limits)
	defer conn.Closed()
	var out wire.Output
	o := outcome{}
	var buffer []byte
	need := 0
	for i := 0; len(in) > 0 && o.verdict == wire.Open; i++ {
		n := len(in)
		if i < len(cuts) && cuts[i] != 0 {
			n = min(n, int(cuts[i]))
		}
		buffer = append(buffer, in[:n]...)
		in = in[n:]
		if patient && len(buffer) < need {
			continue
		}
		// A copy of exact size, so that reading past the end is caught, and old views go stale.
		view := bytes.Clone(buffer)
		var consumed int
		consumed, need, o.verdict = conn.Feed(view, &out)
		if consumed < 0 || consumed > len(buffer) {
			t.Fatalf("consumed %d of %d", consumed, len(buffer))
		}
		if need != 0 && need <= len(buffer)-consumed {
			t.Fatalf("needs %d of %d present bytes", need, len(buffer)-consumed)
		}
		clear(view)
		buffer = buffer[consumed:]
	}
	if o.left = len(buffer); o.verdict == wire.Close {
		o.left = 0
	}
	o.commands, o.replies = r.log.String(), string(out.Buf)
	return o
}

func FuzzParse(f *testing.F) {
	for _, in := range []string{
		"*1\r\n$3\r\nGET\r\n", "*2\r\n$3\r\nGET\r\n$11\r\nhello world\r\nGET a\r\n",
		"get 'a b' \"\\x41\"\r\nQUIT\r\nGET\r\n", "*0\r\n*-1\r\n\r\n\nGET\n", "*1\r\n$-1\r\n",
		"*20\r\n", "*21\r\n", "*1\r\nGET", "POST / HTTP/1.1\r\nHost: x\r\n\r\n", "GET \"",
		"*2\r\n$3\r\nGET\r\n$1024\r\n", "*1\r\n$1025\r\n", "*99999999999\r\n", "\x00\x01\xff\n",
	} {
		f.Add([]byte(in), []byte{1, 2, 3})
	}
	r := newRecording(f)
	f.Fuzz(func(t *testing.T, in, cuts []byte) {
		whole := r.feed(t, in, nil, false)
		ones := bytes.Repeat([]byte{1}, len(in))
		for _, other := range []outcome{
			r.feed(t, in, cuts, false), r.feed(t, in, cuts, true),
			r.feed(t, in, ones, false), r.feed(t, in, ones, true),
		} {
			if other != whole {
				t.Fatalf("in pieces: %+v\nas a whole: %+v", other, whole)
			}
		}
	})
}

package redisdiff

import (
	"bufio"
	"bytes"
	"fmt"
	"testing"

	"github.com/synapdb/synap/internal/clock"
	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/command/conncmd"
	"github.com/synapdb/synap/internal/command/rediscmd"
	"github.com/synapdb/synap/internal/store/kv"
	"github.com/synapdb/synap/internal/wire"
	"github.com/synapdb/synap/internal/wire/resp"
)

// newEngine makes our side, without sockets: connections are fed by the test.
func newEngine(t *testing.T) *command.Engine {
	t.Helper()
	store, err := kv.New(kv.Options{Shards: 8})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return &command.Engine{
		Table: command.NewTable(rediscmd.Rows(), conncmd.Rows()), Store: store,
		Clock: clock.Real{}, Sessions: command.NewRegistry(), Settings: &command.Settings{},
		Limits: command.Limits{BatchItems: 1000, BatchBytes: 64 << 20, ValueBytes: 512 << 20},
	}
}

// synapConn is a connection to our side.
type synapConn struct {
	conn *resp.Conn
	out  wire.Output
}

func newSynapConn(e *command.Engine) *synapConn {
	return &synapConn{conn: resp.NewConn(e, &command.Session{}, resp.Limits{})}
}

// do feeds one command line and reads its reply.
func (s *synapConn) do(argv []string) (reply, error) {
	s.out.Reset(1 << 20)
	line := encode(argv)
	consumed, _, verdict := s.conn.Feed(line, &s.out)
	if consumed != len(line) || verdict != wire.Open {
		return reply{}, fmt.Errorf("%d of %d bytes consumed, verdict %d", consumed, len(line),
			verdict)
	}
	sent := bytes.Join(s.out.Segments(nil), nil)
	in := bufio.NewReader(bytes.NewReader(sent))
	r, err := readReply(in)
	if err == nil && in.Buffered() > 0 {
		return r, fmt.Errorf("more than one reply: %q", sent)
	}
	return r, err
}

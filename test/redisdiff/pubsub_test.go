package redisdiff

import (
	"bufio"
	"bytes"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/command/conncmd"
	"github.com/synapdb/synap/internal/command/pubsubcmd"
	"github.com/synapdb/synap/internal/command/rediscmd"
	"github.com/synapdb/synap/internal/command/roomcmd"
	"github.com/synapdb/synap/internal/store/pubsub"
	"github.com/synapdb/synap/internal/wire"
	"github.com/synapdb/synap/internal/wire/resp"
)

// hearing is a connection to each side that messages may be pushed to.
type hearing struct {
	conn   *resp.Conn
	out    wire.Output
	woken  bool
	theirs net.Conn
}

// Wake is part of wire.Waker.
func (h *hearing) Wake() { h.woken = true }

func newHearing(t *testing.T, e *command.Engine, addr string) *hearing {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	h := &hearing{conn: resp.NewConn(e, &command.Session{}, resp.Limits{}), theirs: c}
	h.conn.SetWaker(h)
	return h
}

// heard is all that our side has said to the connection since the last time.
func (h *hearing) heard() []byte {
	for h.woken {
		h.woken = false
		h.conn.Feed(nil, &h.out)
	}
	all := bytes.Join(h.out.Segments(nil), nil)
	h.out.Reset(1 << 20)
	return all
}

// same reads as much from Redis, and compares the lines without their order: several globs match
// in that of a hash table.
func (h *hearing) same(t *testing.T, line []string) {
	t.Helper()
	ours := h.heard()
	theirs := make([]byte, len(ours))
	n, err := io.ReadFull(h.theirs, theirs)
	sorted := func(b []byte) []string {
		lines := strings.Split(string(b), "\r\n")
		slices.Sort(lines)
		return lines
	}
	if err != nil || !slices.Equal(sorted(ours), sorted(theirs)) {
		t.Fatalf("%q: Synap says %q, Redis %q, %v", line, ours, theirs[:n], err)
	}
}

// In EXEC, replies and acknowledgements come in Redis' order, to the byte.
func TestSubscriptionsInTransactionsLikeRedis(t *testing.T) {
	for _, version := range []string{"2", "3"} {
		addr := startOracle(t)
		e := newListening(t)
		h := newHearing(t, e, addr)
		h.hello(t, version)
		for _, line := range []string{"MULTI", "SUBSCRIBE a b", "GET k", "PSUBSCRIBE x", "PING",
			"PUBLISH none hi", "UNSUBSCRIBE a", "SSUBSCRIBE s", "SUNSUBSCRIBE s",
			"UNSUBSCRIBE none", "EXEC", "PING", "MULTI", "UNSUBSCRIBE", "PUNSUBSCRIBE",
			"UNSUBSCRIBE", "EXEC", "GET k"} {
			words := strings.Fields(line)
			h.conn.Feed(encode(words), &h.out)
			if _, err := h.theirs.Write(encode(words)); err != nil {
				t.Fatal(err)
			}
			ours := h.heard()
			theirs := make([]byte, len(ours))
			if n, err := io.ReadFull(h.theirs, theirs); err != nil || !bytes.Equal(ours, theirs) {
				t.Fatalf("%s: Synap says %q, Redis %q, %v", line, ours, theirs[:n], err)
			}
		}
	}
}

// newListening is an engine with topics.
func newListening(t *testing.T) *command.Engine {
	e := newEngine(t)
	e.Table = command.NewTable(rediscmd.Rows(), conncmd.Rows(), pubsubcmd.Rows(),
		roomcmd.Rows())
	e.Topics = command.NewTopics(pubsub.Options{})
	return e
}

// hello chooses the version of the protocol on both sides.
func (h *hearing) hello(t *testing.T, version string) {
	t.Helper()
	h.conn.Feed(encode([]string{"HELLO", version}), &h.out)
	h.heard()
	o := oracleConn{h.theirs, bufio.NewReader(h.theirs)}
	if _, err := o.do([]string{"HELLO", version}); err != nil {
		t.Fatal(err)
	}
}

// Listeners subscribe and unsubscribe at random, while another publishes.
func TestSubscriptionsLikeRedis(t *testing.T) {
	for _, version := range []string{"2", "3"} {
		t.Run(version, func(t *testing.T) { listenAtRandom(t, version) })
	}
}

func listenAtRandom(t *testing.T, version string) {
	addr := startOracle(t)
	e := newListening(t)
	all := []*hearing{newHearing(t, e, addr), newHearing(t, e, addr), newHearing(t, e, addr)}
	do := func(who int, line ...string) {
		t.Helper()
		all[who].conn.Feed(encode(line), &all[who].out)
		if _, err := all[who].theirs.Write(encode(line)); err != nil {
			t.Fatal(err)
		}
		for _, h := range all {
			h.same(t, line)
		}
	}
	random := rand.New(rand.NewPCG(5, 5))
	pick := func(list string) string {
		words := strings.Fields(list)
		return words[random.IntN(len(words))]
	}
	for who := range all {
		all[who].hello(t, version)
	}
	for range 2000 {
		who := random.IntN(2)
		switch random.IntN(13) {
		case 0, 1:
			do(who, "SUBSCRIBE", pick("a b ab x.y"), pick("a b"))
		case 2:
			do(who, "PSUBSCRIBE", pick("a* ? [ab] * x.* *y a\\*"))
		case 3:
			do(who, "UNSUBSCRIBE", pick("a b ab x.y"), pick("a b none"))
		case 4:
			do(who, "PUNSUBSCRIBE", pick("a* ? [ab] * x.* *y a\\*"))
		case 5:
			do(who, pick("SSUBSCRIBE SUNSUBSCRIBE"), pick("a b"))
		case 6:
			do(who, pick("PING GET PUBSUB subscribe"), pick("a NUMPAT"))
		case 7:
			do(2, pick("SPUBLISH PUBLISH"), pick("a b"), "to shards")
		case 8:
			do(2, "PUBSUB", pick("NUMPAT NUMSUB SHARDNUMSUB CHANNELS SHARDCHANNELS"))
			do(2, "PUBSUB", pick("NUMSUB SHARDNUMSUB CHANNELS SHARDCHANNELS"), pick("a b"))
		case 9:
			do(who, "MULTI")
			for range 1 + random.IntN(4) {
				do(who, pick("SUBSCRIBE UNSUBSCRIBE PSUBSCRIBE PUNSUBSCRIBE SSUBSCRIBE "+
					"SUNSUBSCRIBE"), pick("a b a*"), pick("a ? none"))
				do(who, pick("PING GET UNSUBSCRIBE SUBSCRIBE"))
				do(2, "PUBLISH", pick("a b"), "between")
			}
			do(who, pick("EXEC EXEC EXEC DISCARD"))
		case 10:
			if random.IntN(8) == 0 {
				do(who, "RESET")
				do(who, "SUBSCRIBE", "a")
			}
		default:
			do(2, "PUBLISH", pick("a b ab x.y none"), pick("one two"))
		}
	}
}

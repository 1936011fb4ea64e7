package redisdiff

import (
	"bufio"
	"bytes"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/command/conncmd"
	"github.com/synapdb/synap/internal/command/pubsubcmd"
	"github.com/synapdb/synap/internal/command/rediscmd"
	"github.com/synapdb/synap/internal/store/pubsub"
)

// told is a keyspace notification.
type told struct{ topic, payload string }

// listeners hear the keyspace notifications of both sides.
type listeners struct {
	*hearing
	theirs *oracleConn
}

// lastTopic is published to when all that came before it is to be compared.
const lastTopic = "__keyspace@last__:"

func newListeners(t *testing.T, e *command.Engine, addr string) *listeners {
	t.Helper()
	h := newHearing(t, e, addr)
	l := &listeners{h, &oracleConn{h.theirs, bufio.NewReader(h.theirs)}}
	line := []string{"PSUBSCRIBE", "__key*@*__:*"}
	h.conn.Feed(encode(line), &h.out)
	h.heard()
	if _, err := l.theirs.do(line); err != nil {
		t.Fatal(err)
	}
	return l
}

// untilLast reads messages up to that of lastTopic.
func untilLast(t failer, in *bufio.Reader) (all []told) {
	for {
		r, err := readReply(in)
		if err != nil || len(r.list) != 4 {
			t.Fatalf("after %q: %v, %v", all, r, err)
		}
		if r.list[2].text == lastTopic {
			return all
		}
		all = append(all, told{r.list[2].text, r.list[3].text})
	}
}

// listen is what both sides have told since the last time.
func (l *listeners) listen(t failer, writer *pair) (ours, theirs []told) {
	writer.both(t, []string{"PUBLISH", lastTopic, ""})
	ours = untilLast(t, bufio.NewReader(bytes.NewReader(l.heard())))
	return ours, untilLast(t, l.theirs.in)
}

// same compares what both sides tell of the lines run since the last time.
func (l *listeners) same(t failer, writer *pair, lines [][]string) {
	ours, theirs := l.listen(t, writer)
	if !slices.Equal(ours, theirs) {
		t.Fatalf("%q:\nSynap tells %q\nRedis tells %q", lines, ours, theirs)
	}
}

// newKeyspacePair is an engine with notifications and a redis-server beside it. Neither removes
// expired keys before they are looked at.
func newKeyspacePair(t *testing.T) (pairs [2]*pair, l *listeners) {
	addr := startOracle(t, "--enable-debug-command", "yes")
	e := newEngine(t)
	e.Table = command.NewTable(rediscmd.Rows(), conncmd.Rows(), pubsubcmd.Rows())
	e.Topics = command.NewTopics(pubsub.Options{})
	e.Watches = command.NewWatches(e.Store, e.Topics)
	e.Settings = &command.Settings{List: []command.Setting{e.Watches.KeyspaceSetting()}}
	for i := range pairs {
		pairs[i] = &pair{ours: newSynapConn(e), theirs: dialOracle(t, addr)}
	}
	if r, err := pairs[0].theirs.do([]string{"DEBUG", "SET-ACTIVE-EXPIRE", "0"}); err != nil ||
		r.failed() {
		t.Fatal(r, err)
	}
	return pairs, newListeners(t, e, addr)
}

// collects are the commands that remove expired keys at one side only: Redis those that a scan
// comes across, Synap those that are watched.
var collects = []string{"KEYS", "SCAN", "RANDOMKEY", "WATCH"}

// soonGone are deadlines in the past: the key is found expired when it is looked at next.
var soonGone = []shape{
	{"SET", seq(key, value, among([]string{"PXAT"}), one("1 1000"))},
	{"SETRANGE", seq(key, one("0 3"), value)}, {"SET", seq(key, value, option("GET"))},
	{"BITOP", seq(one("AND or XOR not"), key, key)},
	{"BITFIELD", seq(key, option("OVERFLOW"), option("FAIL"), times(1, 3, seq(
		either(option("SET"), option("INCRBY")), one("u8 i8 u4"), one("0 8 16 40"),
		one("0 1 255 300 -1"))))},
}

// eventLetters are flags of notify-keyspace-events.
var eventLetters = one("KEA KEA AKE KEAn KEn K E KE A KA EA g$ Kg K$ Ex KExge nK E$ KEx$ Kl Etd d")

// TestKeyspaceNotificationsAreThoseOfRedis compares what subscribers are told of random commands,
// and in which order, and how the flags are spelt.
func TestKeyspaceNotificationsAreThoseOfRedis(t *testing.T) {
	setChecks(t)
	pairs, l := newKeyspacePair(t)
	shapes := slices.DeleteFunc(slices.Concat(stringShapes, keyShapes, bitShapes, multiShapes,
		soonGone, soonGone), func(s shape) bool { return slices.Contains(collects, s.name) })
	steps := rapid.SliceOfN(drawStep(shapes, 2), 1, 40)
	setting := "notify-keyspace-events"
	rapid.Check(t, func(t *rapid.T) {
		begin(t, pairs, "2")
		pairs[1].begin(t, "3")
		l.listen(t, pairs[0]) // what an earlier sequence has left, if it failed
		flags := eventLetters(t)[0]
		pairs[0].run(t, []string{"CONFIG", "SET", setting, flags})
		pairs[0].run(t, []string{"CONFIG", "GET", setting})
		var lines [][]string
		for i, s := range steps.Draw(t, "steps") {
			p := pairs[0]
			if s.second {
				p = pairs[1]
			}
			lines = append(lines, fill(s.argv, i))
			p.run(t, lines[i])
			if !pairs[0].multi { // there it would be queued
				l.same(t, pairs[0], append([][]string{{flags}}, lines...))
			}
		}
		pairs[0].run(t, []string{"EXEC"})
		l.same(t, pairs[0], lines)
	})
}

// TestFlagsOfKeyspaceEventsAreSpeltAsInRedis compares every kind of set of letters.
func TestFlagsOfKeyspaceEventsAreSpeltAsInRedis(t *testing.T) {
	pairs, _ := newKeyspacePair(t)
	set := rapid.StringOfN(rapid.RuneFrom([]rune("Ag$lshzxeKEtdnq ")), 0, 14, -1)
	rapid.Check(t, func(t *rapid.T) {
		line := []string{"CONFIG", "SET", "notify-keyspace-events", set.Draw(t, "letters")}
		ours, theirs := pairs[0].both(t, line)
		if ours.failed() != theirs.failed() {
			t.Fatalf("%q: Synap says %v, Redis %v", line, ours, theirs)
		}
		pairs[0].run(t, []string{"CONFIG", "GET", line[2]})
	})
	misses := []string{"CONFIG", "SET", "notify-keyspace-events", "Km"}
	if ours, _ := pairs[0].both(t, misses); !strings.Contains(ours.text, "not supported") {
		t.Errorf("%q: %v", misses, ours)
	}
}

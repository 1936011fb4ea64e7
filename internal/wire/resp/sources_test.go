package resp_test

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/command/conncmd"
	"github.com/synapdb/synap/internal/command/journaltest"
	"github.com/synapdb/synap/internal/command/pubsubcmd"
	"github.com/synapdb/synap/internal/command/roomcmd"
	"github.com/synapdb/synap/internal/store/pubsub"
	"github.com/synapdb/synap/internal/store/room"
	"github.com/synapdb/synap/internal/wire"
	"github.com/synapdb/synap/internal/wire/resp"
)

// newRooms is a fixture with rooms, topics, and sources that tests make.
func newRooms(t *testing.T, more ...*command.Row) *fixture {
	t.Helper()
	f := newFixture(t)
	rooms, err := room.New(room.Options{Shards: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = rooms.Close() })
	f.e.Rooms = rooms
	f.e.Topics = command.NewTopics(pubsub.Options{})
	f.e.Table = command.NewTable(dataRows(), conncmd.Rows(), pubsubcmd.Rows(), roomcmd.Rows(), more)
	return f
}

// follower is a listener that speaks RESP3.
func (f *fixture) follower() *listener {
	l := f.listener()
	l.send("HELLO 3\r\n")
	return l
}

// event is what a follower is pushed of an event published at the fixture's time.
func event(room string, offset int, data string) string {
	text := fmt.Sprintf(`{"type":"event","room":"%s","offset":%d,"event":"e","data":%s,`+
		`"timestamp":1700000000}`, room, offset, data)
	return fmt.Sprintf(">3|$5|event|$%d|%s|$%d|%s|", len(room), room, len(text), text)
}

func follows(room, id string, from int) string {
	return fmt.Sprintf("%%3|$13|subscriber_id|$%d|%s|$4|room|$%d|%s|$11|from_offset|:%d|",
		len(id), id, len(room), room, from)
}

func ended(id, why string) string {
	return fmt.Sprintf(">3|$5|ended|$%d|%s|$%d|%s|", len(id), id, len(why), why)
}

func TestEventsOfRoomsArePushed(t *testing.T) {
	f := newRooms(t)
	me, other := f.follower(), f.follower()
	other.talk("SCREATE r", "+OK|", "SCREATE s", "+OK|",
		"SMPUBLISH r e 10 e 11 e 12", "*3|:0|:1|:2|")
	// The reply comes first, and replies of what is behind it keep their order.
	me.talk("SFOLLOW r FROM 1 ID a\r\nECHO x\r\nSFOLLOW s ID b\r\nECHO y",
		follows("r", "a", 1)+"$1|x|"+follows("s", "b", 0)+"$1|y|")
	me.hears(event("r", 1, "11") + event("r", 2, "12"))
	other.talk("SPUBLISH s e 20", ":0|", "SPUBLISH r e 13", ":3|", "SPUBLISH s e 21", ":1|")
	me.hears(event("s", 0, "20") + event("s", 1, "21") + event("r", 3, "13"))
	other.talk("SPUBLISH r e 14", ":4|")
	me.talk("ECHO z", event("r", 4, "14")+"$1|z|") // between two replies, never within one
	me.hears("")
	for start, from := range map[string]int{"": 0, "FROM 4": 4, "LAST 2": 3, "NEW": 5,
		"SINCE 1700000000000": 0, "SINCE 1700000000001": 5} {
		one := f.follower()
		one.talk("SFOLLOW r ID x "+start, follows("r", "x", from))
		want := ""
		for i := from; i < 5; i++ {
			want += event("r", i, fmt.Sprint(10+i))
		}
		one.hears(want)
	}
}

func TestFollowersAreToldWhatIsMissing(t *testing.T) {
	f := newRooms(t)
	me, other := f.follower(), f.follower()
	other.talk("SCREATE r 2", "+OK|", "SMPUBLISH r e 0 e 1 e 2", "*3|:0|:1|:2|")
	me.talk("SFOLLOW r ID a", follows("r", "a", 0))
	me.hears(">3|$5|event|$1|r|$30|{\"type\":\"gap\",\"from\":0,\"to\":1}|" +
		event("r", 1, "1") + event("r", 2, "2"))
	other.talk("SDELETE r", "+OK|", "SCREATE r", "+OK|", "SPUBLISH r e 7", ":0|")
	me.hears(ended("a", "Invalid request: Room 'r' was deleted"))
	me.talk("SUNFOLLOW a", ":0|", "SFOLLOW r ID a", follows("r", "a", 0))
	me.hears(event("r", 0, "7"))
}

func TestNothingComesAfterUnfollow(t *testing.T) {
	f := newRooms(t)
	me, other := f.follower(), f.follower()
	other.talk("SCREATE r", "+OK|", "SPUBLISH r e 0", ":0|")
	me.talk("SFOLLOW r ID a\r\nSFOLLOW r ID b\r\nSUNFOLLOW a",
		follows("r", "a", 0)+follows("r", "b", 0)+":1|")
	me.hears(event("r", 0, "0"))
	other.talk("SPUBLISH r e 1", ":1|")
	me.talk("SUNFOLLOW b", event("r", 1, "1")+":1|", "SUNFOLLOW b", ":0|", "SUNFOLLOW none", ":0|")
	other.talk("SPUBLISH r e 2", ":2|")
	me.hears("")
	if n := f.subscribers(); n != 0 {
		t.Errorf("%d subscribers are left", n)
	}
}

// subscribers counts those of all rooms.
func (f *fixture) subscribers() int64 {
	_, sum := f.e.Rooms.Totals()
	return sum.Subscribers
}

func TestWhoCannotFollow(t *testing.T) {
	f := newRooms(t)
	two, me := f.listener(), f.follower()
	const usage = "; usage: SFOLLOW room [FROM offset|LAST count|SINCE unix-time-milliseconds|" +
		"NEW] [ID subscriber]|"
	two.talk("SCREATE r", "+OK|", "SFOLLOW r", "-ERR SFOLLOW pushes events between replies, which "+
		"needs RESP3: send HELLO 3 first, or read with SCONSUME and BLOCK|")
	long := strings.Repeat("n", 513)
	me.talk("SFOLLOW none", "-ERR Invalid request: Room 'none' not found|",
		"SFOLLOW r FROM 1 NEW", "-ERR syntax error at 'NEW'"+usage,
		"SFOLLOW r ID", "-ERR syntax error at the end"+usage,
		"SFOLLOW r FROM -1", "-ERR FROM must be a whole number of 0 or more|",
		"SFOLLOW r ID ''", "-ERR Invalid request: subscriber_id must not be empty: name the "+
			"reader|",
		"SFOLLOW r ID "+long, "-ERR Invalid request: subscriber_id is 513 bytes long; the limit "+
			"is 512|",
		"SFOLLOW r ID a", follows("r", "a", 0),
		"SFOLLOW r ID a", "-ERR this connection follows something as 'a' already: choose "+
			"another id|",
		"MULTI", "+OK|", "SFOLLOW r ID b", "-ERR Command not allowed inside a transaction|",
		"SUNFOLLOW a", "-ERR Command not allowed inside a transaction|", "DISCARD", "+OK|")
	bare := f.connect(resp.Limits{})
	bare.send("HELLO 3\r\n")
	if got := bare.send("SFOLLOW r\r\n"); got != "-ERR this connection can't be sent values\r\n" {
		t.Errorf("without a waker: %q", got)
	}
	for i := 1; i < command.MaxSources; i++ {
		me.send(fmt.Sprintf("SFOLLOW r ID %d\r\n", i))
	}
	me.talk("SFOLLOW r ID z", "-ERR this connection follows 1024 things, the most it may: end some"+
		", or connect again|", "SUNFOLLOW 7", ":1|", "SFOLLOW r ID z", follows("r", "z", 0))
	if n := f.subscribers(); n != command.MaxSources {
		t.Errorf("%d subscribers", n)
	}
}

func TestFollowersAreMarkedAsSuch(t *testing.T) {
	f := newRooms(t)
	me := f.follower()
	me.talk("SCREATE r", "+OK|")
	list := func() string { return f.listener().send("CLIENT LIST TYPE pubsub\r\n") }
	if me.Keep(0, 0) {
		t.Error("a connection without sources is never idle")
	}
	me.send("SFOLLOW r\r\n")
	if got := list(); !strings.Contains(got, " flags=P ") || !strings.Contains(got, " feeds=1\n") {
		t.Errorf("%q", f.listener().send("CLIENT LIST\r\n"))
	}
	if !me.Keep(0, 0) {
		t.Error("a follower may not be silent")
	}
	me.talk("RESET", "+RESET|")
	if got := f.listener().send("CLIENT LIST ID 1\r\n"); !strings.Contains(got, " flags=N ") ||
		!strings.Contains(got, " feeds=0\n") || f.subscribers() != 0 {
		t.Errorf("after RESET: %q", got)
	}
}

// In RESP2 a connection with sources is in the mode of those that are subscribed.
func TestSourcesAndRESP2(t *testing.T) {
	f := newRooms(t)
	me := f.follower()
	me.talk("SCREATE r", "+OK|", "SFOLLOW r ID a", follows("r", "a", 0))
	me.send("HELLO 2\r\n")
	me.talk("GET k", "-ERR Can't execute 'get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / "+
		"QUIT / RESET are allowed in this context|", "PING", "*2|$4|pong|$0||")
	f.listener().talk("SPUBLISH r e 1", ":0|")
	me.hears(strings.Replace(event("r", 0, "1"), ">", "*", 1))
	me.talk("SUNFOLLOW a", ":1|", "GET k", "$-1|", "PING", "+PONG|")
}

func TestFollowersAtTheEnd(t *testing.T) {
	f := newRooms(t)
	me, gone := f.follower(), f.follower()
	me.talk("SCREATE r", "+OK|", "SFOLLOW r ID a", follows("r", "a", 0))
	gone.talk("SFOLLOW r ID a", follows("r", "a", 0), "SFOLLOW r ID b", follows("r", "b", 0))
	gone.Closed()
	if n := f.subscribers(); n != 1 {
		t.Errorf("a connection that is gone leaves %d subscribers", n-1)
	}
	if !me.GiveUp() {
		t.Error("a follower is not told of the end")
	}
	me.talk("", ended("a", "the server is shutting down: connect again and go on behind what came "+
		"last"), "SFOLLOW r", "-ERR this connection can't be sent values|")
	if n := f.subscribers(); n != 0 || f.follower().GiveUp() {
		t.Errorf("%d subscribers are left", n)
	}
}

// Rooms and topics with much to say are pushed in turn, some of each in every round.
func TestPushesAreFair(t *testing.T) {
	f := newRooms(t)
	me, other := f.follower(), f.follower()
	const each = 300
	data := `"` + strings.Repeat("x", 1000) + `"`
	for _, name := range []string{"r", "s", "u"} {
		me.talk("SCREATE "+name, "+OK|", "SFOLLOW "+name+" ID "+name, follows(name, name, 0))
	}
	me.talk("SUBSCRIBE t", ">3|$9|subscribe|$1|t|:1|")
	for range each {
		for _, to := range []string{"SPUBLISH r e", "SPUBLISH s e", "SPUBLISH u e", "PUBLISH t"} {
			other.send(to + " " + data + "\r\n")
		}
	}
	next, left, rounds := map[string]int{}, map[string]int{}, 0
	for me.woke > 0 {
		me.woke = 0
		got := me.send("")
		if len(got) > 128<<10 {
			t.Errorf("a round has %d bytes", len(got))
		}
		rounds++
		for _, name := range []string{"r", "s", "u"} {
			before := next[name]
			for strings.Contains(got, fmt.Sprintf(`"room":"%s","offset":%d,`, name, next[name])) {
				next[name]++
			}
			if left[name]++; next[name] > before || next[name] == each {
				left[name] = 0
			} else if left[name] > 1 {
				t.Errorf("round %d has left room %s out, as the one before", rounds, name)
			}
		}
		n := strings.Count(got, "$7\r\nmessage\r\n")
		next["t"] += n
		if n == 0 && next["t"] < each {
			t.Errorf("round %d has left messages out", rounds)
		}
	}
	if want := (map[string]int{"r": each, "s": each, "u": each, "t": each}); rounds < 12 ||
		!maps.Equal(next, want) {
		t.Errorf("%v after %d rounds", next, rounds)
	}
}

// script is a source that does what it is told.
type script struct {
	waker   command.Waker
	turns   int // in which it finds nothing, and has more
	err     error
	stalled string
	closed  int
}

func (s *script) Push(
	_ *command.Engine, _ *command.Session, to command.SourcePusher,
) (more bool, err error) {
	switch {
	case s.err != nil:
		return true, s.err
	case s.turns > 0:
		s.turns--
		return true, nil
	}
	m := &pubsub.Message{Topic: []byte("t"), Payload: []byte("p")}
	to.PushMessage(pubsub.Delivery{Message: m}, false)
	return false, nil
}

func (s *script) Stall(is bool) { s.stalled += fmt.Sprint(is, " ") }

func (s *script) Close(*command.Engine, int64) { s.closed++ }

// openRow opens s as a source of the id it is given.
func openRow(s *script) *command.Row {
	return &command.Row{Name: "OPEN", Arity: 2,
		Run: func(c *command.Ctx, argv [][]byte) error {
			err := c.Engine.OpenSource(c.Session, string(argv[1]),
				func(w command.Waker) (command.Source, error) {
					s.waker = w
					return s, nil
				})
			if err == nil {
				c.Reply.Status("OPEN")
			}
			return err
		}}
}

// A source that searches long before it finds something does not hold up its loop.
func TestSourcesThatSearch(t *testing.T) {
	s := &script{turns: 10}
	f := newRooms(t, openRow(s))
	me := f.follower()
	me.talk("OPEN a", "+OPEN|")
	got, rounds := "", 0
	for me.woke > 0 {
		me.woke = 0
		got += me.send("")
		rounds++
	}
	if rounds != 3 || got != ">3\r\n$7\r\nmessage\r\n$1\r\nt\r\n$1\r\np\r\n" {
		t.Errorf("after %d rounds: %q", rounds, got)
	}
	s.waker.Wake()
	s.waker.Wake()
	if me.woke != 1 {
		t.Errorf("woken %d times", me.woke)
	}
	me.hears(">3|$7|message|$1|t|$1|p|")
	me.Stall(true)
	me.Stall(false)
	if s.stalled != "true false " {
		t.Error(s.stalled)
	}
	s.err = errors.New("slow consumer")
	s.waker.Wake()
	me.hears(ended("a", "slow consumer"))
	s.waker.Wake()
	me.hears("")
	if s.closed != 1 || me.verdict != wire.Open {
		t.Errorf("closed %d times, verdict %d", s.closed, me.verdict)
	}
	me.talk("OPEN a", "+OPEN|", "CLIENT REPLY OFF",
		ended("a", "slow consumer"), "GET k", "")
	s.err = nil
	me.talk("OPEN b", "")
	me.Closed()
	if s.closed != 3 {
		t.Errorf("closed %d times", s.closed)
	}
}

// What is pushed of a room waits until it is as safe as the connection's commands; messages of
// topics, which are kept nowhere, do not.
func TestPushesAreAsDurableAsReplies(t *testing.T) {
	f := newRooms(t)
	f.e.Persistence = new(journaltest.Fake)
	me, other := f.follower(), f.listener()
	other.talk("SCREATE r", "+OK|")
	me.talk("SFOLLOW r ID a", follows("r", "a", 0), "SUBSCRIBE t", ">3|$9|subscribe|$1|t|:1|")
	me.hears("")
	pushed := func(line, want string, level command.Level) {
		t.Helper()
		me.session.TakeRequired()
		other.send(line + "\r\n")
		me.hears(want)
		if got, wrote := me.session.TakeRequired(); got != level || wrote {
			t.Errorf("%s: the push waits for %v, a write: %v; want %v", line, got, wrote, level)
		}
	}
	pushed("PUBLISH t x", ">3|$7|message|$1|t|$1|x|", command.DefaultLevel)
	pushed("SPUBLISH r e 0", event("r", 0, "0"), command.OSLevel)
	me.session.Level = command.DiskLevel
	pushed("SPUBLISH r e 1", event("r", 1, "1"), command.DiskLevel)
	me.session.Level = command.MemoryLevel
	pushed("SPUBLISH r e 2", event("r", 2, "2"), command.MemoryLevel)
}

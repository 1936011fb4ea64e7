package resp_test

import (
	"strings"
	"testing"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/command/conncmd"
	"github.com/synapdb/synap/internal/command/pubsubcmd"
	"github.com/synapdb/synap/internal/command/roomcmd"
	"github.com/synapdb/synap/internal/store/pubsub"
	"github.com/synapdb/synap/internal/wire"
	"github.com/synapdb/synap/internal/wire/resp"
)

// listener is a client that messages can be pushed to.
type listener struct {
	*client
	t    *testing.T
	woke int
}

// Wake is part of wire.Waker.
func (l *listener) Wake() { l.woke++ }

func newTopics(t *testing.T, o pubsub.Options) *fixture {
	f := newFixture(t)
	f.e.Table = command.NewTable(dataRows(), conncmd.Rows(), pubsubcmd.Rows(), roomcmd.Rows())
	f.e.Topics = command.NewTopics(o)
	return f
}

func (f *fixture) listener() *listener {
	l := &listener{client: f.connect(resp.Limits{}), t: f.t}
	l.SetWaker(l)
	return l
}

// talk runs inline commands and compares the replies, in which | stands for the end of a line.
func (l *listener) talk(pairs ...string) {
	l.t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		got := strings.ReplaceAll(l.send(pairs[i]+"\r\n"), "\r\n", "|")
		if got != pairs[i+1] {
			l.t.Errorf("%s\n got %s\nwant %s", pairs[i], got, pairs[i+1])
		}
	}
}

// hears is what is pushed to a listener that was woken.
func (l *listener) hears(want string) {
	l.t.Helper()
	got := ""
	for l.woke > 0 {
		l.woke = 0
		got += strings.ReplaceAll(l.send(""), "\r\n", "|")
	}
	if got != want {
		l.t.Errorf("heard %s\nwant %s", got, want)
	}
}

func TestMessagesArePushedToListeners(t *testing.T) {
	f := newTopics(t, pubsub.Options{})
	me, other := f.listener(), f.listener()
	me.talk("SUBSCRIBE a b", "*3|$9|subscribe|$1|a|:1|*3|$9|subscribe|$1|b|:2|",
		"PSUBSCRIBE a*", "*3|$10|psubscribe|$2|a*|:3|",
		"SSUBSCRIBE a", "*3|$10|ssubscribe|$1|a|:1|",
		"PING", "*2|$4|pong|$0||", "PING x", "*2|$4|pong|$1|x|",
		"GET k", "-ERR Can't execute 'get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT"+
			" / RESET are allowed in this context|")
	other.talk("PUBLISH a hi", ":2|", "SPUBLISH a apart", ":1|", "PUBLISH c no", ":0|",
		"PUBSUB CHANNELS", "*2|$1|a|$1|b|", "PUBSUB CHANNELS b*", "*1|$1|b|",
		"PUBSUB NUMSUB a c", "*4|$1|a|:1|$1|c|:0|", "PUBSUB NUMPAT", ":1|",
		"PUBSUB SHARDCHANNELS", "*1|$1|a|", "PUBSUB SHARDNUMSUB a", "*2|$1|a|:1|",
		"TOPICS", "*2|$1|a|$1|b|")
	me.hears("*3|$7|message|$1|a|$2|hi|*4|$8|pmessage|$2|a*|$1|a|$2|hi|" +
		"*3|$8|smessage|$1|a|$5|apart|")
	other.talk("PUBLISH a late", ":2|")
	// What came before stands before the acknowledgement.
	me.talk("UNSUBSCRIBE a x", "*3|$7|message|$1|a|$4|late|*4|$8|pmessage|$2|a*|$1|a|$4|late|"+
		"*3|$11|unsubscribe|$1|a|:2|*3|$11|unsubscribe|$1|x|:2|")
	me.talk("UNSUBSCRIBE", "*3|$11|unsubscribe|$1|b|:1|",
		"PUNSUBSCRIBE", "*3|$12|punsubscribe|$2|a*|:0|", "GET k", "-ERR Can't execute 'get': only "+
			"(P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context|",
		"SUNSUBSCRIBE", "*3|$12|sunsubscribe|$1|a|:0|", "GET k", "$-1|",
		"UNSUBSCRIBE", "*3|$11|unsubscribe|$-1|:0|")
	other.talk("PUBLISH a gone", ":0|", "PSTATS", "*12|$12|total_topics|:2|$17|"+
		"total_subscribers|:0|$28|total_wildcard_subscriptions|:0|$18|messages_published|:4|$18|"+
		"messages_delivered|:4|$22|slow_consumers_dropped|:0|")
}

func TestListenersOfRESP3DoEverythingElse(t *testing.T) {
	f := newTopics(t, pubsub.Options{})
	me := f.listener()
	me.send("HELLO 3\r\n")
	me.talk("SUBSCRIBE a", ">3|$9|subscribe|$1|a|:1|", "GET k", "_|", "PING", "+PONG|",
		"PUBLISH a self", ":1|")
	me.hears(">3|$7|message|$1|a|$4|self|")
	me.talk("CLIENT REPLY OFF", "", "GET k", "", "SUBSCRIBE b", ">3|$9|subscribe|$1|b|:2|",
		"PUBLISH b mute", "")
	me.hears(">3|$7|message|$1|b|$4|mute|")
	me.talk("CLIENT REPLY ON", "+OK|", "MULTI", "+OK|", "PUBLISH a in", "+QUEUED|")
	f.listener().talk("PUBLISH b between", ":1|")
	me.hears(">3|$7|message|$1|b|$7|between|")
	me.talk("EXEC", "*1|:1|", "MULTI", ">3|$7|message|$1|a|$2|in|+OK|",
		"SUBSCRIBE c", "+QUEUED|", "DISCARD", "+OK|")
	me.talk("RESET", "+RESET|", "GET k", "$-1|")
	if got := f.listener().send("PUBLISH a x\r\n"); got != ":0\r\n" {
		t.Errorf("after RESET: %q", got)
	}
}

func TestPayloadsOfOtherDoors(t *testing.T) {
	f := newTopics(t, pubsub.Options{})
	me := f.listener()
	me.talk("PSUBSCRIBE *", "*3|$10|psubscribe|$1|*|:1|")
	f.listener().talk(`PPUBLISH t '{"a": 1}'`, ":1|", `PPUBLISH t '"x"'`, ":1|",
		"PPUBLISH t nothing", ":1|", "PPUBLISH t ' null'", ":1|")
	me.hears(`*4|$8|pmessage|$1|*|$1|t|$7|{"a":1}|*4|$8|pmessage|$1|*|$1|t|$1|x|` +
		`*4|$8|pmessage|$1|*|$1|t|$7|nothing|*4|$8|pmessage|$1|*|$1|t|$4|null|`)
}

func TestListenersThatFallBehindAreClosed(t *testing.T) {
	f := newTopics(t, pubsub.Options{Bound: 4, Burst: 8})
	slow, fast := f.listener(), f.listener()
	for _, l := range []*listener{slow, fast} {
		l.talk("SUBSCRIBE a", "*3|$9|subscribe|$1|a|:1|")
		if !l.Keep(0, 0) {
			t.Error("a listener may be silent")
		}
	}
	slow.Stall(true)
	for range 8 {
		f.listener().send("PUBLISH a x\r\n")
	}
	fast.hears(strings.Repeat("*3|$7|message|$1|a|$1|x|", 8))
	f.listener().talk("PUBSUB NUMSUB a", "*2|$1|a|:2|", "PUBLISH a x", ":2|",
		"PUBSUB NUMSUB a", "*2|$1|a|:1|")
	slow.hears("")
	fast.hears("*3|$7|message|$1|a|$1|x|")
	if slow.verdict != wire.Close || fast.verdict != wire.Open {
		t.Errorf("verdicts: %d and %d", slow.verdict, fast.verdict)
	}
	slow.Closed()
	fast.Closed()
	if s := f.e.Topics.Stats(); s.Subscribers != 0 {
		t.Errorf("%+v", s)
	}
}

// Pipelined messages wait for subscribers to come round: nobody is too slow for that.
func TestPublishersWaitForTheCrowd(t *testing.T) {
	f := newTopics(t, pubsub.Options{Bound: 4, Burst: 16})
	me, other := f.listener(), f.listener()
	me.talk("SUBSCRIBE a", "*3|$9|subscribe|$1|a|:1|")
	heard, told := 0, other.send(strings.Repeat("PUBLISH a x\r\n", 1000))
	for other.woke > 0 || me.woke > 0 {
		me.woke = 0
		heard += strings.Count(me.send(""), "message")
		if other.woke > 0 {
			other.woke = 0
			told += other.send("")
		}
	}
	if n := strings.Count(told, ":1\r\n"); heard != 1000 || n != 1000 {
		t.Errorf("%d answers, %d messages", n, heard)
	}
}

// Many messages that came before UNSUBSCRIBE are pushed some in each round, and acknowledged after
// the last of them, before anything else is answered.
func TestUnsubscribeBehindManyMessages(t *testing.T) {
	const messages = 1000
	payload := strings.Repeat("x", 1000)
	message := ">3|$7|message|$1|a|$1000|" + payload + "|"
	for _, end := range []string{"go on", "give up"} {
		f := newTopics(t, pubsub.Options{})
		me, other := f.follower(), f.listener()
		me.talk("SUBSCRIBE a b", ">3|$9|subscribe|$1|a|:1|>3|$9|subscribe|$1|b|:2|")
		for range messages {
			other.send("PUBLISH a " + payload + "\r\n")
		}
		got := me.send("CLIENT REPLY SKIP\r\nUNSUBSCRIBE a none\r\nPING\r\n")
		if me.verdict != wire.Park || me.woke == 0 {
			t.Fatalf("the verdict is %d, woken %d times", me.verdict, me.woke)
		}
		other.talk("PUBLISH a gone", ":0|", "PUBLISH b still", ":1|")
		if end == "give up" {
			if !me.GiveUp() {
				t.Error("nobody comes back to what waits")
			}
			got += me.send("")
		}
		rounds := 1
		for ; me.verdict == wire.Park && me.woke > 0; rounds++ {
			me.woke = 0
			more := me.send("")
			if got += more; len(more) > 100_000 {
				t.Errorf("a round has %d bytes", len(more))
			}
		}
		if end == "go on" && rounds < 10 {
			t.Errorf("%d rounds", rounds)
		}
		got = strings.ReplaceAll(got, "\r\n", "|")
		const behind = ">3|$11|unsubscribe|$1|a|:1|>3|$11|unsubscribe|$4|none|:1|+PONG|"
		still := ">3|$7|message|$1|b|$5|still|"
		if rest := strings.Replace(got, still, "", 1); !strings.Contains(got, still) ||
			rest != strings.Repeat(message, messages)+behind {
			t.Errorf("%s: %d messages, then %.300s", end, strings.Count(got, message),
				strings.ReplaceAll(got, message, ""))
		}
	}
}

// Subscriptions in MULTI are Redis' own: further acknowledgements stand among the replies of EXEC.
func TestSubscribingInATransaction(t *testing.T) {
	f := newTopics(t, pubsub.Options{})
	me, two, other := f.follower(), f.listener(), f.listener()
	me.talk("MULTI", "+OK|", "SUBSCRIBE a b", "+QUEUED|", "GET k", "+QUEUED|",
		"UNSUBSCRIBE b", "+QUEUED|", "PSUBSCRIBE x*", "+QUEUED|", "SSUBSCRIBE s", "+QUEUED|",
		"EXEC", "*5|>3|$9|subscribe|$1|a|:1|>3|$9|subscribe|$1|b|:2|_|>3|$11|unsubscribe|$1|b|:1|"+
			">3|$10|psubscribe|$2|x*|:2|-ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client|")
	me.talk("MULTI", "+OK|", "UNSUBSCRIBE", "+QUEUED|", "PUBLISH xy me", "+QUEUED|")
	other.talk("PUBLISH a before", ":1|")
	// What comes during EXEC stands behind its array, of which no message is part.
	me.talk("EXEC", ">3|$7|message|$1|a|$6|before|*2|>3|$11|unsubscribe|$1|a|:1|:1|")
	me.hears(">4|$8|pmessage|$2|x*|$2|xy|$2|me|")
	two.talk("MULTI", "+OK|", "SUBSCRIBE a", "+QUEUED|", "GET k", "+QUEUED|", "PING", "+QUEUED|",
		"EXEC", "*3|*3|$9|subscribe|$1|a|:1|$-1|*2|$4|pong|$0||",
		"MULTI", "-ERR Can't execute 'multi': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / "+
			"QUIT / RESET are allowed in this context|")
	mute := f.listener()
	mute.talk("CLIENT REPLY OFF", "", "MULTI", "", "SUBSCRIBE a", "", "EXEC", "", "PING", "")
	other.talk("PUBLISH a all", ":2|")
	mute.hears("*3|$7|message|$1|a|$3|all|")
}

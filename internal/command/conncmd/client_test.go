package conncmd_test

import (
	"strings"
	"sync"
	"testing"
)

func TestClientReplies(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"CLIENT ID", ":1|"},
		{"CLIENT GETNAME", "$-1|"},
		{"CLIENT SETNAME me\nCLIENT GETNAME", "+OK|$2|me|"},
		{"CLIENT SETNAME me\nCLIENT SETNAME \"\"\nCLIENT GETNAME", "+OK|+OK|$-1|"},
		{"CLIENT SETNAME \"a\\nid=2\"", "-ERR Client names cannot contain spaces, newlines or" +
			" special characters.|"},
		{"CLIENT SETINFO lib-name go-redis", "+OK|"},
		{"CLIENT SETINFO LIB-VER \"a b\"",
			"-ERR lib-ver cannot contain spaces, newlines or special characters.|"},
		{"CLIENT SETINFO x y", "-ERR Unrecognized option 'x'|"},
		{"CLIENT LIST TYPE pubsub", "$0||"},
		{"CLIENT LIST TYPE x", "-ERR Unknown client type 'x'|"},
		{"CLIENT LIST ID 1 x", "-ERR Invalid client ID|"},
		{"CLIENT LIST ID 9", "$0||"},
		{"CLIENT LIST x", "-ERR syntax error|"},
		{"CLIENT KILL", "-ERR wrong number of arguments for 'client|kill' command|"},
		{"CLIENT KILL b:2", "-ERR No such client|"},
		{"CLIENT KILL ID 0", "-ERR client-id should be greater than 0|"},
		{"CLIENT KILL ID x", "-ERR client-id should be greater than 0|"},
		{"CLIENT KILL ID 9", ":0|"},
		{"CLIENT KILL ID 1", ":0|"}, // itself, which it skips
		{"CLIENT KILL ID 1 ADDR", "-ERR syntax error|"},
		{"CLIENT KILL ADDR a:1 SKIPME x", "-ERR syntax error|"},
		{"CLIENT KILL USER x", "-ERR No such user 'x'|"},
		{"CLIENT KILL TYPE x", "-ERR Unknown client type 'x'|"},
		{"CLIENT NO-EVICT on", "+OK|"},
		{"CLIENT NO-EVICT x", "-ERR syntax error|"},
		{"CLIENT NO-TOUCH off", "+OK|"},
		{"CLIENT UNPAUSE", "+OK|"},
		{"CLIENT REPLY x", "-ERR syntax error|"},
		{"CLIENT REPLY ON", "+OK|"},
		{"CLIENT", "-ERR wrong number of arguments for 'client' command|"},
		{"CLIENT x", "-ERR unknown subcommand 'x'. Try CLIENT HELP.|"},
	} {
		newFixture(t).connect("a:1").expect(c.in, c.want)
	}
}

func TestClientList(t *testing.T) {
	f := newFixture(t)
	a, b := f.connect("a:1"), f.connect("b:2")
	a.send("CLIENT SETNAME me\nCLIENT SETINFO LIB-NAME lib\nCLIENT SETINFO LIB-VER 7\nHELLO 3")
	b.send("SELECT 5\nMULTI\nGET k")
	f.clock.Advance(12_345)
	lines := strings.Split(strings.TrimSpace(a.send("CLIENT LIST")), "\n")
	if len(lines) < 3 {
		t.Fatalf("got %q", lines)
	}
	lines = lines[1:]
	for i, want := range [][]string{
		{"txt:id=1", "addr=a:1", "laddr=127.0.0.1:6379", "name=me", "age=12", "flags=N", "db=0",
			"multi=-1", "cmd=client|list", "resp=3", "lib-name=lib", "lib-ver=7"},
		{"id=2", "addr=b:2", "name=", "flags=x", "db=5", "multi=1", "cmd=get", "resp=2"},
	} {
		for _, field := range want {
			if !strings.Contains(" "+strings.TrimSpace(lines[i])+" ", " "+field+" ") {
				t.Errorf("line %d has no %s: %s", i, field, lines[i])
			}
		}
	}
	if got := b.send("DISCARD\nCLIENT LIST ID 1"); !strings.Contains(got, "id=1 addr=a:1") {
		t.Errorf("got %q", got)
	}
	if got := b.send("CLIENT INFO"); !strings.Contains(got, "id=2 addr=b:2") {
		t.Errorf("got %q", got)
	}
}

func TestClientKill(t *testing.T) {
	f := newFixture(t)
	me, other, third := f.connect("a:1"), f.connect("b:2"), f.connect("c:3")
	me.expect("CLIENT KILL b:2", "+OK|")
	me.expect("CLIENT KILL ID 3 ADDR b:2", ":0|")
	if !other.killed || third.killed {
		t.Errorf("killed: %v, %v", other.killed, third.killed)
	}
	me.expect("CLIENT KILL LADDR 127.0.0.1:6379 TYPE normal USER default", ":2|")
	if !third.killed || me.closed {
		t.Errorf("killed: %v, closed: %v", third.killed, me.closed)
	}
	me.expect("CLIENT KILL ID 1 SKIPME no\nPING", ":1|")
	if !me.closed || me.killed {
		t.Error("a connection that killed itself stays open, or lost its reply")
	}
}

// Connections of different loops look at each other while they run; the race detector judges.
func TestClientListWhileOthersRun(t *testing.T) {
	f := newFixture(t)
	var wait sync.WaitGroup
	for _, addr := range []string{"a:1", "b:2", "c:3"} {
		c := f.connect(addr)
		wait.Go(func() {
			for range 100 {
				if got := c.send("CLIENT SETNAME me\nMULTI\nGET k\nEXEC\nSELECT 2\nHELLO 3\n" +
					"CLIENT LIST\nINFO everything\nRESET"); !strings.Contains(got, "+RESET") {
					t.Errorf("got %q", got)
				}
			}
		})
	}
	wait.Wait()
}

package readme

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/synapdb/synap/test/harness"
)

// patience bounds the whole session: only a broken server reaches it.
const patience = 20 * time.Second

// TestTheSocketSessionIsAsShown plays the session of the multiplexed WebSocket in docs/commands.md:
// what is marked < is sent, what is marked > must come, in this order.
func TestTheSocketSessionIsAsShown(t *testing.T) {
	text, err := os.ReadFile("../../docs/commands.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## One WebSocket for everything\n")
	_, session, _ := strings.Cut(section, "```\n")
	session, _, found := strings.Cut(session, "\n```")
	if !found {
		t.Fatal("docs/commands.md shows no session")
	}
	lines := strings.Split(strings.ReplaceAll(session, "\n   ", ""), "\n")
	if len(lines) < 10 {
		t.Fatalf("only %d lines: is the form of the session still understood?", len(lines))
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c, _, err := websocket.Dial(ctx, "ws://"+harness.Start(t).HTTP+"/api/v1/ws", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	for _, line := range lines {
		if message, ok := strings.CutPrefix(line, "< "); ok {
			if err := c.Write(ctx, websocket.MessageText, []byte(message)); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want := step{line, strings.TrimPrefix(line, "> ")}
		_, got, err := c.Read(ctx)
		if err != nil {
			t.Fatalf("%v instead of %s", err, want.want)
		}
		if !want.matches(string(got)) {
			t.Errorf("got  %s\nwant %s", got, want.want)
		}
	}
}

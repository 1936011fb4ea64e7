package assembly

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// redisListener is a connection that reads line by line.
type redisListener struct {
	t *testing.T
	net.Conn
	lines *bufio.Scanner
}

func (in *Instance) listener(t *testing.T) *redisListener {
	t.Helper()
	c, err := net.Dial("tcp", fmt.Sprint("127.0.0.1:", in.RESPPort()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(patient)); err != nil {
		t.Fatal(err)
	}
	return &redisListener{t, c, bufio.NewScanner(c)}
}

// say sends an inline command, unless it is empty, and wants these lines.
func (l *redisListener) say(line string, want ...string) {
	l.t.Helper()
	if line != "" {
		if _, err := fmt.Fprint(l, line, "\r\n"); err != nil {
			l.t.Fatal(err)
		}
	}
	for _, w := range want {
		if !l.lines.Scan() || l.lines.Text() != w {
			l.t.Fatalf("%s: got %q, want %q", line, l.lines.Text(), w)
		}
	}
}

// Messages go from every door to every other.
func TestAllDoorsShareOneSpaceOfTopics(t *testing.T) {
	in := open(t, nil)
	host := fmt.Sprint("127.0.0.1:", in.HTTPPort())
	ctx, cancel := context.WithTimeout(t.Context(), patient)
	defer cancel()
	//nolint:bodyclose // the library says that there is none to close
	ws, _, err := websocket.Dial(ctx, "ws://"+host+"/pubsub/ws?topics=news.*", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer ws.CloseNow()
	read := func(want string) {
		t.Helper()
		if _, b, err := ws.Read(ctx); err != nil || !strings.Contains(string(b), want) {
			t.Fatalf("%s, %v; want %s", b, err, want)
		}
	}
	read(`"connected"`)
	redis, other := in.listener(t), in.listener(t)
	redis.say("PSUBSCRIBE n*", "*3", "$10", "psubscribe", "$2", "n*", ":1")
	other.say("PUBLISH news.a hello", ":2")
	read(`"topic":"news.a","payload":"hello"`)
	redis.say("", "*4", "$8", "pmessage", "$2", "n*", "$6", "news.a", "$5", "hello")
	r, err := http.Post("http://"+host+"/pubsub/news.b/publish", "application/json",
		strings.NewReader(`{"payload":{"x":1}}`))
	if err != nil || r.StatusCode != http.StatusOK {
		t.Fatal(r, err)
	}
	_ = r.Body.Close()
	read(`"topic":"news.b","payload":{"x":1}`)
	redis.say("", "*4", "$8", "pmessage", "$2", "n*", "$6", "news.b", "$7", `{"x":1}`)
	http.DefaultClient.CloseIdleConnections()
}

// A burst of messages arrives whole and in order at subscribers of all loops.
func TestMessagesArriveInOrder(t *testing.T) {
	const messages, listeners = 5000, 8
	in := open(t, nil)
	var all []*redisListener
	for range listeners {
		l := in.listener(t)
		l.say("SUBSCRIBE t", "*3", "$9", "subscribe", "$1", "t", ":1")
		all = append(all, l)
	}
	sent := make(chan error, 1)
	publisher := in.listener(t)
	go func() {
		var b strings.Builder
		for i := range messages {
			fmt.Fprintf(&b, "PUBLISH t %04d\r\n", i)
		}
		_, err := publisher.Write([]byte(b.String()))
		sent <- err
	}()
	for range messages {
		publisher.say("", fmt.Sprint(":", listeners))
	}
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
	for _, l := range all {
		for i := range messages {
			l.say("", "*3", "$7", "message", "$1", "t", "$4", fmt.Sprintf("%04d", i))
		}
	}
}

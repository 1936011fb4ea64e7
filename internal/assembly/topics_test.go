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

func TestTopicsAndWatchesInMetricsAndInfo(t *testing.T) {
	in := open(t, nil)
	l, watcher := in.listener(t), in.listener(t)
	l.say("SUBSCRIBE a b", "*3", "$9", "subscribe", "$1", "a", ":1", "*3", "$9", "subscribe",
		"$1", "b", ":2")
	l.say("PSUBSCRIBE a*", "*3", "$10", "psubscribe", "$2", "a*", ":3")
	watcher.say("HELLO 3")
	watcher.say("SSUBSCRIBE s")
	watcher.say("KV.WATCH user:*")
	until(t, "nobody watches", func() bool { return in.engine.Watches.Watchers() == 1 })
	in.ask(t, "PUBLISH a 1", "PUBLISH none 1", "SPUBLISH s 1", "SET user:1 v", "SET other v",
		"DEL user:1")
	l.say("", "*3", "$7", "message", "$1", "a", "$1", "1")
	until(t, "the watcher is told nothing", func() bool {
		return in.engine.Watches.Stats().Delivered == 2
	})
	contains(t, in.scrape(t), `synap_pubsub_topics{space="topics"} 2`,
		`synap_pubsub_topics{space="shards"} 1`, `synap_pubsub_subscribers{space="topics"} 1`,
		`synap_pubsub_subscribers{space="shards"} 1`,
		`synap_pubsub_pattern_subscriptions{space="topics"} 1`,
		`synap_pubsub_published_total{space="topics"} 2`,
		`synap_pubsub_published_total{space="shards"} 1`,
		`synap_pubsub_delivered_total{space="topics"} 2`,
		`synap_pubsub_subscribers_dropped_total{space="topics"} 0`,
		"synap_watch_watchers 1\n", "synap_watch_events_total 2\n",
		"synap_watch_delivered_total 2\n", "synap_watch_watchers_dropped_total 0\n")
	contains(t, in.ask(t, "INFO"), "# Topics\r\ntopics:2\r\ntopic_subscribers:1\r\n",
		"topic_pattern_subscriptions:1\r\n", "topic_published_total:2\r\n",
		"shard_topic_published_total:1\r\n", "watchers:1\r\n", "watch_events_total:2\r\n")
	_, text := in.web(t, "/info?section=topics")
	contains(t, text, `{"topics":{"topics":2,"topic_subscribers":1,`, `"watchers":1`)
}

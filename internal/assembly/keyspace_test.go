package assembly

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/coder/websocket"
)

// call runs commands of Synap's dialect over HTTP and returns the answer.
func (in *Instance) call(t *testing.T, path, body string) string {
	t.Helper()
	r, err := http.Post(fmt.Sprint("http://127.0.0.1:", in.HTTPPort(), "/api/v1/", path),
		"application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer http.DefaultClient.CloseIdleConnections()
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// events wants notifications by events: pairs of event and key.
func (l *redisListener) events(pattern string, want ...string) {
	l.t.Helper()
	for i := 0; i < len(want); i += 2 {
		topic := "__keyevent@0__:" + want[i]
		l.say("", "*4", "$8", "pmessage", fmt.Sprint("$", len(pattern)), pattern,
			fmt.Sprint("$", len(topic)), topic, fmt.Sprint("$", len(want[i+1])), want[i+1])
	}
}

// Whatever changes a key is told of, at whichever door, and by nobody at all; what an atomic batch
// takes back is not.
func TestKeyspaceNotificationsOfAllDoors(t *testing.T) {
	in := open(t, map[string]string{"kv_store.notify_keyspace_events": "EA"})
	const pattern = "__keyevent@*"
	l := in.listener(t)
	l.say("PSUBSCRIBE "+pattern, "*3", "$10", "psubscribe", "$12", pattern, ":1")
	for _, c := range []struct{ name, payload string }{
		{"kv.incr", `{"key":"n","amount":2}`}, {"kv.decr", `{"key":"n"}`},
		{"kv.append", `{"key":"n","value":"x"}`},
		{"kv.set", `{"key":"s","value":"v","ttl":1000}`},
		{"kv.set", `{"key":"s","value":"w","keep_ttl":true}`},
		{"kv.del", `{"key":"s"}`},
	} {
		body := fmt.Sprintf(`{"request_id":"1","command":%q,"payload":%s}`, c.name, c.payload)
		contains(t, in.call(t, "command", body), `"success":true`)
	}
	l.events(pattern, "incrby", "n", "incrby", "n", "append", "n", "set", "s", "expire", "s",
		"set", "s", "del", "s")
	batch := `{"atomic":true,"commands":[{"command":"kv.set","payload":{"key":"b","value":1}},` +
		`{"command":"kv.incr","payload":{"key":%q}}]}`
	contains(t, in.call(t, "batch", fmt.Sprintf(batch, "n")), `"success":false`)
	contains(t, in.call(t, "batch", fmt.Sprintf(batch, "b")), `"value":2`)
	l.events(pattern, "set", "b", "incrby", "b")
	in.ask(t, "SET soon v PX 20")
	l.events(pattern, "set", "soon", "expire", "soon", "expired", "soon")
	in.ask(t, "SET long x", "RENAME long longer")
	l.events(pattern, "set", "long", "rename_from", "long", "rename_to", "longer")
}

// Evictions are told of before what they made room for.
func TestNotificationsOfEvictions(t *testing.T) {
	in := open(t, map[string]string{"kv_store.notify_keyspace_events": "Ee",
		"kv_store.max_memory_mb": "8", "kv_store.eviction_policy": "allkeys-lru"})
	const pattern = "__keyevent@0__:evicted"
	l := in.listener(t)
	l.say("SUBSCRIBE "+pattern, "*3", "$9", "subscribe", "$22", pattern, ":1")
	value := strings.Repeat("v", 10_000)
	var commands []string
	for i := range 2_000 {
		commands = append(commands, fmt.Sprintf("SET key:%04d %s", i, value))
	}
	in.ask(t, commands...)
	evicted := in.engine.Store.Stats().Evicted
	if evicted == 0 {
		t.Fatal("nothing is evicted")
	}
	for range evicted {
		l.say("", "*3", "$7", "message", "$22", pattern, "$8")
		if !l.lines.Scan() || !strings.HasPrefix(l.lines.Text(), "key:") {
			t.Fatalf("%q was evicted", l.lines.Text())
		}
	}
}

// Subscribers of Synap's own doors hear them, too.
func TestNotificationsOnTheSocketOfTopics(t *testing.T) {
	in := open(t, map[string]string{"kv_store.notify_keyspace_events": "KA"})
	ctx, cancel := context.WithTimeout(t.Context(), patient)
	defer cancel()
	//nolint:bodyclose // the library says that there is none to close
	ws, _, err := websocket.Dial(ctx, fmt.Sprint("ws://127.0.0.1:", in.HTTPPort(),
		"/pubsub/ws?topics=__keyspace@0__:user:*"), nil)
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
	in.ask(t, "SET other v", "SET user:1 v", "SELECT 1", "SET user:2 v", "SELECT 0", "DEL user:1")
	read(`"topic":"__keyspace@0__:user:1","payload":"set"`)
	read(`"topic":"__keyspace@0__:user:1","payload":"del"`)
	http.DefaultClient.CloseIdleConnections()
}

// While no flags ask for anything, changes are not observed.
func TestObservationIsOffUnlessAsked(t *testing.T) {
	in := open(t, nil)
	for _, c := range []struct {
		flags string
		on    bool
	}{{`""`, false}, {"K", false}, {"g$x", false}, {"Kg", true}, {"n", false}, {"En", true},
		{`""`, false}} {
		in.ask(t, "CONFIG SET notify-keyspace-events "+c.flags)
		if in.engine.Store.Observed() != c.on {
			t.Errorf("with %s observation is on: %v", c.flags, !c.on)
		}
	}
}

// Changes of one key by many connections are told in their order, while flags come and go.
func TestNotificationsOfOneKeyComeInOrder(t *testing.T) {
	const rounds, writers = 300, 4
	in := open(t, map[string]string{"kv_store.notify_keyspace_events": "K$g"})
	const topic = "__keyspace@0__:k"
	l := in.listener(t)
	l.say("SUBSCRIBE "+topic, "*3", "$9", "subscribe", "$16", topic, ":1")
	var all sync.WaitGroup
	var sets atomic.Int64
	for range writers {
		all.Go(func() {
			for _, reply := range strings.Split(in.ask(t,
				strings.Repeat("SETNX k v\r\nDEL k\r\n", rounds)), "\r\n") {
				if reply == ":1" {
					sets.Add(1)
				}
			}
		})
	}
	all.Go(func() {
		in.ask(t, strings.Repeat("CONFIG SET notify-keyspace-events K$g\r\n"+
			"CONFIG SET notify-keyspace-events KEA\r\n", rounds))
	})
	all.Wait()
	for i := range sets.Load() {
		event := []string{"set", "del"}[i%2]
		l.say("", "*3", "$7", "message", "$16", topic, "$3", event)
	}
}

package live

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/coder/websocket"

	"github.com/synapdb/synap/test/harness"
)

// web pushes over the WebSockets of the contract. Commands go through the envelope.
type web struct{ *harness.Envelope }

// dial opens a WebSocket and reads its first frame, which says what it is connected to.
func dial(address string, protocols ...string) (*websocket.Conn, fields, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	//nolint:bodyclose // never needs it: see Dial
	c, _, err := websocket.Dial(ctx, "ws://"+address,
		&websocket.DialOptions{Subprotocols: protocols})
	if err != nil {
		return nil, nil, err
	}
	c.SetReadLimit(64 << 20)
	first, err := harness.ReadFrame(ctx, c, "")
	if err == nil && first["type"] != "connected" {
		err = ending(first)
	}
	if err != nil {
		return nil, nil, errors.Join(err, c.CloseNow())
	}
	return c, first, nil
}

// ending is the last value of a feed as an error.
func ending(v fields) error {
	if text, ok := v["error"].(string); ok && v["type"] == "error" {
		return &failure{Text: text}
	}
	return fmt.Errorf("it ends with %v", v)
}

// socket is the feed of an address.
func (w *web) socket(path string, f fields) (*feed, error) {
	if len(f) > 0 {
		path += "?" + harness.Query(f)
	}
	c, first, err := dial(w.Addr + path)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	stop := func() {
		cancel()
		_ = c.CloseNow()
	}
	return feeding(first, stop, func() (fields, error) {
		v, err := harness.ReadFrame(ctx, c, "")
		if err == nil && v["type"] == "error" {
			err = ending(v)
		}
		return v, err
	}), nil
}

func (w *web) follow(room string, f fields) (*feed, error) {
	return w.socket("/stream/"+url.PathEscape(room)+"/ws/follower", f)
}

func (w *web) hear(topics ...string) (*feed, error) {
	return w.socket("/pubsub/ws", fields{"topics": strings.Join(topics, ",")})
}

func (w *web) watch(f fields, patterns ...string) (*feed, error) {
	return w.socket("/kv/ws", with(f, "keys", strings.Join(patterns, ",")))
}

// with is f with another member.
func with(f fields, name string, v any) fields {
	out := fields{name: v}
	for name, v := range f {
		out[name] = v
	}
	return out
}

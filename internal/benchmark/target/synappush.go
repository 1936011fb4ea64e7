package target

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	synap "github.com/synapdb/synap/client"
)

// Publisher opens a connection that publishes to rooms or topics.
func (s *Synap) Publisher(ctx context.Context, space Space) (Publisher, error) {
	if space != Rooms && space != Topics {
		return nil, ErrUnsupported
	}
	p, err := s.client.Pipe(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w at %s: %w", ErrUnreachable, s.url.Host, err)
	}
	return &synapPublisher{Pipe: p, space: space}, nil
}

type synapPublisher struct {
	*synap.Pipe
	space Space
	text  []byte // of all payloads of a Publish
}

// eventName is that of all events of a benchmark.
const eventName = "bench"

// Publish is part of Publisher.
func (p *synapPublisher) Publish(ctx context.Context, posts []Post) error {
	p.text = p.text[:0]
	for i := range posts {
		from := len(p.text)
		p.text = append(append(append(p.text, '"'), posts[i].Payload...), '"')
		// A later append may move the text; what was cut off it before stays as it is.
		data := p.text[from:len(p.text):len(p.text)]
		if p.space == Rooms {
			p.Add(synap.Append(posts[i].Name, eventName, data))
		} else {
			p.Add(synap.Send(posts[i].Name, data))
		}
	}
	return p.Exec(ctx, func(i int, r *synap.Reply) {
		post := &posts[i]
		post.Done, post.Err, post.Matched, post.Offset = time.Now(), r.Err, -1, -1
		if p.space == Rooms {
			post.Offset = countOf(r.Payload, "offset")
		} else {
			post.Matched = int(countOf(r.Payload, "subscribers_matched"))
		}
	})
}

// countOf is a number of an answer: a member of it, or all of it, as in RESP. -1: there is none.
func countOf(payload any, member string) int64 {
	if m, ok := payload.(map[string]any); ok {
		payload = m[member]
	}
	switch n := payload.(type) {
	case int64:
		return n
	case uint64:
		return int64(n)
	}
	return -1
}

// Subscriber opens a connection that listens: a WebSocket that pushes, or pushes of RESP.
func (s *Synap) Subscriber(
	ctx context.Context, space Space, o Subscription,
) (Subscriber, error) {
	switch {
	case space != Rooms && space != Topics:
		return nil, ErrUnsupported
	case space == Rooms && len(o.Names) != 1:
		return nil, errors.New("a subscriber of rooms has just one")
	case s.url.Scheme == "https" || s.url.Scheme == "wss":
		return nil, fmt.Errorf("%w: subscribers over %s", ErrUnsupported, s.url.Scheme)
	}
	c, err := s.dial(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w at %s: %w", ErrUnreachable, s.url.Host, err)
	}
	// The connection alone waits from now on: ctx ends what opens it, not what comes later.
	stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
	var sub Subscriber
	if s.url.Scheme == "resp" || s.url.Scheme == "redis" {
		sub, err = openPushes(c, &o, space, s.token)
	} else {
		sub, err = openSocket(c, s.url.Host, &o, space, s.token)
	}
	if !stop() && err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("subscribing to %s: %w",
			strings.Join(o.Names, ", "), err), c.Close())
	}
	return sub, nil
}

// perAddress is how many connections to one server leave from one source address: there are about
// 28 000 ports for that.
const perAddress = 20_000

// dial opens a connection. Servers of this machine are reached from several addresses, because the
// ports of one do not suffice for many.
func (s *Synap) dial(ctx context.Context) (net.Conn, error) {
	host, port := s.url.Hostname(), s.url.Port()
	if port == "" {
		port = map[string]string{"resp": "6379", "redis": "6379"}[s.url.Scheme]
	}
	if port == "" {
		port = "15500"
	}
	var d net.Dialer
	n := s.dialled.Add(1) - 1
	if ip := net.ParseIP(host); n >= perAddress && (host == "localhost" || ip.IsLoopback()) {
		host = "127.0.0.1"
		d.LocalAddr = &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(1+n/perAddress%250))}
	}
	return d.DialContext(ctx, "tcp", net.JoinHostPort(host, port))
}

// path is where a subscription's WebSocket is.
func (o *Subscription) path(space Space) string {
	if space == Topics {
		return "/pubsub/ws?topics=" + url.QueryEscape(strings.Join(o.Names, ","))
	}
	path := "/stream/" + url.PathEscape(o.Names[0]) + "/ws/" + url.PathEscape(o.ID)
	if o.Replay {
		return path + "?from_offset=0"
	}
	return path + "?new=true"
}

// place is what subscribers have in common: where an event came from.
type place struct {
	space Space
	name  string // of a room, or the last topic
}

// intern is text that is mostly the same as the last time.
func (p *place) intern(name []byte) string {
	if string(name) != p.name {
		p.name = string(name)
	}
	return p.name
}

// payloadOf is what stands between the quotes of a JSON string without escapes, which is how
// benchmarks publish; nil: that is something else.
func payloadOf(text []byte) []byte {
	if len(text) < 2 || text[0] != '"' || text[len(text)-1] != '"' {
		return nil
	}
	return text[1 : len(text)-1]
}

func parseOffset(text []byte) (int64, error) {
	n, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%.40q is no offset", text)
	}
	return n, nil
}

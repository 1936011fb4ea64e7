package target

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Publisher opens a connection that publishes.
func (r *redis) Publisher(ctx context.Context, s Space) (Publisher, error) {
	if s != Topics {
		return nil, ErrUnsupported
	}
	c, err := dialRedis(ctx, r.url)
	if err != nil {
		return nil, err
	}
	return &redisPublisher{c}, nil
}

type redisPublisher struct{ *redisConn }

func (p *redisPublisher) Publish(ctx context.Context, posts []Post) error {
	defer p.bounded(ctx)()
	for i := range posts {
		p.begin(3)
		addWord(p.redisConn, "PUBLISH")
		addWord(p.redisConn, posts[i].Name)
		addWord(p.redisConn, posts[i].Payload)
	}
	if err := p.flush(); err != nil {
		return err
	}
	for i := range posts {
		reply, err := p.read(0)
		if err != nil && reply.kind != '-' {
			return err
		}
		posts[i].Done, posts[i].Err = time.Now(), err
		posts[i].Matched, posts[i].Offset = int(reply.n), -1
	}
	return nil
}

// Subscriber opens a connection that listens. A topic that several of its names match comes once
// for each, as Redis does it.
func (r *redis) Subscriber(ctx context.Context, s Space, o Subscription) (Subscriber, error) {
	if s != Topics || o.Replay {
		return nil, ErrUnsupported
	}
	c, err := dialRedis(ctx, r.url)
	if err != nil {
		return nil, err
	}
	l := &redisSubscriber{redisConn: c, patterns: map[string]string{}}
	if err := l.subscribe(ctx, o.Names); err != nil {
		return nil, errors.Join(fmt.Errorf("subscribing: %w", err), c.Close())
	}
	return l, nil
}

type redisSubscriber struct {
	*redisConn
	patterns map[string]string // ours, by Redis'
}

// subscribe asks for all names and waits until all stand. Nothing may be published to them before.
func (l *redisSubscriber) subscribe(ctx context.Context, names []string) error {
	defer l.bounded(ctx)()
	for _, name := range names {
		l.begin(2)
		if strings.ContainsAny(name, "*#") {
			glob := redisGlob(name)
			l.patterns[glob] = name
			addWord(l.redisConn, "PSUBSCRIBE")
			addWord(l.redisConn, glob)
		} else {
			addWord(l.redisConn, "SUBSCRIBE")
			addWord(l.redisConn, name)
		}
	}
	if err := l.flush(); err != nil {
		return err
	}
	for range names {
		if _, err := l.read(0); err != nil {
			return err
		}
	}
	return nil
}

// Next waits for the next event, until Close.
func (l *redisSubscriber) Next(context.Context) (Event, error) {
	for {
		r, err := l.read(0)
		if err != nil {
			return Event{}, err
		}
		switch {
		case len(r.list) == 3 && string(r.list[0].text) == "message":
			return Event{Name: string(r.list[1].text), Offset: -1, Payload: r.list[2].text}, nil
		case len(r.list) == 4 && string(r.list[0].text) == "pmessage":
			// Redis' * crosses dots, ours does not.
			name := string(r.list[2].text)
			if matches(l.patterns[string(r.list[1].text)], name) {
				return Event{Name: name, Offset: -1, Payload: r.list[3].text}, nil
			}
		}
	}
}

// redisGlob is the glob of Redis that matches at least what a pattern of ours does.
func redisGlob(pattern string) string {
	var b strings.Builder
	if rest, ok := strings.CutSuffix(pattern, ".#"); ok {
		pattern = rest + "#" // none or more segments: the dot may be missing
	}
	for _, c := range []byte(pattern) {
		switch c {
		case '*', '#':
			b.WriteByte('*')
		case '?', '[', ']', '\\', '^':
			b.WriteByte('\\')
			b.WriteByte(c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// matches says whether a pattern of ours matches a topic: * one segment, or a part of one; # at the
// end none or more segments.
func matches(pattern, topic string) bool {
	for {
		if pattern == "#" {
			return true
		}
		segment, morePattern, isMore := strings.Cut(pattern, ".")
		part, moreTopic, more := strings.Cut(topic, ".")
		if !matchesSegment(segment, part) {
			return false
		}
		switch {
		case !isMore && !more:
			return true
		case isMore && !more:
			return morePattern == "#"
		case !isMore:
			return false
		}
		pattern, topic = morePattern, moreTopic
	}
}

// matchesSegment: * stands for any bytes.
func matchesSegment(pattern, text string) bool {
	first, rest, star := strings.Cut(pattern, "*")
	if !star {
		return pattern == text
	}
	text, ok := strings.CutPrefix(text, first)
	if !ok {
		return false
	}
	for {
		part, more, star := strings.Cut(rest, "*")
		if !star {
			return strings.HasSuffix(text, part)
		}
		at := strings.Index(text, part)
		if at < 0 {
			return false
		}
		text, rest = text[at+len(part):], more
	}
}

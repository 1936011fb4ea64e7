package synap

import (
	"context"
	"encoding/json"
	"iter"
	"net/url"
	"strings"
	"time"
)

// PubSub is the topics of a server.
type PubSub struct{ c *Client }

// Publish sends a message, whose payload is JSON text, to all who are subscribed to the topic now,
// and returns how many that is.
func (p *PubSub) Publish(
	ctx context.Context, topic string, payload json.RawMessage,
) (matched int64, err error) {
	v, err := p.c.call(ctx, Send(topic, payload).r)
	return number(v, "subscribers_matched"), err
}

// Send, as a command of a Batch, sends a message to a topic.
func Send(topic string, payload json.RawMessage) Command {
	return Command{&request{command: "pubsub.publish",
		line:   []any{"PPUBLISH", topic, []byte(payload)},
		fields: []field{{"topic", topic}, {"payload", payload}}}}
}

// Subscribe yields the messages of topics as they come, without an end, on a connection of its own.
// Patterns are topics, where * is one segment between dots, or a part of one, and # at the end any
// number of them. Nothing is kept for those who are away: when the connection breaks, or the loop
// is too slow for what comes, another one is opened and what was sent meanwhile is lost, which
// TopicMessage.Lost says. Over resp:// a payload is text as Redis clients get it: what is not JSON
// comes as a JSON string, and a string that looks like JSON as that.
func (p *PubSub) Subscribe(
	ctx context.Context, patterns ...string,
) iter.Seq2[TopicMessage, error] {
	lost := false
	return follow(ctx, p.c, func(again bool) (*Reader[TopicMessage], error) {
		r, err := p.Listen(ctx, patterns...)
		if err != nil {
			return nil, err
		}
		lost = lost || again
		decode := r.decode
		r.decode = func(p pushed) (TopicMessage, bool, error) {
			m, ok, err := decode(p)
			if ok {
				m.Lost, lost = lost, false
			}
			return m, ok, err
		}
		return r, nil
	})
}

// Listen subscribes and returns once that stands; see Reader.
func (p *PubSub) Listen(ctx context.Context, patterns ...string) (*Reader[TopicMessage], error) {
	s := &subject{command: "pubsub.subscribe", line: []any{"PSUBSCRIBE"},
		fields: []field{{"to", "topics"}, {"topics", patterns}}}
	all := strings.Join(patterns, ",")
	if strings.Count(all, ",") == len(patterns)-1 && len(all) < longestQuery {
		s.path = "/pubsub/ws?topics=" + url.QueryEscape(all)
	}
	for _, pattern := range patterns {
		s.line = append(s.line, widest(pattern))
	}
	s.acks = len(patterns)
	if len(patterns) == 0 {
		return nil, &Error{Kind: ErrInvalid, Command: s.command, Message: "no topic is named"}
	}
	f, _, err := p.c.openFeed(ctx, s)
	if err != nil {
		return nil, err
	}
	decode := decodeTopic
	if f.resp != nil {
		decode = globbed(patterns)
	}
	return &Reader[TopicMessage]{f, s.command, decode}, nil
}

// longestQuery bounds the topics in a path, in bytes.
const longestQuery = 1024

// decodeTopic reads a message of a WebSocket.
func decodeTopic(p pushed) (m TopicMessage, ok bool, err error) {
	var kind string
	err = members(p.text, func(name, value []byte) {
		switch string(name) {
		case "type":
			kind = jsonText(value)
		case "message_id":
			m.ID = jsonText(value)
		case "topic":
			m.Topic = jsonText(value)
		case "payload":
			m.Payload = own(value)
		case "timestamp":
			m.Time = time.Unix(jsonInt(value), 0)
		}
	})
	if err == nil && kind == "error" {
		err = failure(p.text)
	}
	return m, err == nil && kind == "message", err
}

// globbed reads messages of Redis' globs, which are wider than our patterns. A message comes once
// for each glob it matches, and is taken with the first pattern that it is meant for.
func globbed(patterns []string) func(pushed) (TopicMessage, bool, error) {
	globs := make([]string, len(patterns))
	for i, pattern := range patterns {
		globs[i] = widest(pattern)
	}
	return func(p pushed) (m TopicMessage, ok bool, err error) {
		if len(p.words) != 4 || toText(p.words[0]) != "pmessage" {
			return m, false, nil
		}
		glob, topic := toText(p.words[1]), toText(p.words[2])
		for i, pattern := range patterns {
			if !matches(pattern, topic) {
				continue
			}
			if globs[i] != glob {
				return m, false, nil
			}
			payload := toBytes(p.words[3])
			if !json.Valid(payload) {
				payload, err = json.Marshal(string(payload))
			}
			return TopicMessage{Topic: topic, Payload: payload}, err == nil, err
		}
		return m, false, nil
	}
}

// widest is a glob of Redis that takes whatever a pattern does, and more.
func widest(pattern string) string {
	if pattern == "#" {
		return "*"
	}
	pattern, many := strings.CutSuffix(pattern, ".#")
	pattern = strings.NewReplacer(`\`, `\\`, "?", `\?`, "[", `\[`).Replace(pattern)
	if many {
		pattern += "*"
	}
	return pattern
}

// matches says whether a topic is one of a pattern of the server's.
func matches(pattern, topic string) bool {
	for {
		if pattern == "#" {
			return true
		}
		segment, restOfPattern, morePattern := strings.Cut(pattern, ".")
		part, restOfTopic, moreTopic := strings.Cut(topic, ".")
		if !matchesSegment(segment, part) {
			return false
		}
		if !moreTopic {
			return !morePattern || restOfPattern == "#"
		}
		if !morePattern {
			return false
		}
		pattern, topic = restOfPattern, restOfTopic
	}
}

// matchesSegment matches one segment, in which * is any text; alone it is any but no text.
func matchesSegment(pattern, text string) bool {
	head, rest, star := strings.Cut(pattern, "*")
	if !star {
		return pattern == text
	}
	text, ok := strings.CutPrefix(text, head)
	for ok {
		var part string
		part, rest, star = strings.Cut(rest, "*")
		if !star {
			return strings.HasSuffix(text, part)
		}
		i := strings.Index(text, part)
		if i < 0 {
			return false
		}
		text = text[i+len(part):]
	}
	return false
}

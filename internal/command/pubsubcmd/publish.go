package pubsubcmd

import (
	"encoding/json"
	"unicode/utf8"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/errs"
	"github.com/synapdb/synap/internal/store/pubsub"
)

// maxMetadata bounds the text of a message's metadata, in bytes, as that of an event's.
const maxMetadata = 65_535

// Positions of the fields of pubsub.publish.
const (
	putTopic = iota
	putPayload
	putMetadata
)

var (
	errTopic    = errs.Value("Topic cannot be empty")
	errMetadata = errs.Value("metadata must be an object whose values are strings")
)

func publishRows() []*command.Row {
	return []*command.Row{{
		Name: "pubsub.publish", Flags: dotted | command.Fast,
		Summary: "Sends a message to all who are subscribed to its topic.",
		Fields: []command.Field{
			{Name: "topic", Type: command.StringField, Required: true, Doc: "The topic."},
			{Name: "payload", Aliases: []string{"data"}, Type: command.ValueField, Required: true,
				Doc: "Any JSON value."},
			{Name: "metadata", Type: command.ObjectField,
				Doc: "An object of strings that goes with it, at most 65535 bytes."},
		},
		Call:   publish,
		Routes: []command.Route{{Method: "POST", Path: "/pubsub/{topic}/publish"}},
	}}
}

func publish(c *command.Ctx, a *command.Args) error {
	topic, metadata := a.Bytes(putTopic), a.Bytes(putMetadata)
	if len(topic) == 0 {
		return errTopic
	}
	if len(metadata) > 0 {
		if err := checkMetadata(metadata); err != nil {
			return err
		}
	}
	v := &a.Vals[putPayload]
	m := message(c, topic, v.B, metadata)
	if v.JSON {
		m.Form = effect.JSONForm
	}
	matched := send(c, m)
	var id [36]byte
	c.Reply.Map(3)
	pairText(c.Reply, "message_id", m.AppendID(id[:0]))
	pairText(c.Reply, "topic", m.Topic)
	pairInt(c.Reply, "subscribers_matched", int64(matched))
	return nil
}

func checkMetadata(text []byte) error {
	if len(text) > maxMetadata {
		return errs.Newf(errs.TooLarge,
			"Invalid request: metadata is %d bytes long; the limit is %d", len(text), maxMetadata)
	}
	var pairs map[string]string
	if json.Unmarshal(text, &pairs) != nil {
		return errMetadata
	}
	return nil
}

// message copies what a request has into a message whose payload is text or bytes.
func message(c *command.Ctx, topic, payload, metadata []byte) *pubsub.Message {
	all := make([]byte, 0, len(topic)+len(payload)+len(metadata))
	all = append(append(append(all, topic...), payload...), metadata...)
	m := &pubsub.Message{Form: effect.TextForm, Time: c.Now}
	m.Topic, all = cut(all, len(topic))
	m.Payload, all = cut(all, len(payload))
	if len(metadata) > 0 {
		m.Metadata = all
	}
	if !utf8.Valid(m.Payload) {
		m.Form = effect.BytesForm
	}
	return m
}

func cut(b []byte, n int) (head, tail []byte) { return b[:n:n], b[n:] }

// send publishes a message and returns how many subscribers it matched.
func send(c *command.Ctx, m *pubsub.Message) int {
	h := c.Engine.Topics
	h.Stamp(m)
	matched, crowded := h.Publish(m)
	c.Session.Crowded = c.Session.Crowded || crowded
	return matched
}

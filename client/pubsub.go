package synap

import (
	"context"
	"encoding/json"
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

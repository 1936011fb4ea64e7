package pubsubcmd

import (
	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/errs"
)

const (
	// maxID bounds a subscriber's id, in bytes.
	maxID = 512
	// maxTopic bounds one topic of a subscription, in bytes.
	maxTopic = 64 << 10
)

// Positions of the fields of pubsub.subscribe and pubsub.unsubscribe.
const (
	subscribeTopics = iota
	subscribeID

	unsubscribeID     = 0
	unsubscribeTopics = 1
)

var errTopics = errs.Request("topics must not be empty: name at least one")

func subscribeRows() []*command.Row {
	topics := command.Field{Name: "topics", Aliases: []string{"topic"},
		Type: command.StringListField, Required: true,
		Doc: "Topics and patterns: `*` is one segment, or a part of one; `#` at the end is all " +
			"the rest."}
	id := command.Field{Name: "subscriber_id", Type: command.StringField,
		Doc: "The subscriber's id, at most 512 bytes; one is made when absent."}
	some, whose := topics, id
	some.Required, some.Doc = false, "Which of them; all when absent."
	whose.Required, whose.Doc = true, "The subscriber's id."
	return []*command.Row{{
		Name: "pubsub.subscribe", Flags: dotted,
		Summary: "Subscribes an id; messages come over a WebSocket opened with it.",
		Fields:  []command.Field{topics, id},
		Call:    subscribe,
		Routes:  []command.Route{{Method: "POST", Path: "/pubsub/subscribe"}},
		Feed:    messageFeed(),
	}, {
		Name: "pubsub.unsubscribe", Flags: dotted,
		Summary: "Ends subscriptions of an id, and says how many.",
		Fields:  []command.Field{whose, some},
		Call:    unsubscribe,
		Routes:  []command.Route{{Method: "POST", Path: "/pubsub/unsubscribe"}},
	}}
}

func checkSubscription(id []byte, topics [][]byte) error {
	if len(id) > maxID {
		return errs.Newf(errs.TooLarge,
			"Invalid request: subscriber_id is %d bytes long; the limit is %d", len(id), maxID)
	}
	if len(topics) == 0 {
		return errTopics
	}
	for _, topic := range topics {
		if len(topic) > maxTopic {
			return errs.Newf(errs.TooLarge,
				"Invalid request: a topic is %d bytes long; the limit is %d", len(topic), maxTopic)
		}
	}
	return nil
}

func subscribe(c *command.Ctx, a *command.Args) error {
	id, topics := a.Bytes(subscribeID), a.List(subscribeTopics)
	if err := checkSubscription(id, topics); err != nil {
		return err
	}
	if len(id) == 0 {
		id = command.NewID()
	}
	total, err := c.Engine.Topics.Register(id, c.Now, topics...)
	if err != nil {
		return err
	}
	c.Reply.Map(3)
	replySubscription(c.Reply, id, topics, total)
	return nil
}

func replySubscription(r command.Reply, id []byte, topics [][]byte, total int) {
	pairText(r, "subscriber_id", id)
	r.Str("topics")
	r.Array(len(topics))
	for _, topic := range topics {
		r.Text(topic)
	}
	pairInt(r, "subscription_count", int64(total))
}

func unsubscribe(c *command.Ctx, a *command.Args) error {
	n := 0
	// An empty list means none of them, not all.
	if topics := a.List(unsubscribeTopics); !a.Has(unsubscribeTopics) || len(topics) > 0 {
		n = c.Engine.Topics.UnsubscribeID(a.Bytes(unsubscribeID), topics...)
	}
	c.Reply.Map(1)
	pairInt(c.Reply, "unsubscribed", int64(n))
	return nil
}

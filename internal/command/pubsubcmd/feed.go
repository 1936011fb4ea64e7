package pubsubcmd

import (
	"bytes"
	"slices"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/errs"
	"github.com/synapdb/synap/internal/store/pubsub"
)

// hearer is a connection that is sent messages.
type hearer struct{ sub pubsub.Subscriber }

// drainAtOnce is how many messages are taken out of an outbox at a time.
const drainAtOnce = 64

// messageFeed pushes the messages of topics as they are published.
func messageFeed() *command.Feed {
	return &command.Feed{
		Path: "/pubsub/ws", Events: "/pubsub/events",
		Open: openHearing, Frames: heard, Next: fellBehind, Closed: closeHearing,
		Stalled: stalled,
	}
}

// SplitTopics are the topics of a feed's field, which commas separate where there are no lists.
func SplitTopics(s *command.Subscription, list [][]byte) (topics [][]byte) {
	if s.Lists {
		return slices.Clone(list)
	}
	for _, text := range list {
		for topic := range bytes.SplitSeq(text, []byte{','}) {
			if len(topic) > 0 {
				topics = append(topics, topic)
			}
		}
	}
	return topics
}

// openHearing subscribes to topics. An id that was registered is taken over with what it is
// subscribed to.
func openHearing(c *command.Ctx, a *command.Args, s *command.Subscription) error {
	id, topics := a.Bytes(subscribeID), SplitTopics(s, a.List(subscribeTopics))
	if err := checkSubscription(id, topics); err != nil {
		return err
	}
	for _, topic := range topics { // before Open, which uses up what the id was registered for
		if _, err := pubsub.CheckPattern(topic); err != nil {
			return err
		}
	}
	if len(id) == 0 {
		id = command.NewID()
	}
	t := c.Engine.Topics
	group := c.Session.Group
	if group == nil {
		group = t.Lane
	}
	h := new(hearer)
	h.sub.Waker = s.Waker
	if err := t.Open(&h.sub, id, group); err != nil {
		return err
	}
	s.State = h
	total, err := t.Subscribe(&h.sub, c.Now, topics...)
	if err != nil {
		return err
	}
	c.Reply.Map(4)
	pairText(c.Reply, "type", []byte("connected"))
	replySubscription(c.Reply, id, topics, total)
	return nil
}

// heard appends the messages that have arrived.
func heard(
	_ *command.Engine, s *command.Subscription, most int, dst []byte,
) ([]byte, command.Then) {
	h, _ := s.State.(*hearer)
	if h.sub.Ended() != pubsub.NotEnded {
		return dst, command.ThenNext
	}
	var taken [drainAtOnce]pubsub.Delivery
	from := len(dst)
	for {
		some, more := h.sub.DrainBytes(taken[:0], drainAtOnce, most)
		for i := range some {
			dst = append(dst, some[i].Message.Frame(command.FrameText, TextFrame)...)
		}
		switch {
		case !more && len(some) == 0 && h.sub.Ended() != pubsub.NotEnded:
			return dst, command.ThenNext
		case !more:
			return dst, command.ThenWait
		case len(dst)-from >= most:
			return dst, command.ThenMore
		}
	}
}

// fellBehind says why nothing more comes.
func fellBehind(_ *command.Ctx, _ *command.Args, s *command.Subscription) (bool, error) {
	h, _ := s.State.(*hearer)
	if why := h.sub.Ended(); why != pubsub.NotEnded {
		return false, errs.Newf(errs.Aborted, "%s: too many messages were waiting", why)
	}
	return false, nil
}

func stalled(s *command.Subscription, is bool) {
	if h, ok := s.State.(*hearer); ok {
		h.sub.Stall(is)
	}
}

func closeHearing(e *command.Engine, _ *command.Args, s *command.Subscription, _ int64) {
	if h, ok := s.State.(*hearer); ok {
		e.Topics.Close(&h.sub)
	}
}

package pubsubcmd

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"strconv"
	"unicode/utf8"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/effect"
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

// openHearing subscribes to topics, which commas separate. An id that was registered is taken over
// with what it is subscribed to.
func openHearing(c *command.Ctx, a *command.Args, s *command.Subscription) error {
	var topics [][]byte
	for _, text := range a.List(subscribeTopics) {
		for topic := range bytes.SplitSeq(text, []byte{','}) {
			if len(topic) > 0 {
				topics = append(topics, topic)
			}
		}
	}
	id := a.Bytes(subscribeID)
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
			dst = append(dst, some[i].Message.Frame(command.FrameText, textFrame)...)
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

const hexDigits = "0123456789abcdef"

// longestHead is the length of a frame's head at most, and of one of 64 KiB and more.
const longestHead = 10

// textFrame is the message as a text frame of a WebSocket server. It is made once for all of them.
func textFrame(m *pubsub.Message) []byte {
	b := make([]byte, longestHead,
		longestHead+224+len(m.Topic)+len(m.Payload)+len(m.Payload)/2+len(m.Metadata))
	b = appendMessage(b, m)
	n := len(b) - longestHead
	const finText = 0x81
	head := b[:longestHead]
	switch {
	case n < 126:
		head = head[8:]
		head[1] = byte(n)
	case n < 1<<16:
		head = head[6:]
		head[1] = 126
		binary.BigEndian.PutUint16(head[2:], uint16(n))
	default:
		head[1] = 127
		binary.BigEndian.PutUint64(head[2:], uint64(n))
	}
	head[0] = finText
	return b[longestHead-len(head):]
}

// appendMessage appends the message as JSON text.
func appendMessage(b []byte, m *pubsub.Message) []byte {
	b = append(b, `{"type":"message","message_id":"`...)
	b = m.AppendID(b)
	b = append(b, `","topic":`...)
	b = appendText(b, m.Topic)
	b = append(b, `,"payload":`...)
	switch m.Form {
	case effect.JSONForm:
		b = append(b, m.Payload...)
	case effect.TextForm:
		b = appendText(b, m.Payload)
	default:
		b = append(b, '"')
		b = base64.StdEncoding.AppendEncode(b, m.Payload)
		b = append(b, `","encoding":"base64"`...)
	}
	b = append(b, `,"metadata":`...)
	if m.Metadata == nil {
		b = append(b, `null`...)
	} else {
		b = append(b, m.Metadata...)
	}
	b = append(b, `,"timestamp":`...)
	b = strconv.AppendInt(b, m.Time/1000, 10)
	return append(b, '}')
}

// appendText appends text as a JSON string. What is not UTF-8 in it is replaced.
func appendText(dst, text []byte) []byte {
	if !utf8.Valid(text) {
		text = bytes.ToValidUTF8(text, []byte("\uFFFD"))
	}
	dst = append(dst, '"')
	from := 0
	for i, c := range text {
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, text[from:i]...)
		from = i + 1
		if c < ' ' {
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		} else {
			dst = append(dst, '\\', c)
		}
	}
	return append(append(dst, text[from:]...), '"')
}

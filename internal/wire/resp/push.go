package resp

import (
	"strconv"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/store/pubsub"
)

// maxPush is about what one round pushes to one connection, in bytes: for fairness, and because a
// peer that reads slowly holds so much of our memory.
const maxPush = 64 << 10

var _ command.Pusher = (*Writer)(nil)

// push writes the messages that have arrived for the connection. One whose subscriptions were ended
// is closed, as Redis does: RESP has no words for it.
func (c *Conn) push() {
	l := c.session.Listening
	if l == nil {
		return
	}
	out := c.reply.out
	for start := len(out.Buf); l.Push(&c.reply); {
		if out.Full() || len(out.Buf)-start >= maxPush {
			c.again()
			return
		}
	}
	c.ended = l.Ended()
}

// again has the connection fed again after others.
func (c *Conn) again() {
	if w := c.session.Waker; w != nil {
		w.Wake()
	}
}

// PushMessage writes a message, pmessage or smessage. What all subscribers get of it is made once.
func (w *Writer) PushMessage(d pubsub.Delivery, shard bool) {
	glob := d.Target.Kind() == pubsub.Glob
	if glob {
		w.Push(4)
	} else {
		w.Push(3)
	}
	switch {
	case glob:
		w.put("$8\r\npmessage\r\n")
		w.Str(d.Target.Name())
	case shard:
		w.put("$8\r\nsmessage\r\n")
	default:
		w.put("$7\r\nmessage\r\n")
	}
	w.out.Buf = append(w.out.Buf, d.Message.Frame(command.FrameRESP, bulks)...)
}

// bulks is topic and payload as bulk strings.
func bulks(m *pubsub.Message) []byte {
	b := make([]byte, 0, len(m.Topic)+len(m.Payload)+32)
	return appendBulk(appendBulk(b, m.Topic), m.Payload)
}

func appendBulk(b, text []byte) []byte {
	b = strconv.AppendInt(append(b, '$'), int64(len(text)), 10)
	return append(append(append(b, "\r\n"...), text...), "\r\n"...)
}

// Keep lets connections live on that are silent because they listen: see wire.Keeper.
func (c *Conn) Keep(_, _ int64) bool { return c.session.Listens() }

// Stall has the outbox be small while the peer does not take what it was sent: see wire.Pusher.
func (c *Conn) Stall(stalled bool) {
	if l := c.session.Listening; l != nil {
		l.Stall(stalled)
	}
}

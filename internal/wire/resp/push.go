package resp

import (
	"strconv"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/store/pubsub"
)

// maxPush is about what one round pushes to one connection, in bytes: for fairness, and because a
// peer that reads slowly holds so much of our memory.
const maxPush = 64 << 10

var _ command.SourcePusher = (*Writer)(nil)

// push writes what has arrived for the connection: its messages and its sources in turn. One whose
// subscriptions were ended is closed, as Redis does: RESP has no words for it.
func (c *Conn) push() {
	s, out := c.session, c.reply.out
	if s.Listening == nil && s.Sources == nil {
		return
	}
	s.ReadySources()
	start, vain := len(out.Buf), 0
	for more := true; more; {
		// Nobody comes back to a connection that gave up: then all is said at once.
		if out.Full() || s.Waker != nil && len(out.Buf)-start+vain >= maxPush {
			c.again()
			return
		}
		more = s.Listening != nil && s.Listening.Push(&c.reply)
		if s.Sources != nil {
			others, spent := c.pushSource()
			more = more || others
			vain += spent
		}
	}
	c.ended = s.Listening != nil && s.Listening.Ended()
}

// pushSource lets one source write. What it tells of must be as durable as the session's commands.
// One that wrote nothing may have searched for it, so its turn counts as spent bytes.
func (c *Conn) pushSource() (more bool, spent int) {
	before := len(c.reply.out.Buf)
	more = c.engine.PushSource(c.session, &c.reply)
	if len(c.reply.out.Buf) == before {
		return more, command.SourceBytes
	}
	c.engine.Shown(c.session)
	return more, 0
}

// PushEvent writes an event of a room: event, room, JSON text.
func (w *Writer) PushEvent(room, text []byte) {
	w.Push(3)
	w.put("$5\r\nevent\r\n")
	w.out.Buf = appendBulk(appendBulk(w.out.Buf, room), text)
}

// PushEnded says that a source sends nothing more: ended, id, why.
func (w *Writer) PushEnded(id string, why error) {
	w.Push(3)
	w.put("$5\r\nended\r\n")
	w.Str(id)
	w.Str(why.Error())
}

// again has the connection fed again after others.
func (c *Conn) again() {
	if w := c.session.Waker; w != nil {
		w.Wake()
	}
}

// PushMessage writes a message, pmessage or smessage; without a target it is a message. What all
// subscribers get of it is made once.
func (w *Writer) PushMessage(d pubsub.Delivery, shard bool) {
	glob := d.Target != nil && d.Target.Kind() == pubsub.Glob
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

// Stall has outboxes be small while the peer does not take what it was sent: see wire.Pusher.
func (c *Conn) Stall(stalled bool) {
	if l := c.session.Listening; l != nil {
		l.Stall(stalled)
	}
	c.session.Sources.Stall(stalled)
}

package queuecmd

import (
	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/store/queue"
)

// Positions of the fields of queue.consume.
const (
	takeQueue = iota
	takeConsumer
	takeCount
	takeWait
	_ // deadlineSecs
	_ // deadlineMillis
	takeBytes
	takePrefetch
)

func consumeRows() []*command.Row {
	who := holderField
	who.Required, who.Doc = true, "The worker's name, 1 to 512 bytes."
	return []*command.Row{{
		Name: "queue.consume", Flags: writes,
		Summary: "Leases the next message, or with count up to so many; waits for one if wanted.",
		Fields: []command.Field{queueField, who,
			number("count", "Up to so many, as messages; 10000 at most. Absent: one, as message."),
			number("wait_ms", "Milliseconds to wait when there is none, 3600000 at most; then a "+
				"queue that is not there is an error."),
			deadlineSecsField, deadlineField,
			number("max_bytes", "No more messages once their payloads and headers are so "+
				"many bytes; 8388608 at most and by default."),
			number("prefetch", "Over a WebSocket: messages pushed and not yet settled, 1 to "+
				"10000; 256 when absent."),
		},
		Call: consume,
		Routes: []command.Route{
			{Method: "GET", Path: "/queue/{queue}/consume/{consumer_id}", Call: consumeREST},
		},
		Feed: pushFeed(),
	}}
}

// wanted are the terms of a consumer.
type wanted struct {
	name, consumer        []byte
	count, deadline, wait int64 // deadline and wait in ms
	bytes                 int64
}

// take leases messages into s.views, or parks; parked means that there is no answer yet. To wait
// for a queue that is not there, or no longer, is a mistake: clients would ask at once again. Each
// delivery is a change of its own, which the journal must have room for, and is only made if it
// can be answered: others may have filled the answer, of a batch or transaction.
func (w *wanted) take(c *command.Ctx, s *scratch) (parked bool, err error) {
	if err := checkConsumer(w.consumer); err != nil {
		return false, err
	}
	count := min(max(w.count, 1), maxCount)
	if count > 1 {
		if err := c.Engine.Admit(int(count) * (len(w.consumer) + leaseBytes)); err != nil {
			return false, err
		}
	}
	room := c.Room()/answerPerByte - mostPayload(c)
	if room <= 0 {
		return false, errNoRoom
	}
	s.deliver = queue.Deliver{Consumer: w.consumer, Deadline: w.deadline, Count: int(count),
		Bytes: int(min(w.bytes, maxAnswerBytes, int64(room)))}
	s.views = c.Queues.Deliver(w.name, &s.deliver, s.views)
	if len(s.views) > 0 || w.wait <= 0 {
		return false, nil
	}
	if c.Park(w.name, w.consumer, w.wait) {
		return true, nil
	}
	_, err = c.Queues.Stats(w.name)
	return false, err
}

// answerPerByte is how much of an answer a byte of a message takes at most: a control character
// is six bytes as JSON text, and three as a number.
const answerPerByte = 10

// leaseBytes is about what a delivery adds to the journal beside the consumer's name.
const leaseBytes = 64

// wants reads the fields of queue.consume.
func wants(a *command.Args) (w wanted, err error) {
	w = wanted{name: a.Bytes(takeQueue), consumer: a.Bytes(takeConsumer),
		count: a.Int(takeCount, 1), wait: a.Int(takeWait, 0),
		bytes: a.Int(takeBytes, maxAnswerBytes)}
	if w.count < 1 {
		return w, errCount
	}
	if w.wait > maxWait {
		return w, errWait
	}
	if w.bytes == 0 {
		w.bytes = maxAnswerBytes
	}
	w.deadline, err = deadlineOf(a)
	return w, err
}

// Positions of the fields that say how long a lease lasts, in every row that has them.
const (
	deadlineSecs   = 4
	deadlineMillis = 5
)

// deadlineOf is how long a lease lasts, in ms, by two fields of which one is given at most; 0 = as
// long as the queue says.
func deadlineOf(a *command.Args) (int64, error) {
	secs, millis := a.Int(deadlineSecs, 0), a.Int(deadlineMillis, 0)
	switch {
	case secs != 0 && millis != 0:
		return 0, errDeadlines
	case secs > mostMillis/1000 || millis > mostMillis:
		return 0, errLongLease
	}
	return max(millis, secs*1000), nil
}

// consume answers {message} or, asked for a number, {messages}.
func consume(c *command.Ctx, a *command.Args) error {
	w, err := wants(a)
	if err != nil {
		return err
	}
	s := borrow()
	defer s.giveBack()
	if parked, err := w.take(c, s); parked || err != nil {
		return err
	}
	c.Reply.Map(1)
	switch {
	case a.Has(takeCount):
		s.replyDelivered(c.Reply, commandID)
	case len(s.views) == 0:
		c.Reply.Str("message")
		c.Reply.Null()
	default:
		c.Reply.Str("message")
		s.delivered(c.Reply, commandID, &s.views[0])
	}
	return nil
}

// replyDelivered writes the messages that were leased as a list.
func (s *scratch) replyDelivered(r command.Reply, id string) {
	r.Str("messages")
	r.Array(len(s.views))
	for i := range s.views {
		s.delivered(r, id, &s.views[i])
	}
}

// consumeREST answers a single message flat, all null when there is none.
func consumeREST(c *command.Ctx, a *command.Args) error {
	w, err := wants(a)
	if err != nil {
		return err
	}
	s := borrow()
	defer s.giveBack()
	if parked, err := w.take(c, s); parked || err != nil {
		return err
	}
	switch {
	case a.Has(takeCount):
		c.Reply.Map(1)
		s.replyDelivered(c.Reply, routeID)
	case len(s.views) == 0:
		c.Reply.Map(len(emptyNames))
		for _, name := range emptyNames {
			c.Reply.Str(name)
			c.Reply.Null()
		}
	default:
		s.delivered(c.Reply, routeID, &s.views[0])
	}
	return nil
}

// emptyNames are the members of a flat answer without a message.
var emptyNames = [...]string{routeID, "payload", "priority", "retry_count", "max_retries",
	"headers", "timestamp", "retries", "token", "deadline"}

// Windows of a push connection: messages pushed and not yet settled.
const (
	defaultWindow = 256
	maxWindow     = 10_000
)

// forever is a moment that no waiter reaches.
const forever = 1<<63 - 1

func pushFeed() *command.Feed {
	return &command.Feed{
		Path: "/queue/{queue}/ws/{consumer_id}",
		Open: openPush, Next: nextPush, Closed: closePush,
		Commands: map[string]string{
			"ack": "queue.ack", "nack": "queue.nack", "extend": "queue.extend",
		},
	}
}

// openPush accepts a connection to a queue that exists.
func openPush(c *command.Ctx, a *command.Args, sub *command.Subscription) error {
	if err := checkConsumer(a.Bytes(takeConsumer)); err != nil {
		return err
	}
	if _, err := deadlineOf(a); err != nil {
		return err
	}
	window := a.Int(takePrefetch, defaultWindow)
	if window < 1 || window > maxWindow {
		return errWindow
	}
	if _, err := c.Queues.Stats(a.Bytes(takeQueue)); err != nil {
		return err
	}
	sub.Window = int(window)
	c.Reply.Map(3)
	pairStr(c.Reply, "type", "connected")
	pairText(c.Reply, "queue", a.Bytes(takeQueue))
	pairText(c.Reply, "consumer_id", a.Bytes(takeConsumer))
	return nil
}

// nextPush pushes the next message, or waits in line for one. A queue that is gone ends it.
func nextPush(c *command.Ctx, a *command.Args, sub *command.Subscription) (bool, error) {
	name, consumer := a.Bytes(takeQueue), a.Bytes(takeConsumer)
	deadline, err := deadlineOf(a)
	if err != nil {
		return false, err
	}
	s := borrow()
	defer s.giveBack()
	s.deliver = queue.Deliver{Consumer: consumer, Deadline: deadline, Count: 1,
		Conn: sub.Conn, Window: sub.Window}
	s.views = c.Queues.Deliver(name, &s.deliver, s.views)
	if len(s.views) > 0 {
		s.pushed(c.Reply, &s.views[0])
		return true, nil
	}
	if !c.Queues.Park(name, consumer, &sub.Waiter, forever) {
		_, err := c.Queues.Stats(name)
		return false, err
	}
	sub.Parked = true // an empty round is no command, and waits for no commit
	return false, nil
}

// pushed writes a message as a frame.
func (s *scratch) pushed(r command.Reply, v *queue.View) {
	pairs := 10
	if v.Form != effect.BytesForm {
		pairs++
	}
	r.Map(pairs)
	pairStr(r, "type", "message")
	r.Str("message_id")
	s.replyID(r, v.ID)
	pairPayload(r, v)
	pairInt(r, "priority", int64(v.Priority))
	pairInt(r, "retry_count", int64(v.Retries))
	pairInt(r, "created_at", v.Created/1000)
	pairHeaders(r, v)
	r.Str("token")
	s.replyToken(r, v.Token)
	pairInt(r, "deadline", v.Due)
	pairInt(r, "max_retries", int64(v.MaxRetries))
	pairValue(r, v)
}

// closePush gives back what the connection holds, and its place in line.
func closePush(e *command.Engine, a *command.Args, sub *command.Subscription, now int64) {
	e.Queues.Unpark(&sub.Waiter)
	e.Queues.Detach(a.Bytes(takeQueue), sub.Conn, now)
}

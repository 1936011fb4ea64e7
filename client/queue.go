package synap

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"sync/atomic"
	"time"
)

// Queue is a queue by its name.
type Queue struct {
	c        *Client
	name     string
	consumer string
}

// Queue names a queue; it need not exist yet. Each Queue value is a consumer of its own.
func (c *Client) Queue(name string) *Queue {
	return &Queue{c: c, name: name, consumer: "go-" + randomID()}
}

func randomID() string {
	var id [8]byte
	_, _ = rand.Read(id[:]) // never fails: see crypto/rand
	return hex.EncodeToString(id[:])
}

// Name is the queue's name.
func (q *Queue) Name() string { return q.name }

// As is the queue with a consumer's name of one's own: leases and prefetch go by it.
func (q *Queue) As(consumer string) *Queue {
	return &Queue{c: q.c, name: q.name, consumer: consumer}
}

// QueueOptions are settings of a queue; zeros are the server's defaults.
type QueueOptions struct {
	MaxDepth        int64         // messages
	AckDeadline     time.Duration // until a leased message goes to others
	MaxRetries      int
	Priority        int // 0 to 9, of messages published without one
	DeadLetterQueue string
}

// Create makes the queue; one that exists stays as it is.
func (q *Queue) Create(ctx context.Context, o QueueOptions) error {
	r := &request{command: "queue.create", line: []any{"QCREATE", q.name},
		fields: []field{{"name", q.name}}}
	number := func(name string, n int64) {
		if n != 0 {
			r.fields = append(r.fields, field{name, n})
			r.line = append(r.line, name, n)
		}
	}
	number("max_depth", o.MaxDepth)
	number("ack_deadline_ms", o.AckDeadline.Milliseconds())
	number("default_max_retries", int64(o.MaxRetries))
	number("default_priority", int64(o.Priority))
	if o.DeadLetterQueue != "" {
		r.fields = append(r.fields, field{"dead_letter_queue", o.DeadLetterQueue})
		r.line = append(r.line, "dead_letter_queue", o.DeadLetterQueue)
	}
	_, err := q.c.call(ctx, r)
	return err
}

// Delete removes the queue with all its messages, and says whether there was one.
func (q *Queue) Delete(ctx context.Context) (deleted bool, err error) {
	v, err := q.c.call(ctx, &request{command: "queue.delete", line: []any{"QDELETE", q.name},
		fields: []field{{"queue", q.name}}})
	if m := member(v, "deleted"); m != nil {
		v = m
	}
	return toBool(v), err
}

// PublishOption is something about a message beside its payload.
type PublishOption func(*outgoing)

// outgoing is a message on its way into a queue.
type outgoing struct {
	fields []field
	words  []any
}

func (m *outgoing) add(name, word string, value any) {
	m.fields = append(m.fields, field{name, value})
	m.words = append(m.words, word, value)
}

// Priority is from 0 to 9; higher goes first.
func Priority(p int) PublishOption {
	return func(m *outgoing) { m.add("priority", "PRIORITY", int64(p)) }
}

// Delay is how long it can't be delivered yet.
func Delay(d time.Duration) PublishOption {
	return func(m *outgoing) { m.add("delay_ms", "DELAY", d.Milliseconds()) }
}

// MaxRetries is how many failed deliveries the message survives.
func MaxRetries(n int) PublishOption {
	return func(m *outgoing) { m.add("max_retries", "RETRIES", int64(n)) }
}

// DedupID lets the server leave out a second message with the same id within the queue's window.
func DedupID(id string) PublishOption {
	return func(m *outgoing) { m.add("dedup_id", "DEDUP", id) }
}

// Publish adds a message and returns its id.
func (q *Queue) Publish(
	ctx context.Context, payload []byte, options ...PublishOption,
) (id string, err error) {
	v, err := q.c.call(ctx, Publish(q.name, payload, options...).r)
	if m := member(v, "message_id"); m != nil {
		v = m
	}
	return toText(v), err
}

// Publish, as a command of a Batch, adds a message to a queue.
func Publish(queue string, payload []byte, options ...PublishOption) Command {
	var m outgoing
	for _, o := range options {
		o(&m)
	}
	return Command{&request{command: "queue.publish",
		line:   append([]any{"QPUBLISH", queue, payload}, m.words...),
		fields: append([]field{{"queue", queue}, {"payload", payload}}, m.fields...)}}
}

// PublishBatch adds many messages at once and returns their ids, in order. If the queue fills up
// midway, those that were refused have no id and there is an error.
func (q *Queue) PublishBatch(
	ctx context.Context, payloads [][]byte, options ...PublishOption,
) (ids []string, err error) {
	commands := make([]Command, len(payloads))
	for i, p := range payloads {
		commands[i] = Publish(q.name, p, options...)
	}
	results, err := q.c.Batch(ctx, commands...)
	if err != nil {
		return nil, err
	}
	ids = make([]string, len(results))
	for i, r := range results {
		v := r.Value
		if m := member(v, "message_id"); m != nil {
			v = m
		}
		ids[i] = toText(v)
		if err == nil {
			err = r.Err
		}
	}
	return ids, err
}

// Message is one delivery of a message.
type Message struct {
	ID         string
	Payload    []byte
	Priority   int
	Retries    int // deliveries before this one
	MaxRetries int
	// Deadline is until when it was ours when it came, by the server's clock; see Extend.
	Deadline time.Time
	token    string
	queue    *Queue
	settled  atomic.Bool // it was acknowledged or given back
}

// Pop takes the next message, waiting up to wait for one; ok is false when there is none. The
// caller acknowledges it or gives it back before its deadline.
func (q *Queue) Pop(ctx context.Context, wait time.Duration) (m *Message, ok bool, err error) {
	all, err := q.PopBatch(ctx, 1, wait)
	if err != nil || len(all) == 0 {
		return nil, false, err
	}
	return all[0], true, nil
}

// PopBatch takes up to most messages, waiting up to wait for the first.
func (q *Queue) PopBatch(ctx context.Context, most int, wait time.Duration) ([]*Message, error) {
	r := &request{command: "queue.consume",
		line:   []any{"QCONSUME", q.name, "CONSUMER", q.consumer, "COUNT", int64(most), "FULL"},
		fields: []field{{"queue", q.name}, {"consumer_id", q.consumer}, {"count", most}}}
	if ms := wait.Milliseconds(); ms > 0 {
		r.line = append(r.line, "WAIT", ms)
		r.fields = append(r.fields, field{"wait_ms", ms})
	}
	v, err := q.c.waiting(ctx, wait, r)
	if err != nil {
		return nil, err
	}
	list := toList(v)
	if m := member(v, "messages"); m != nil {
		list = toList(m)
	}
	messages := make([]*Message, 0, len(list))
	for _, item := range list {
		messages = append(messages, q.message(item))
	}
	return messages, nil
}

// message reads a delivery.
func (q *Queue) message(v any) *Message {
	id := member(v, "id")
	if id == nil {
		id = member(v, "message_id")
	}
	return &Message{ID: toText(id), Payload: toBytes(member(v, "payload")),
		Priority: int(toInt(member(v, "priority"))), Retries: int(toInt(member(v, "retry_count"))),
		MaxRetries: int(toInt(member(v, "max_retries"))),
		Deadline:   time.UnixMilli(toInt(member(v, "deadline"))),
		token:      toText(member(v, "token")), queue: q}
}

// Ack says that the message is done with. ErrConflict: it is somebody else's by now.
func (m *Message) Ack(ctx context.Context) error {
	return m.settle(ctx, m.ack())
}

func (m *Message) settle(ctx context.Context, r *request) error {
	_, err := m.queue.c.call(ctx, r)
	if err == nil {
		m.settled.Store(true)
	}
	return err
}

func (m *Message) ack() *request {
	return &request{command: "queue.ack",
		line:   []any{"QACK", m.queue.name, m.ID, "TOKEN", m.token},
		fields: []field{{"queue", m.queue.name}, {"message_id", m.ID}, {"token", m.token}}}
}

// AckAll acknowledges several messages at once. The error is the first there was.
func AckAll(ctx context.Context, messages []*Message) error {
	if len(messages) == 0 {
		return nil
	}
	reqs := make([]*request, len(messages))
	for i, m := range messages {
		reqs[i] = m.ack()
	}
	_, errs, err := messages[0].queue.c.all(ctx, reqs)
	if err != nil {
		return err
	}
	return first(errs)
}

// Nack gives the message back: to be delivered again after a delay, by the queue's own back-off if
// that is 0.
func (m *Message) Nack(ctx context.Context, delay time.Duration) error {
	return m.settle(ctx, m.nack(delay))
}

func (m *Message) nack(delay time.Duration) *request {
	r := &request{command: "queue.nack",
		line:   []any{"QNACK", m.queue.name, m.ID, "TOKEN", m.token},
		fields: []field{{"queue", m.queue.name}, {"message_id", m.ID}, {"token", m.token}}}
	if ms := delay.Milliseconds(); ms > 0 {
		r.line = append(r.line, "DELAY", ms)
		r.fields = append(r.fields, field{"delay_ms", ms})
	}
	return r
}

// Extend keeps the message for d from now; 0 = for the queue's deadline.
func (m *Message) Extend(ctx context.Context, d time.Duration) error {
	_, err := m.queue.c.call(ctx, m.extend(d))
	return err
}

func (m *Message) extend(d time.Duration) *request {
	ms := d.Milliseconds()
	return &request{command: "queue.extend",
		line: []any{"QEXTEND", m.queue.name, m.ID, ms, "TOKEN", m.token},
		fields: []field{{"queue", m.queue.name}, {"message_id", m.ID}, {"token", m.token},
			{"ack_deadline_ms", ms}}}
}

package queuecmd

import (
	"slices"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/command/plan"
	"github.com/synapdb/synap/internal/errs"
	"github.com/synapdb/synap/internal/store/queue"
)

// Positions of the fields of a message; those of queue.publish stand behind the queue.
const (
	putPayload = iota
	putPriority
	putRetries
	putDelay
	putAt
	putTTL
	putTTLMillis
	putHeaders
	putDedup

	putFields
)

// Positions of the fields of queue.publish and queue.publish_batch.
const (
	publishQueue   = 0
	publishMessage = 1
	publishGuard   = publishMessage + putFields

	batchMessages = 1
	batchGuard    = 2
)

func publishRows() []*command.Row {
	message := []command.Field{
		{Name: "payload", Type: command.PayloadField, Required: true,
			Doc: "Bytes as an array of numbers 0..255 or MessagePack's binary, or any JSON value."},
		number("priority", "0 to 9, higher goes first; more counts as 9; absent: the queue's."),
		number("max_retries", "Failed deliveries the message survives; more counts as 65535; "+
			"absent: the queue's."),
		number("delay_ms", "Milliseconds until it can be delivered."),
		number("deliver_at", "The moment from which on it can be, in ms since the Unix epoch."),
		number("ttl", "Seconds it waits at most; 0 or absent: the queue's."),
		number("ttl_ms", "The same in milliseconds."),
		{Name: "headers", Type: command.ObjectField,
			Doc: "An object of strings, numbers, booleans and nulls that goes with the payload."},
		text("dedup_id", "A second message with it, soon enough, is left out: its answer has the "+
			"id of the first one, and duplicate."),
	}
	guard := command.Field{Name: "if_version", Type: command.GuardField,
		Doc: `{"key", "version"}: only if the key has this version; 0: only if it is absent.`}
	return []*command.Row{{
		Name: "queue.publish", Flags: grows,
		Summary: "Adds a message to a queue.",
		Fields:  slices.Concat([]command.Field{queueField}, message, []command.Field{guard}),
		Call:    publish,
		Routes:  []command.Route{{Method: "POST", Path: "/queue/{queue}/publish"}},
	}, {
		Name: "queue.publish_batch", Flags: command.Write | command.Grows,
		Summary: "Adds many messages at once; none if one of them is wrong.",
		Fields: []command.Field{queueField, {
			Name: "messages", Type: command.ObjectListField, Required: true,
			Doc:  "Objects of payload and the options of queue.publish.",
			Item: &command.Row{Name: "message", Fields: message},
		}, guard},
		Call:   publishBatch,
		Routes: []command.Route{{Method: "POST", Path: "/queue/{queue}/publish_batch"}},
	}}
}

// farthest is how far ahead, in ms, a moment may be: ten years.
const farthest = 3660 * 24 * 3_600_000

// bring reads the fields of a message, which begin at field first.
func bring(c *command.Ctx, a *command.Args, first int, m *queue.Message) error {
	payload := &a.Vals[first+putPayload]
	*m = queue.Message{
		Payload: payload.B, Form: payload.Form,
		Priority:   int(min(a.Int(first+putPriority, -1), queue.Priorities-1)),
		MaxRetries: int(min(a.Int(first+putRetries, -1), mostRetries)),
		Dedup:      a.Bytes(first + putDedup), Headers: a.Bytes(first + putHeaders),
	}
	if err := checkPayload(c, m.Payload); err != nil {
		return err
	}
	delay, at := a.Int(first+putDelay, 0), a.Int(first+putAt, 0)
	if a.Has(first+putDelay) && a.Has(first+putAt) {
		return errDelay
	}
	ttl, millis := a.Int(first+putTTL, 0), a.Int(first+putTTLMillis, 0)
	if ttl != 0 && millis != 0 {
		return errTTLs
	}
	if ttl > farthest/1000 {
		return errFar
	}
	return when(c.Now, m, delay, at, max(millis, ttl*1000))
}

// when sets the times of a message: delay and ttl are ms, at ms since the Unix epoch; 0 = none.
// It checks the headers, too.
func when(now int64, m *queue.Message, delay, at, ttl int64) error {
	if delay > farthest || ttl > farthest || at > now+farthest {
		return errFar
	}
	if m.TTL, m.DeliverAt = ttl, at; delay > 0 {
		m.DeliverAt = now + delay
	}
	switch {
	case len(m.Headers) > queue.MaxHeaderBytes:
		return errs.Newf(errs.TooLarge, "Invalid request: headers are %d bytes long; "+
			"the limit is %d", len(m.Headers), queue.MaxHeaderBytes)
	case len(m.Dedup) > queue.MaxDedupBytes:
		return errs.Newf(errs.TooLarge, "Invalid request: dedup_id is %d bytes long; "+
			"the limit is %d", len(m.Dedup), queue.MaxDedupBytes)
	case len(m.Headers) > 0 && !flat(m.Headers):
		return errHeaders
	case string(m.Headers) == "{}":
		m.Headers = nil
	}
	return nil
}

// flat says whether a JSON object, known to be one, holds no other containers.
func flat(object []byte) bool {
	quoted := false
	for i := 1; i < len(object); i++ {
		switch c := object[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case !quoted && (c == '{' || c == '['):
			return false
		}
	}
	return true
}

// guarded checks the version that a guard field names.
func guarded(c *command.Ctx, a *command.Args, field int) error {
	if !a.Has(field) {
		return nil
	}
	return plan.CheckVersion(c.Tx, c.DB, a.Bytes(field), a.Int(field, 0))
}

// room refuses what would grow when the queues' address space is used up.
func room(c *command.Ctx) error {
	if c.Engine.Queues.Full() {
		return errMemory
	}
	return nil
}

func publish(c *command.Ctx, a *command.Args) error {
	s := borrow()
	defer s.giveBack()
	if err := bring(c, a, publishMessage, &s.message); err != nil {
		return err
	}
	if err := guarded(c, a, publishGuard); err != nil {
		return err
	}
	if err := room(c); err != nil {
		return err
	}
	done, err := c.Queues.Publish(a.Bytes(publishQueue), &s.message)
	if err != nil {
		return err
	}
	if done.Duplicate {
		c.Reply.Map(2)
	} else {
		c.Reply.Map(1)
	}
	c.Reply.Str("message_id")
	s.replyID(c.Reply, done.ID)
	if done.Duplicate {
		pairBool(c.Reply, "duplicate", true)
	}
	return nil
}

// batchDone is what became of several messages.
type batchDone struct {
	published, duplicates, rejected int64
	why                             error // of the first that was refused
}

// put publishes s.message and notes what became of it. Only a full queue lets a batch go on: its
// later messages may be duplicates. An atomic batch, and one of which nothing was taken, fail.
func (d *batchDone) put(c *command.Ctx, s *scratch, name []byte, last bool) error {
	done, err := c.Queues.Publish(name, &s.message)
	switch {
	case err == nil:
		s.done = append(s.done, result{id: done.ID, taken: true})
		if done.Duplicate {
			d.duplicates++
		} else {
			d.published++
		}
	case c.Atomic || errs.Of(err) != errs.QueueFull:
		return err
	default:
		s.done = append(s.done, result{})
		d.rejected++
		if d.why == nil {
			d.why = err
		}
	}
	if last && d.published+d.duplicates == 0 {
		return d.why
	}
	return nil
}

func publishBatch(c *command.Ctx, a *command.Args) error {
	s := borrow()
	defer s.giveBack()
	items := a.Vals[batchMessages].Commands
	for i := range items {
		if err := bring(c, &items[i].Args, 0, &s.message); err != nil {
			return command.InItem(err, "messages", i)
		}
	}
	if err := guarded(c, a, batchGuard); err != nil {
		return err
	}
	if err := room(c); err != nil {
		return err
	}
	if len(items) == 0 { // the queue must be there all the same
		if _, err := c.Queues.Stats(a.Bytes(publishQueue)); err != nil {
			return err
		}
	}
	var d batchDone
	for i := range items {
		if err := bring(c, &items[i].Args, 0, &s.message); err != nil {
			return err
		}
		if err := d.put(c, s, a.Bytes(publishQueue), i == len(items)-1); err != nil {
			return err
		}
	}
	d.reply(c.Reply, s)
	return nil
}

func (d *batchDone) reply(r command.Reply, s *scratch) {
	pairs := 3
	if d.rejected > 0 {
		pairs = 5
	}
	r.Map(pairs)
	r.Str("message_ids")
	r.Array(len(s.done))
	for _, one := range s.done {
		if one.taken {
			s.replyID(r, one.id)
		} else {
			r.Null()
		}
	}
	pairInt(r, "published", d.published)
	pairInt(r, "duplicates", d.duplicates)
	if d.rejected > 0 {
		pairInt(r, "rejected", d.rejected)
		pairStr(r, "error", d.why.Error())
	}
}

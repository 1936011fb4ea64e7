package queuecmd

import (
	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/errs"
	"github.com/synapdb/synap/internal/store/queue"
)

// Positions of the fields of queue.ack and queue.nack, and of an item of acks.
const (
	settleQueue = iota
	settleMessage
	settleMany
	settleItems
	settleToken
	settleConsumer
	settleRequeue
	settleDelay

	itemMessage = 0
	itemToken   = 1
)

// Positions of the fields of queue.extend.
const (
	extendQueue = iota
	extendMessage
	extendToken
	extendConsumer
	// then deadlineSecs and deadlineMillis
)

func settleRows() []*command.Row {
	required := messageField
	required.Required = true
	fields := []command.Field{queueField, messageField, messagesField, {
		Name: "acks", Aliases: []string{"nacks"}, Type: command.ObjectListField,
		Doc:  "Several messages with their tokens: objects of message_id and token.",
		Item: &command.Row{Name: "ack", Fields: []command.Field{required, tokenField}},
	}, tokenField, holderField}
	longer, longerSecs := deadlineField, deadlineSecsField
	longer.Aliases, longerSecs.Aliases = []string{"duration_ms"}, []string{"duration_secs"}
	longerSecs.Doc = "Seconds from now until the message goes to others; 0: the queue's deadline."
	return []*command.Row{{
		Name: "queue.ack", Flags: writes,
		Summary: "Removes messages that are done with.",
		Fields:  fields, Call: ack,
		Routes: []command.Route{{Method: "POST", Path: "/queue/{queue}/ack"}},
	}, {
		Name: "queue.nack", Flags: writes,
		Summary: "Gives messages back: to be delivered again, or put away.",
		Fields: append(fields[:len(fields):len(fields)],
			flag("requeue", "Deliver it again, unless its retries are used up; true when absent. "+
				"The route requires it. With false it moves to the dead_letter_queue, and "+
				"without one it is gone."),
			number("delay_ms", "Milliseconds until then; absent: by the queue's back-off."),
		),
		Call:   nack,
		Routes: []command.Route{{Method: "POST", Path: "/queue/{queue}/nack", Call: nackREST}},
	}, {
		Name: "queue.extend", Flags: writes,
		Summary: "Gives a consumer more time for a message.",
		Fields: []command.Field{queueField, required, tokenField, holderField, longerSecs,
			longer},
		Call:   extend,
		Routes: []command.Route{{Method: "POST", Path: "/queue/{queue}/extend"}},
	}}
}

// settle does something about one delivery.
type settle func(c *command.Ctx, name []byte, l *queue.Lease) error

func ackOne(c *command.Ctx, name []byte, l *queue.Lease) error { return c.Queues.Ack(name, l) }

func ack(c *command.Ctx, a *command.Args) error { return settleAll(c, a, ackOne) }

func nack(c *command.Ctx, a *command.Args) error {
	how := queue.Nack{Requeue: !a.Has(settleRequeue) || a.Bool(settleRequeue),
		Delay: a.Int(settleDelay, byBackoff)}
	if how.Delay > 0 && !how.Requeue {
		return errNackDelay
	}
	if how.Delay > farthest {
		return errFar
	}
	return settleAll(c, a, func(c *command.Ctx, name []byte, l *queue.Lease) error {
		return nackOne(c, name, l, how)
	})
}

// nackOne gives a message back. One that goes to the dead-letter queue is journaled whole.
func nackOne(c *command.Ctx, name []byte, l *queue.Lease, how queue.Nack) error {
	if n := c.Queues.MoveBytes(name, l.ID, !how.Requeue); n > 0 {
		if err := c.Engine.Admit(n); err != nil {
			return err
		}
	}
	return c.Queues.Nack(name, l, how)
}

// byBackoff is the delay of a nack that names none.
const byBackoff = -1

// nackREST is nack as the contract's route has it: it must say what becomes of the message.
func nackREST(c *command.Ctx, a *command.Args) error {
	if !a.Has(settleRequeue) {
		return errs.Missing("requeue")
	}
	return nack(c, a)
}

// settleAll settles one message, or many of which each has its own result.
func settleAll(c *command.Ctx, a *command.Args, do settle) error {
	ways := 0
	for _, field := range []int{settleMessage, settleMany, settleItems} {
		if a.Has(field) {
			ways++
		}
	}
	switch {
	case ways == 0:
		return errWhich
	case ways > 1:
		return errOneOf
	case a.Has(settleToken) && !a.Has(settleMessage):
		return errTokens
	}
	s := borrow()
	defer s.giveBack()
	if a.Has(settleConsumer) {
		if err := checkConsumer(a.Bytes(settleConsumer)); err != nil {
			return err
		}
		s.lease.Consumer = a.Bytes(settleConsumer)
	}
	if !a.Has(settleMessage) {
		return s.settleMany(c, a, do)
	}
	err := s.settle(c, a.Bytes(settleQueue), a.Bytes(settleMessage), &a.Vals[settleToken], do)
	if err != nil {
		return err
	}
	return replyOK(c.Reply)
}

// settle settles one message; the consumer is in s.lease already.
func (s *scratch) settle(c *command.Ctx, name, id []byte, token *command.Value, do settle) error {
	var err error
	if s.lease.Token = 0; token.Set {
		if s.lease.Token, err = parseToken(token.B); err != nil {
			return err
		}
	}
	var ok bool
	if s.lease.ID, ok = queue.ParseID(id); !ok {
		if _, err := c.Queues.Stats(name); err != nil {
			return err
		}
		return noMessage(id)
	}
	return do(c, name, &s.lease)
}

// settleMany answers {success, settled, failed, results}: success says that none failed. Without
// a queue it fails as a whole, and in an atomic batch at the first failure.
func (s *scratch) settleMany(c *command.Ctx, a *command.Args, do settle) error {
	name := a.Bytes(settleQueue)
	if _, err := c.Queues.Stats(name); err != nil {
		return err
	}
	items, ids := a.Vals[settleItems].Commands, a.List(settleMany)
	var none command.Value
	at := func(i int) (id []byte, token *command.Value) {
		if a.Has(settleMany) {
			return ids[i], &none
		}
		return items[i].Args.Bytes(itemMessage), &items[i].Args.Vals[itemToken]
	}
	n, failed := max(len(items), len(ids)), 0
	for i := range n {
		id, token := at(i)
		err := s.settle(c, name, id, token, do)
		if err != nil && c.Atomic {
			return err
		}
		if s.done = append(s.done, result{err: err}); err != nil {
			failed++
		}
	}
	c.Reply.Map(4)
	pairBool(c.Reply, "success", failed == 0)
	pairInt(c.Reply, "settled", int64(n-failed))
	pairInt(c.Reply, "failed", int64(failed))
	c.Reply.Str("results")
	c.Reply.Array(n)
	for i := range n {
		id, _ := at(i)
		replySettled(c.Reply, id, s.done[i].err)
	}
	return nil
}

func replySettled(r command.Reply, id []byte, err error) {
	if err == nil {
		r.Map(2)
	} else {
		r.Map(4)
	}
	pairText(r, "message_id", id)
	pairBool(r, "success", err == nil)
	if err != nil {
		pairStr(r, "error", err.Error())
		pairStr(r, "code", errs.Of(err).Code())
	}
}

// extend answers {success, deadline}: when the lease ends now, in ms since the Unix epoch.
func extend(c *command.Ctx, a *command.Args) error {
	duration, err := deadlineOf(a)
	if err != nil {
		return err
	}
	s := borrow()
	defer s.giveBack()
	if a.Has(extendConsumer) {
		if err := checkConsumer(a.Bytes(extendConsumer)); err != nil {
			return err
		}
		s.lease.Consumer = a.Bytes(extendConsumer)
	}
	var until int64
	err = s.settle(c, a.Bytes(extendQueue), a.Bytes(extendMessage), &a.Vals[extendToken],
		func(c *command.Ctx, name []byte, l *queue.Lease) (err error) {
			until, err = c.Queues.Extend(name, l, duration)
			return err
		})
	if err != nil {
		return err
	}
	c.Reply.Map(2)
	pairBool(c.Reply, "success", true)
	pairInt(c.Reply, "deadline", until)
	return nil
}

package queuecmd

import (
	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/store/queue"
)

// Positions of the fields of queue.dlq.retry and queue.dlq.purge; only the former has a limit.
const (
	deadQueue = iota
	deadMessage
	deadMany
	deadAll
	deadDry
	deadLimit
)

// Positions of the fields of queue.dlq.list.
const (
	deadListLimit = 1
	deadListAfter = 2
)

func deadRows() []*command.Row {
	fields := []command.Field{queueField, messageField, messagesField,
		flag("all", "All of them."), dryField}
	return []*command.Row{{
		Name: "queue.dlq.list", Flags: command.Read,
		Summary: "Shows the dead letters kept with a queue, oldest first.",
		Fields:  []command.Field{queueField, limitField, afterField},
		Call: func(c *command.Ctx, a *command.Args) error {
			return peek(c, a.Bytes(deadQueue), effect.DeadLetter, a.Bytes(deadListAfter),
				a.Int(deadListLimit, defaultPeek))
		},
		Routes: []command.Route{{Method: "GET", Path: "/queue/{queue}/dlq"}},
	}, {
		Name: "queue.dlq.retry", Flags: command.Write,
		Summary: "Makes dead letters ready again, with no retries counted.",
		Fields: append(fields[:len(fields):len(fields)],
			number("limit", "The oldest so many.")),
		Call:   retryDead,
		Routes: []command.Route{{Method: "POST", Path: "/queue/{queue}/dlq/retry"}},
	}, {
		Name: "queue.dlq.purge", Flags: command.Write | command.NoMulti,
		Summary: "Removes dead letters.",
		Fields:  fields, Call: purgeDead,
		Routes: []command.Route{{Method: "POST", Path: "/queue/{queue}/dlq/purge"}},
	}}
}

// whichDead reads which dead letters are meant: s.ids, up to limit, or all with neither.
func (s *scratch) whichDead(c *command.Ctx, a *command.Args, most int) (limit int, err error) {
	ways := 0
	for _, given := range []bool{a.Has(deadMessage), a.Has(deadMany), a.Bool(deadAll),
		most > deadLimit && a.Has(deadLimit)} {
		if given {
			ways++
		}
	}
	switch {
	case ways == 0:
		return 0, errChoice
	case ways > 1:
		return 0, errChoices
	case a.Has(deadMessage):
		err = s.addID(c, a.Bytes(deadQueue), a.Bytes(deadMessage))
	case a.Has(deadMany):
		err = s.addIDs(c, a.Bytes(deadQueue), a.List(deadMany))
	case !a.Bool(deadAll):
		if limit = int(a.Int(deadLimit, 0)); limit < 1 {
			err = errLimit
		}
	}
	return limit, err
}

func (s *scratch) addID(c *command.Ctx, name, text []byte) error {
	id, ok := queue.ParseID(text)
	if !ok {
		if _, err := c.Queues.Stats(name); err != nil {
			return err
		}
		return noMessage(text)
	}
	s.ids = append(s.ids, id)
	return nil
}

func (s *scratch) addIDs(c *command.Ctx, name []byte, texts [][]byte) error {
	for _, text := range texts {
		if err := s.addID(c, name, text); err != nil {
			return err
		}
	}
	return nil
}

func retryDead(c *command.Ctx, a *command.Args) error {
	s := borrow()
	defer s.giveBack()
	limit, err := s.whichDead(c, a, len(a.Row.Fields))
	if err != nil {
		return err
	}
	n := int64(0)
	if !a.Has(deadMany) || len(s.ids) > 0 { // no ids at all would mean every dead letter
		if n, err = c.Queues.Redrive(a.Bytes(deadQueue), s.ids, limit, a.Bool(deadDry)); err != nil {
			return err
		}
	}
	replyDead(c.Reply, "retried", n, a.Bool(deadDry))
	return nil
}

func purgeDead(c *command.Ctx, a *command.Args) error {
	s := borrow()
	defer s.giveBack()
	if _, err := s.whichDead(c, a, len(a.Row.Fields)); err != nil {
		return err
	}
	var n int64
	if !a.Has(deadMany) || len(s.ids) > 0 {
		var err error
		if n, err = c.Queues.PurgeDead(a.Bytes(deadQueue), s.ids, a.Bool(deadDry)); err != nil {
			return err
		}
	}
	replyDead(c.Reply, "purged", n, a.Bool(deadDry))
	return nil
}

// replyDead answers {name: n}, or {dry_run: true, count: n}.
func replyDead(r command.Reply, name string, n int64, dry bool) {
	if !dry {
		r.Map(1)
		pairInt(r, name, n)
		return
	}
	r.Map(2)
	pairBool(r, "dry_run", true)
	pairInt(r, "count", n)
}

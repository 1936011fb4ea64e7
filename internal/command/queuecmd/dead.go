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
		Name: "queue.dlq.purge", Flags: command.Write,
		Summary: "Removes dead letters.",
		Fields:  fields, Call: purgeDead,
		Routes: []command.Route{{Method: "POST", Path: "/queue/{queue}/dlq/purge"}},
	}}
}

// whichDead reads which dead letters are meant: s.ids, or, if that is nil, up to limit, 0 = all.
func (s *scratch) whichDead(c *command.Ctx, a *command.Args) (limit int, err error) {
	ways := 0
	for _, given := range []bool{a.Has(deadMessage), a.Has(deadMany), a.Bool(deadAll),
		len(a.Row.Fields) > deadLimit && a.Has(deadLimit)} {
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
		for _, text := range a.List(deadMany) {
			if err := s.addID(c, a.Bytes(deadQueue), text); err != nil {
				return 0, err
			}
		}
		if s.ids == nil {
			s.ids = []queue.ID{}
		}
	case a.Bool(deadAll):
		s.ids = nil
	default:
		s.ids = nil
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

// redriveBytes is about what a dead letter made ready adds to the journal.
const redriveBytes = 48

// redrive makes dead letters ready again: those named, or with ids nil up to limit of all. The
// journal must have room for all of them, which the command's arguments say nothing about.
func redrive(c *command.Ctx, name []byte, ids []queue.ID, limit int, dry bool) (int64, error) {
	if ids == nil && !dry {
		stats, err := c.Queues.Stats(name)
		if err != nil {
			return 0, err
		}
		n := stats.Dead
		if limit > 0 {
			n = min(n, int64(limit))
		}
		if err := c.Engine.Admit(int(n) * redriveBytes); err != nil {
			return 0, err
		}
	}
	return c.Queues.Redrive(name, ids, limit, dry)
}

func retryDead(c *command.Ctx, a *command.Args) error {
	s := borrow()
	defer s.giveBack()
	limit, err := s.whichDead(c, a)
	if err != nil {
		return err
	}
	n, err := redrive(c, a.Bytes(deadQueue), s.ids, limit, a.Bool(deadDry))
	if err != nil {
		return err
	}
	replyDead(c.Reply, "retried", n, a.Bool(deadDry))
	return nil
}

func purgeDead(c *command.Ctx, a *command.Args) error {
	s := borrow()
	defer s.giveBack()
	if _, err := s.whichDead(c, a); err != nil {
		return err
	}
	n, err := c.Queues.PurgeDead(a.Bytes(deadQueue), s.ids, a.Bool(deadDry))
	if err != nil {
		return err
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

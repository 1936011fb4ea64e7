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
		Summary: "Makes dead letters ready again, up to a million, with no retries counted.",
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
	case ways == 0 && len(a.Row.Fields) > deadLimit:
		return 0, errChoiceLimit
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

// Bounds of making dead letters ready.
const (
	// changeBytes is about what a message adds to the journal that becomes ready, or is removed.
	changeBytes = 48
	// redrivePiece is how many become ready while the queue is locked.
	redrivePiece = 10_000
	// maxRedrive is how many become ready by one command: it holds up an event loop.
	maxRedrive = 1_000_000
)

// redrive makes dead letters ready again: those named, or with ids nil up to limit of all. The
// journal must have room for them, about which the command's arguments say nothing. left are those
// still kept.
func redrive(
	c *command.Ctx, name []byte, ids []queue.ID, limit int, dry bool,
) (n, left int64, err error) {
	stats, err := c.Queues.Stats(name)
	if err != nil {
		return 0, 0, err
	}
	switch most := min(stats.Dead, maxRedrive); {
	case dry || ids != nil:
		n, err = c.Queues.Redrive(name, ids, limit, dry)
	case limit > 0:
		n, err = redrivePieces(c, name, min(most, int64(limit)))
	default:
		n, err = redrivePieces(c, name, most)
	}
	if stats, gone := c.Queues.Stats(name); gone == nil {
		left = stats.Dead
	}
	return n, left, err
}

// redrivePieces makes the oldest dead letters ready again. It fails only if it did nothing: others
// may delete the queue, and the disk may fill, between two pieces.
func redrivePieces(c *command.Ctx, name []byte, most int64) (n int64, err error) {
	for n < most {
		piece := min(most-n, redrivePiece)
		if c.Whole() {
			piece = most
		}
		done := int64(0)
		if err = c.Engine.Admit(int(piece) * changeBytes); err == nil {
			done, err = c.Queues.Redrive(name, nil, int(piece), false)
		}
		if n += done; done < piece || n == most || !c.Cut(name) {
			break
		}
	}
	if n > 0 {
		err = nil
	}
	return n, err
}

func retryDead(c *command.Ctx, a *command.Args) error {
	s := borrow()
	defer s.giveBack()
	limit, err := s.whichDead(c, a)
	if err != nil {
		return err
	}
	n, left, err := redrive(c, a.Bytes(deadQueue), s.ids, limit, a.Bool(deadDry))
	if err != nil {
		return err
	}
	if a.Bool(deadDry) {
		replyCount(c.Reply, n)
		return nil
	}
	c.Reply.Map(2)
	pairInt(c.Reply, "retried", n)
	pairInt(c.Reply, "remaining", left)
	return nil
}

func purgeDead(c *command.Ctx, a *command.Args) error {
	s := borrow()
	defer s.giveBack()
	if _, err := s.whichDead(c, a); err != nil {
		return err
	}
	n, err := removeDead(c, a.Bytes(deadQueue), s.ids, a.Bool(deadDry))
	if err != nil {
		return err
	}
	if a.Bool(deadDry) {
		replyCount(c.Reply, n)
		return nil
	}
	c.Reply.Map(1)
	pairInt(c.Reply, "purged", n)
	return nil
}

// removeDead removes dead letters: those named, or with ids nil all.
func removeDead(c *command.Ctx, name []byte, ids []queue.ID, dry bool) (int64, error) {
	if c.Atomic && ids == nil && !dry {
		stats, err := c.Queues.Stats(name)
		if err == nil {
			err = c.Engine.Admit(int(stats.Dead) * changeBytes) // each by an effect of its own
		}
		if err != nil {
			return 0, err
		}
	}
	return c.Queues.PurgeDead(name, ids, dry)
}

// replyCount answers {dry_run: true, count: n}.
func replyCount(r command.Reply, n int64) {
	r.Map(2)
	pairBool(r, "dry_run", true)
	pairInt(r, "count", n)
}

package queuecmd

import (
	"slices"
	"strings"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/command/lines"
	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/store/queue"
)

const (
	ackWords    = "name id [id ...] [TOKEN token]"
	nackWords   = "name id [0|1|false|true] [REQUEUE <0|1>] [DELAY milliseconds] [TOKEN token]"
	extendWords = "name id milliseconds [TOKEN token]"

	deadListWords  = "name [COUNT count] [AFTER id]"
	deadRetryWords = "name <ALL|LIMIT count|id [id ...]> [DRYRUN]"
	deadPurgeWords = "name <ALL|id [id ...]> [DRYRUN]"
)

func settleLines() []*command.Row {
	return []*command.Row{{
		Name: "QACK", Arity: -3, Queue: 1, Flags: writes, Words: ackWords,
		Summary: "Removes messages that are done with; of several it returns how many it could.",
		Run:     ackLine,
	}, {
		Name: "QNACK", Arity: -3, Queue: 1, Flags: writes, Words: nackWords,
		Summary: "Gives a message back: to be delivered again, or put away.",
		Run:     nackLine,
	}, {
		Name: "QEXTEND", Arity: -4, Queue: 1, Flags: writes, Words: extendWords,
		Summary: "Gives a consumer more time for a message and returns the new deadline.",
		Run:     extendLine,
	}}
}

// lineSettle settles one message named by a word.
func (s *scratch) lineSettle(c *command.Ctx, name, id []byte, token uint64, do settle) error {
	s.lease.Token = token
	var known bool
	if s.lease.ID, known = queue.ParseID(id); !known {
		if _, err := c.Queues.Stats(name); err != nil {
			return err
		}
		return noMessage(id)
	}
	return do(c, name, &s.lease)
}

// ackLine answers +OK for one message, and for several the number of those acknowledged.
func ackLine(c *command.Ctx, argv [][]byte) error {
	ids := argv[2:]
	var token uint64
	at := slices.IndexFunc(ids, func(word []byte) bool { return lines.Is(word, "TOKEN") })
	if at >= 0 {
		l := line{lines.Reader{Words: ids[at:], Row: "QACK", Usage: ackWords}}
		if at > 0 {
			l.Word()
			token = l.token()
		}
		if err := l.End(); err != nil {
			return err
		}
		if ids = ids[:at]; len(ids) > 1 {
			return errTokenOfOne
		}
	}
	s := borrow()
	defer s.giveBack()
	if len(ids) == 1 {
		return ok(c, s.lineSettle(c, argv[1], ids[0], token, ackOne))
	}
	if _, err := c.Queues.Stats(argv[1]); err != nil {
		return err
	}
	settled := int64(0)
	for _, id := range ids {
		if s.lineSettle(c, argv[1], id, 0, ackOne) == nil {
			settled++
		}
	}
	c.Reply.Int(settled)
	return nil
}

// nackLine: a bare third argument says whether to deliver the message again, as most clients of
// the reference server mean it; one of them means a delay of 0 by its 0.
func nackLine(c *command.Ctx, argv [][]byte) error {
	how := queue.Nack{Requeue: true, Delay: byBackoff}
	l := line{lines.Reader{Words: argv[3:], Row: "QNACK", Usage: nackWords}}
	if l.More() {
		if on, bare := truth(l.Words[0]); bare {
			l.Word()
			how.Requeue = on
		}
	}
	var token uint64
	for l.More() {
		switch {
		case l.Is("REQUEUE"):
			how.Requeue = l.truth()
		case l.Is("DELAY"):
			how.Delay = l.Number("DELAY")
		case l.Is("TOKEN"):
			token = l.token()
		default:
			l.Bad()
		}
	}
	switch {
	case l.Err != nil:
		return l.Err
	case how.Delay > 0 && !how.Requeue:
		return errNackDelay
	case how.Delay > farthest:
		return errFar
	}
	s := borrow()
	defer s.giveBack()
	return ok(c, s.lineSettle(c, argv[1], argv[2], token,
		func(c *command.Ctx, name []byte, l *queue.Lease) error {
			return nackOne(c, name, l, how)
		}))
}

func extendLine(c *command.Ctx, argv [][]byte) error {
	l := line{lines.Reader{Words: argv[3:], Row: "QEXTEND", Usage: extendWords}}
	duration := l.Number("the number of milliseconds")
	var token uint64
	if l.Is("TOKEN") {
		token = l.token()
	}
	if err := l.End(); err != nil {
		return err
	}
	if duration > mostMillis {
		return errLongLease
	}
	s := borrow()
	defer s.giveBack()
	return s.lineSettle(c, argv[1], argv[2], token,
		func(c *command.Ctx, name []byte, l *queue.Lease) error {
			until, err := c.Queues.Extend(name, l, duration)
			if err == nil {
				c.Reply.Int(until)
			}
			return err
		})
}

func lookLines() []*command.Row {
	return []*command.Row{
		quick("QSTATS", "Returns a queue's depth, its consumers, and counts since the start.",
			reads, func(c *command.Ctx, name []byte) error {
				stats, err := c.Queues.Stats(name)
				if err != nil {
					return err
				}
				c.Reply.Array(2 * sevenStats)
				replyStats(c.Reply, &stats)
				return nil
			}),
		quick("QINFO", "Returns everything about a queue: settings, figures, consumers.",
			command.Read, info),
	}
}

// deadLine is QDLQ.
func deadLine() *command.Row {
	row := &command.Row{
		Name: "QDLQ", Arity: -2, Flags: command.Lockless, Summary: "Commands about dead letters.",
	}
	row.Subcommands = []*command.Row{{
		Name: "LIST", Arity: -3, Queue: 2, Flags: command.Read, Words: deadListWords,
		Summary: "Shows the dead letters kept with a queue, oldest first.",
		Run: func(c *command.Ctx, argv [][]byte) error {
			l := line{lines.Reader{Words: argv[3:], Row: "QDLQ LIST", Usage: deadListWords}}
			return peekLine(c, argv[2], &l, effect.DeadLetter)
		},
	}, {
		Name: "RETRY", Arity: -4, Queue: 2, Flags: command.Write, Words: deadRetryWords,
		Summary: "Makes dead letters ready again, up to a million, with no retries counted.",
		Run: deadLines("QDLQ RETRY", deadRetryWords, true,
			func(
				c *command.Ctx, name []byte, ids []queue.ID, limit int, dry bool,
			) (int64, error) {
				n, _, err := redrive(c, name, ids, limit, dry)
				return n, err
			}),
	}, {
		Name: "PURGE", Arity: -4, Queue: 2, Flags: command.Write, Words: deadPurgeWords,
		Summary: "Removes dead letters.",
		Run: deadLines("QDLQ PURGE", deadPurgeWords, false,
			func(c *command.Ctx, name []byte, ids []queue.ID, _ int, dry bool) (int64, error) {
				return removeDead(c, name, ids, dry)
			}),
	}, {
		Name: "HELP", Arity: 2, Flags: command.Lockless | command.Fast,
		Summary: "Prints this help.",
		Run: func(c *command.Ctx, _ [][]byte) error {
			c.Reply.Array(2 * len(row.Subcommands))
			for _, sub := range row.Subcommands {
				c.Reply.Status(strings.TrimSpace("QDLQ " + sub.Name + " " + sub.Words))
				c.Reply.Status("    " + sub.Summary)
			}
			return nil
		},
	}}
	return row
}

// deadLines makes a command over chosen dead letters, which answers how many they were.
func deadLines(row, usage string, limited bool,
	do func(c *command.Ctx, name []byte, ids []queue.ID, limit int, dry bool) (int64, error),
) func(*command.Ctx, [][]byte) error {
	return func(c *command.Ctx, argv [][]byte) error {
		s := borrow()
		defer s.giveBack()
		l := line{lines.Reader{Words: argv[3:], Row: row, Usage: usage}}
		limit := 0
		switch {
		case l.Is("ALL"):
		case limited && l.Is("LIMIT"):
			limit = int(l.Count("LIMIT"))
		default:
			for l.More() && !lines.Is(l.Words[0], "DRYRUN") {
				l.Err = s.addID(c, argv[2], l.Word())
			}
			if len(s.ids) == 0 {
				l.Bad()
			}
		}
		dry := l.Is("DRYRUN")
		if err := l.End(); err != nil {
			return err
		}
		if len(s.ids) == 0 {
			s.ids = nil // all of them, where an empty list would be none
		}
		n, err := do(c, argv[2], s.ids, limit, dry)
		if err == nil {
			c.Reply.Int(n)
		}
		return err
	}
}

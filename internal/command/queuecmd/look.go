package queuecmd

import (
	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/command/listing"
	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/errs"
	"github.com/synapdb/synap/internal/store/queue"
)

// Positions of the fields of queue.peek, and of queue.list.
const (
	peekQueue = iota
	peekLimit
	peekState
	peekAfter
)

const (
	listPrefix = iota
	listCursor
	listLimit
)

// Bounds of what one look shows.
const (
	defaultPeek = 10
	maxPeek     = 1000
)

func lookRows() []*command.Row {
	return []*command.Row{{
		Name: "queue.peek", Flags: command.Read,
		Summary: "Shows messages without leasing them, in the order of delivery.",
		Fields: []command.Field{queueField, limitField,
			text("state", "ready (when absent), delayed, leased or dead."), afterField},
		Call: func(c *command.Ctx, a *command.Args) error {
			state, err := parseState(a.Bytes(peekState))
			if err != nil {
				return err
			}
			return peek(c, a.Bytes(peekQueue), state, a.Bytes(peekAfter),
				a.Int(peekLimit, defaultPeek))
		},
		Routes: []command.Route{{Method: "GET", Path: "/queue/{queue}/peek"}},
	}, {
		Name: "queue.list", Flags: command.Read | command.SelfLocking,
		Summary: "Names the queues in byte order; cursor, if there are more, goes on.",
		Fields: []command.Field{text("prefix", "Only names that begin so."),
			text("cursor", "The cursor of the answer before; empty to begin and be given one."),
			number("limit", "At most so many; 10000 when absent, and at most.")},
		Call: func(c *command.Ctx, a *command.Args) error {
			return listing.Ask(a, listPrefix, listLimit, listCursor).
				Page(c.Reply, c.Engine.Queues, "queues", false)
		},
		Routes: []command.Route{{Method: "GET", Path: "/queue/list"}},
	}, {
		Name: "queue.stats", Flags: reads,
		Summary: "Returns a queue's depth, its consumers, and counts since the server started.",
		Fields:  []command.Field{queueField},
		Call: func(c *command.Ctx, a *command.Args) error {
			stats, err := c.Queues.Stats(a.Bytes(0))
			if err != nil {
				return err
			}
			c.Reply.Map(sevenStats)
			replyStats(c.Reply, &stats)
			return nil
		},
		Routes: []command.Route{{Method: "GET", Path: "/queue/{queue}/stats"}},
	}, {
		Name: "queue.info", Flags: command.Read,
		Summary: "Returns everything about a queue: settings, figures, consumers.",
		Fields:  []command.Field{queueField},
		Call:    func(c *command.Ctx, a *command.Args) error { return info(c, a.Bytes(0)) },
		Routes:  []command.Route{{Method: "GET", Path: "/queue/{queue}/info"}},
	}, {
		Name: "queue.purge", Flags: command.Write,
		Summary: "Removes the ready messages, and the delayed ones if wanted.",
		Fields:  []command.Field{queueField, flag("delayed", "Remove the delayed ones too.")},
		Call: func(c *command.Ctx, a *command.Args) error {
			return purge(c, a, 1)
		},
		Routes: []command.Route{{Method: "POST", Path: "/queue/{queue}/purge", Call: purgeREST}},
	}}
}

// peek answers {messages, more}.
func peek(
	c *command.Ctx, name []byte, state effect.MessageState, after []byte, limit int64,
) error {
	if limit < 1 {
		return errLimit
	}
	s := borrow()
	defer s.giveBack()
	most := int(min(limit, maxPeek))
	if err := s.peek(c, name, state, after, most+1); err != nil {
		return err
	}
	n := min(fitting(s.views), most)
	c.Reply.Map(2)
	c.Reply.Str("messages")
	c.Reply.Array(n)
	for i := range n {
		s.seen(c.Reply, commandID, &s.views[i])
	}
	pairBool(c.Reply, "more", n < len(s.views))
	return nil
}

// peek looks at messages into s.views; after is an id's text, empty to begin.
func (s *scratch) peek(
	c *command.Ctx, name []byte, state effect.MessageState, after []byte, limit int,
) (err error) {
	var from queue.ID
	if len(after) > 0 {
		var ok bool
		if from, ok = queue.ParseID(after); !ok {
			return errAfter
		}
	}
	s.views, err = c.Queues.Peek(name, state, from, limit, s.views)
	if errs.Of(err) == errs.MessageNotFound {
		return errs.Newf(errs.MessageNotFound, "%s: it has changed its place; list from the "+
			"beginning, without after", err)
	}
	return err
}

// sevenStats is how many figures the contract has.
const sevenStats = 7

func replyStats(r command.Reply, s *queue.Stats) {
	pairInt(r, "depth", s.Depth)
	pairInt(r, "consumers", s.Consumers)
	pairInt(r, "published", s.Published)
	pairInt(r, "consumed", s.Consumed)
	pairInt(r, "acked", s.Acked)
	pairInt(r, "nacked", s.Nacked)
	pairInt(r, "dead_lettered", s.DeadLettered)
}

// info answers {queue, created_ms, paused, config, stats, oldest_ms, active_consumer, consumers}.
func info(c *command.Ctx, name []byte) error {
	about, err := c.Queues.Info(name)
	if err != nil {
		return err
	}
	r := c.Reply
	r.Map(8)
	pairText(r, "queue", name)
	pairInt(r, "created_ms", about.Created)
	pairBool(r, "paused", about.Paused)
	r.Str("config")
	replySettings(r, &about.Settings)
	r.Str("stats")
	replyFigures(r, &about.Stats)
	r.Str("oldest_ms")
	if about.Oldest == 0 {
		r.Null()
	} else {
		r.Int(about.Oldest)
	}
	r.Str("active_consumer")
	if about.Active == "" {
		r.Null()
	} else {
		r.Text([]byte(about.Active))
	}
	r.Str("consumers")
	r.Array(len(about.Consumers))
	for i := range about.Consumers {
		consumer := &about.Consumers[i]
		r.Map(3)
		pairText(r, "consumer_id", []byte(consumer.Name))
		pairInt(r, "leased", consumer.Leased)
		pairBool(r, "waiting", consumer.Waiting)
	}
	return nil
}

// replyFigures writes the seven figures of the contract and what goes beyond them.
func replyFigures(r command.Reply, s *queue.Stats) {
	more := []struct {
		name string
		n    int64
	}{
		{"delayed", s.Delayed}, {"leased", s.Leased}, {"dead", s.Dead},
		{"waiters", s.Waiters}, {"memory_bytes", s.Bytes}, {"expired", s.Expired},
		{"dropped", s.Dropped}, {"duplicates", s.Duplicates},
		{"leases_expired", s.LeasesExpired}, {"returned", s.Returned},
	}
	r.Map(sevenStats + len(more))
	replyStats(r, s)
	for _, figure := range more {
		pairInt(r, figure.name, figure.n)
	}
}

func purge(c *command.Ctx, a *command.Args, pairs int) error {
	if c.Atomic {
		stats, err := c.Queues.Stats(a.Bytes(0))
		if err == nil { // each by an effect of its own
			err = c.Engine.Admit(int(stats.Depth+stats.Delayed) * changeBytes)
		}
		if err != nil {
			return err
		}
	}
	purged, err := c.Queues.Purge(a.Bytes(0), a.Bool(1))
	if err != nil {
		return err
	}
	c.Reply.Map(pairs)
	if pairs > 1 {
		pairBool(c.Reply, "success", true)
	}
	pairInt(c.Reply, "purged", purged)
	return nil
}

func purgeREST(c *command.Ctx, a *command.Args) error { return purge(c, a, 2) }

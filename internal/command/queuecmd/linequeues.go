package queuecmd

import (
	"math"
	"slices"
	"strings"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/command/plan"
	"github.com/synapdb/synap/internal/errs"
)

const (
	createWords = "name [max-depth [ack-deadline-secs [max-retries [priority " +
		"[prefetch-limit]]]]] [setting value [setting value ...]]"
	updateWords = "name setting value [setting value ...]"
	listWords   = "[PREFIX prefix] [AFTER name] [COUNT count]"
	purgeWords  = "name [DELAYED]"
)

func queueLines() []*command.Row {
	return []*command.Row{{
		Name: "QCREATE", Arity: -2, Queue: 1, Flags: grows, Words: createWords,
		Summary: "Makes a queue; one that exists stays as it is.",
		Run: func(c *command.Ctx, argv [][]byte) error {
			var h change
			l := line{words: argv[2:], row: "QCREATE", usage: createWords}
			for _, name := range createOrder {
				if !l.more() || !numeric(l.words[0]) {
					break
				}
				h.readWord(&l, settingOf([]byte(name)))
			}
			if err := h.readLine(&l); err != nil {
				return err
			}
			return ok(c, h.create(c, argv[1]))
		},
	}, {
		Name: "QUPDATE", Arity: -4, Queue: 1, Flags: writes, Words: updateWords,
		Summary: "Changes settings of a queue, each to exactly that.",
		Run: func(c *command.Ctx, argv [][]byte) error {
			var h change
			if err := h.readLine(&line{
				words: argv[2:], row: "QUPDATE", usage: updateWords,
			}); err != nil {
				return err
			}
			return ok(c, h.update(c, argv[1]))
		},
	},
		quick("QDELETE", "Removes a queue with all its messages.", command.Write,
			func(c *command.Ctx, name []byte) error {
				c.Reply.Bool(c.Queues.Delete(name))
				return nil
			}),
		quick("QPAUSE", "Stops deliveries; messages are still taken in.", writes,
			func(c *command.Ctx, name []byte) error { return ok(c, setPaused(c, name, true)) }),
		quick("QRESUME", "Lets a paused queue deliver again.", writes,
			func(c *command.Ctx, name []byte) error { return ok(c, setPaused(c, name, false)) }),
		{
			Name: "QPURGE", Arity: -2, Queue: 1, Flags: command.Write, Words: purgeWords,
			Summary: "Removes the ready messages, and the delayed ones if wanted.",
			Run: func(c *command.Ctx, argv [][]byte) error {
				l := line{words: argv[2:], row: "QPURGE", usage: purgeWords}
				delayed := l.is("DELAYED")
				if err := l.end(); err != nil {
					return err
				}
				purged, err := c.Queues.Purge(argv[1], delayed)
				if err == nil {
					c.Reply.Int(purged)
				}
				return err
			},
		}, {
			Name: "QLIST", Arity: -1, Flags: command.Read | command.SelfLocking,
			Words:   listWords,
			Summary: "Names the queues in byte order.",
			Run:     listLine,
		}}
}

// createOrder is what numbers without a name mean to QCREATE, by their places. 0 is the default.
// The words none and default stand for numbers here, too.
var createOrder = [...]string{"max_depth", "ack_deadline_secs", "default_max_retries",
	"default_priority", "prefetch_limit"}

// settingOf finds a setting by its name in any letter case, or nil.
func settingOf(name []byte) *setting {
	i := slices.IndexFunc(settings, func(s setting) bool {
		return len(s.name) == len(name) && strings.EqualFold(s.name, string(name))
	})
	if i < 0 {
		return nil
	}
	return &settings[i]
}

// numeric says whether a word is the value of a number, and no setting's name.
func numeric(word []byte) bool {
	_, ok := plan.Int(word)
	return ok || is(word, "NONE") || is(word, "DEFAULT")
}

// readWord takes the next word as the value of s.
func (h *change) readWord(l *line, s *setting) {
	if word := l.word(); l.err == nil {
		var v value
		v, l.err = s.read(word)
		h.add(s, v)
	}
}

// readLine adds the settings named by the rest of a line.
func (h *change) readLine(l *line) error {
	for l.more() {
		s := settingOf(l.words[0])
		if s == nil {
			l.bad()
			l.err = errs.Newf(errs.Redis, "%s; settings are %s", l.err, settingNames())
			break
		}
		l.word()
		h.readWord(l, s)
	}
	if l.err != nil {
		return l.err
	}
	return h.conflict()
}

func listLine(c *command.Ctx, argv [][]byte) error {
	l := line{words: argv[1:], row: "QLIST", usage: listWords}
	var prefix, after []byte
	limit := int64(math.MaxInt64)
	for l.more() {
		switch {
		case l.is("PREFIX"):
			prefix = l.word()
		case l.is("AFTER"):
			after = l.word()
		case l.is("COUNT"):
			limit = l.count("COUNT")
		default:
			l.bad()
		}
	}
	if l.err != nil {
		return l.err
	}
	replyNames(c.Reply, allNames(c.Engine.Queues, string(prefix), string(after), limit))
	return nil
}

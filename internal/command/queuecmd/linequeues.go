package queuecmd

import (
	"slices"
	"strings"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/command/lines"
	"github.com/synapdb/synap/internal/command/listing"
	"github.com/synapdb/synap/internal/command/plan"
	"github.com/synapdb/synap/internal/errs"
)

const (
	createWords = "name [max-depth [ack-deadline-secs [max-retries [priority " +
		"[prefetch-limit]]]]] [setting value [setting value ...]]"
	updateWords = "name setting value [setting value ...]"
	purgeWords  = "name [DELAYED]"
)

func queueLines() []*command.Row {
	return []*command.Row{{
		Name: "QCREATE", Arity: -2, Queue: 1, Flags: grows, Words: createWords,
		Summary: "Makes a queue; one that exists stays as it is.",
		Run: func(c *command.Ctx, argv [][]byte) error {
			var h change
			l := line{lines.Reader{Words: argv[2:], Row: "QCREATE", Usage: createWords}}
			for _, name := range createOrder {
				if !l.More() || !numeric(l.Words[0]) {
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
			l := line{lines.Reader{Words: argv[2:], Row: "QUPDATE", Usage: updateWords}}
			if err := h.readLine(&l); err != nil {
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
				l := line{lines.Reader{Words: argv[2:], Row: "QPURGE", Usage: purgeWords}}
				delayed := l.Is("DELAYED")
				if err := l.End(); err != nil {
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
			Words:   listing.LineUsage,
			Summary: "Names the queues in byte order.",
			Run: func(c *command.Ctx, argv [][]byte) error {
				return listing.Line(c.Reply, c.Engine.Queues, argv[1:], "QLIST")
			},
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
	return ok || lines.Is(word, "NONE") || lines.Is(word, "DEFAULT")
}

// readWord takes the next word as the value of s.
func (h *change) readWord(l *line, s *setting) {
	if word := l.Word(); l.Err == nil {
		var v value
		v, l.Err = s.read(word)
		h.add(s, v)
	}
}

// readLine adds the settings named by the rest of a line.
func (h *change) readLine(l *line) error {
	for l.More() {
		s := settingOf(l.Words[0])
		if s == nil {
			l.Bad()
			l.Err = errs.Newf(errs.Redis, "%s; settings are %s", l.Err, settingNames())
			break
		}
		l.Word()
		h.readWord(l, s)
	}
	if l.Err != nil {
		return l.Err
	}
	return h.conflict()
}

package pubsubcmd

import (
	"slices"
	"strconv"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/errs"
	"github.com/synapdb/synap/internal/store/pubsub"
)

// mostTopics is how many topics one answer of pubsub.topics names, a few more excepted.
const mostTopics = 10_000

// Positions of the fields of pubsub.topics.
const (
	listMatch = iota
	listLimit
	listCursor
)

var (
	errLimit  = errs.Value("limit must be at least 1")
	errCursor = errs.Request("Invalid cursor: give the one of the answer before, as it is")
)

func lookRows() []*command.Row {
	return []*command.Row{{
		Name: "pubsub.stats", Flags: dotted | command.Read,
		Summary: "Returns the figures of all topics together.",
		Call:    func(c *command.Ctx, _ *command.Args) error { return stats(c) },
		Routes:  []command.Route{{Method: "GET", Path: "/pubsub/stats"}},
	}, {
		Name: "pubsub.topics", Flags: dotted | command.Read,
		Summary: "Names the topics that somebody subscribed to by name.",
		Fields: []command.Field{
			{Name: "match", Type: command.StringField, Doc: "Only those that match this glob."},
			{Name: "limit", Type: command.UintField,
				Doc: "About so many; 10000 when absent, and at most."},
			{Name: "cursor", Type: command.StringField,
				Doc: "From the answer before; empty to begin."},
		},
		Call:   topics,
		Routes: []command.Route{{Method: "GET", Path: "/pubsub/topics"}},
	}, {
		Name: "pubsub.info", Flags: dotted | command.Read | command.Fast,
		Summary: "Returns how many are subscribed to a topic by name, and its messages.",
		Fields: []command.Field{
			{Name: "topic", Type: command.StringField, Required: true, Doc: "The topic."},
		},
		Call:   info,
		Routes: []command.Route{{Method: "GET", Path: "/pubsub/{topic}/info"}},
	}}
}

func stats(c *command.Ctx) error {
	s := c.Engine.Topics.Stats()
	r := c.Reply
	r.Map(6)
	pairInt(r, "total_topics", int64(s.Topics))
	pairInt(r, "total_subscribers", int64(s.Subscribers))
	pairInt(r, "total_wildcard_subscriptions", int64(s.Wildcards))
	pairInt(r, "messages_published", int64(s.Published))
	pairInt(r, "messages_delivered", int64(s.Delivered))
	pairInt(r, "slow_consumers_dropped", int64(s.Dropped))
	return nil
}

// topics answers {topics, count}, and a cursor when there are more, or null when one was given.
func topics(c *command.Ctx, a *command.Args) error {
	limit := a.Int(listLimit, mostTopics)
	if limit < 1 {
		return errLimit
	}
	from := 0
	if text := a.Bytes(listCursor); len(text) > 0 {
		n, err := strconv.ParseUint(string(text), 10, 31)
		if err != nil {
			return errCursor
		}
		from = int(n)
	}
	var match []byte
	if a.Has(listMatch) {
		match = a.Bytes(listMatch)
	}
	names, next := c.Engine.Topics.Topics(nil, from, int(min(limit, mostTopics)), match, false)
	slices.Sort(names)
	r := c.Reply
	if next == 0 && !a.Has(listCursor) {
		r.Map(2)
	} else {
		r.Map(3)
	}
	r.Str("topics")
	replyNames(r, names)
	pairInt(r, "count", int64(len(names)))
	switch {
	case next != 0:
		r.Str("cursor")
		r.Str(strconv.Itoa(next))
	case a.Has(listCursor):
		r.Str("cursor")
		r.Null()
	}
	return nil
}

func replyNames(r command.Reply, names []string) {
	r.Array(len(names))
	for _, name := range names {
		r.Text([]byte(name))
	}
}

// allTopics names all topics in byte order, or only those that somebody is subscribed to.
func allTopics(h *pubsub.Hub, match []byte, subscribed bool) []string {
	names, _ := h.Topics(nil, 0, 1<<31-1, match, subscribed)
	slices.Sort(names)
	return names
}

func info(c *command.Ctx, a *command.Args) error {
	about, found := c.Engine.Topics.Info(a.Bytes(0))
	if !found {
		return errs.Newf(errs.NotFound, "Invalid request: Topic '%s' not found", a.Bytes(0))
	}
	r := c.Reply
	r.Map(4)
	pairText(r, "topic", a.Bytes(0))
	pairInt(r, "subscriber_count", int64(about.Subscribers))
	pairInt(r, "message_count", int64(about.Messages))
	pairInt(r, "created_at", about.Created/1000)
	return nil
}

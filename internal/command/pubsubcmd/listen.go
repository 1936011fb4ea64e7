package pubsubcmd

import (
	"bytes"
	"slices"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/errs"
	"github.com/synapdb/synap/internal/store/pubsub"
)

var errNoPush = errs.New(errs.Redis, "ERR this connection can't be sent messages")

// errShardInExec is worded as Redis words it.
var errShardInExec = errs.New(errs.Redis,
	"ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client")

// listening is a kind of subscription of Redis.
type listening struct {
	subscribed, unsubscribed string
	kind                     pubsub.Kind
	shard                    bool
	join                     func(h *pubsub.Hub, sub *pubsub.Subscriber, now int64, name []byte)
	leave                    func(h *pubsub.Hub, sub *pubsub.Subscriber, name []byte)
}

func joinTopic(h *pubsub.Hub, sub *pubsub.Subscriber, now int64, name []byte) {
	h.SubscribeExact(sub, now, name)
}

func leaveTopic(h *pubsub.Hub, sub *pubsub.Subscriber, name []byte) {
	h.UnsubscribeExact(sub, name)
}

var (
	byTopic = &listening{subscribed: "subscribe", unsubscribed: "unsubscribe",
		kind: pubsub.Topic, join: joinTopic, leave: leaveTopic}
	byGlob = &listening{subscribed: "psubscribe", unsubscribed: "punsubscribe",
		kind: pubsub.Glob,
		join: func(h *pubsub.Hub, sub *pubsub.Subscriber, _ int64, name []byte) {
			h.PSubscribe(sub, name)
		},
		leave: func(h *pubsub.Hub, sub *pubsub.Subscriber, name []byte) {
			h.PUnsubscribe(sub, name)
		}}
	byShard = &listening{subscribed: "ssubscribe", unsubscribed: "sunsubscribe",
		kind: pubsub.Topic, shard: true, join: joinTopic, leave: leaveTopic}
)

func listenLines() []*command.Row {
	// In EXEC, what is acknowledged for a second name and more stands between its replies, as Redis
	// has it.
	const flags = line | command.WhileListening
	row := func(name string, arity int, words, summary string,
		run func(*command.Ctx, [][]byte) error) *command.Row {
		return &command.Row{Name: name, Arity: arity, Flags: flags, Words: words,
			Summary: summary, Run: run}
	}
	return []*command.Row{
		row("SUBSCRIBE", -2, "channel [channel ...]", "Subscribes to topics.", byTopic.begin),
		row("UNSUBSCRIBE", -1, "[channel ...]", "Ends subscriptions to topics, or all.",
			byTopic.end),
		row("PSUBSCRIBE", -2, "pattern [pattern ...]", "Subscribes to globs.", byGlob.begin),
		row("PUNSUBSCRIBE", -1, "[pattern ...]", "Ends subscriptions to globs, or all.",
			byGlob.end),
		row("SSUBSCRIBE", -2, "channel [channel ...]", "Subscribes to channels apart: those of "+
			"SPUBLISH of two arguments.", byShard.begin),
		row("SUNSUBSCRIBE", -1, "[channel ...]", "Ends subscriptions of SSUBSCRIBE, or all.",
			byShard.end),
	}
}

// of chooses the subscriber, and its hub.
func (k *listening) of(e *command.Engine, l *command.Listening) (*pubsub.Hub, *pubsub.Subscriber) {
	if k.shard {
		return e.Topics.Shards, &l.Shard
	}
	return e.Topics.Hub, &l.Sub
}

// count brings the session's counts up to date and returns the one that is acknowledged.
func (k *listening) count(c *command.Ctx, l *command.Listening, sub *pubsub.Subscriber) int {
	switch n := sub.Count(k.kind); {
	case k.shard:
		l.Shards = n
		c.Session.Subscribed()
		return n
	case k.kind == pubsub.Glob:
		l.Globs = n
	default:
		l.Channels = n
	}
	c.Session.Subscribed()
	return l.Channels + l.Globs
}

// begin acknowledges each subscription by a push of its own.
func (k *listening) begin(c *command.Ctx, argv [][]byte) error {
	if k.shard && c.InExec {
		return errShardInExec
	}
	l := c.Engine.Listen(c.Session)
	if l == nil {
		return errNoPush
	}
	c.Session.Pushed = true
	h, sub := k.of(c.Engine, l)
	for _, name := range argv[1:] {
		k.join(h, sub, c.Now, name)
		acknowledge(c.Reply, k.subscribed, name, k.count(c, l, sub))
	}
	return nil
}

// end acknowledges likewise, behind all messages that came before. While there are many of them it
// yields: they are pushed some at a time, as always.
func (k *listening) end(c *command.Ctx, argv [][]byte) error {
	c.Session.Pushed = true
	l := c.Session.Listening
	if l == nil {
		l = new(command.Listening)
	}
	left := l.Leaving
	if left == nil {
		left = k.leaveAll(c, l, argv[1:])
	}
	if l.Leaving = nil; c.Session.Listening != nil && !c.InExec {
		if _, sub := k.of(c.Engine, l); !sub.Passed(left.Mark) {
			if c.Yield() {
				l.Leaving = left
				return nil
			}
			pushAll(c.Reply, l)
		}
	}
	for i, name := range left.Names {
		acknowledge(c.Reply, k.unsubscribed, name, left.Counts[i])
	}
	return nil
}

// leaveAll ends subscriptions to names, all of this kind if none is given.
func (k *listening) leaveAll(
	c *command.Ctx, l *command.Listening, names [][]byte,
) *command.Leaving {
	if len(names) == 0 {
		names = k.names(c.Engine, l)
	}
	if len(names) == 0 {
		n := l.Channels + l.Globs
		if k.shard {
			n = l.Shards
		}
		return &command.Leaving{Names: [][]byte{nil}, Counts: []int{n}}
	}
	left := &command.Leaving{Names: make([][]byte, len(names)), Counts: make([]int, len(names))}
	h, sub := k.of(c.Engine, l)
	for i, name := range names {
		left.Names[i] = append([]byte{}, name...)
		if c.Session.Listening != nil {
			k.leave(h, sub, name)
			left.Counts[i] = k.count(c, l, sub)
		}
	}
	if c.Session.Listening != nil {
		left.Mark = sub.Mark()
	}
	return left
}

// pushAll pushes what has arrived, so that nothing comes behind the acknowledgement.
func pushAll(r command.Reply, l *command.Listening) {
	if p, ok := r.(command.Pusher); ok {
		for l.Push(p) {
		}
	}
}

// names are what the session is subscribed to in this way, in byte order.
func (k *listening) names(e *command.Engine, l *command.Listening) (names [][]byte) {
	_, sub := k.of(e, l)
	for _, t := range sub.Targets() {
		if t.Kind() == k.kind {
			names = append(names, []byte(t.Name()))
		}
	}
	slices.SortFunc(names, bytes.Compare)
	return names
}

func acknowledge(r command.Reply, what string, name []byte, count int) {
	r.Push(3)
	r.Str(what)
	if name == nil {
		r.Null()
	} else {
		r.Bytes(name)
	}
	r.Int(int64(count))
}

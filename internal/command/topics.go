package command

import (
	"bytes"

	"github.com/synapdb/synap/internal/store/pubsub"
)

// Topics are the two spaces of messages: that of all doors, and that of SSUBSCRIBE and Redis'
// SPUBLISH, which is apart from it.
type Topics struct {
	*pubsub.Hub
	Shards *pubsub.Hub
	// Lane is the group of connections that no event loop has, and ShardLane that of all that
	// listen to the other space: messages there are few.
	Lane, ShardLane *pubsub.Group
}

// Group is the connections of one event loop among those that listen.
type Group = pubsub.Group

// How messages are encoded, for pubsub.Message.Frame.
const (
	FrameText = iota // a WebSocket server's text frame: {"type":"message", …}
	FrameRESP        // topic and payload as bulk strings: the end of a message or pmessage
)

// NewTopics makes both spaces, empty.
func NewTopics(o pubsub.Options) *Topics {
	t := &Topics{Hub: pubsub.New(o), Shards: pubsub.New(pubsub.Options{Bytes: o.Bytes,
		IdleTopics: 1, Registered: 1, Routes: 1})}
	t.Lane, t.ShardLane = t.NewGroup(nil), t.Shards.NewGroup(nil)
	return t
}

// loopWaker has the loop of a group come for what has arrived.
type loopWaker struct {
	post  func(func()) bool
	come  func() // made once
	group *Group
	ready []*pubsub.Subscriber
}

// keepReady is how many places for subscribers a loop keeps.
const keepReady = 4 << 10

// LoopGroup makes the group of an event loop; post has a function run there soon, and does not
// block. Each connection is woken by its own Waker, on the loop.
func (t *Topics) LoopGroup(post func(func()) bool) *Group {
	w := &loopWaker{post: post}
	w.come, w.group = w.fetch, t.NewGroup(w)
	return w.group
}

// Wake is part of pubsub.Waker. A loop that has ended does not come.
func (w *loopWaker) Wake() { w.post(w.come) }

func (w *loopWaker) fetch() {
	w.ready = w.group.Ready(w.ready[:0])
	for _, sub := range w.ready {
		sub.Waker.Wake()
	}
	clear(w.ready)
	if cap(w.ready) > keepReady {
		w.ready = nil
	}
}

// Listening is what a Redis connection is subscribed to. Its loop alone uses it.
type Listening struct {
	Sub   pubsub.Subscriber // channels and globs
	Shard pubsub.Subscriber // channels of SSUBSCRIBE
	// Channels, Globs and Shards count subscriptions.
	Channels, Globs, Shards int
	// Leaving, unless nil, is the present command, which ended subscriptions.
	Leaving *Leaving
}

// Leaving are acknowledgements that come behind all messages up to a Mark.
type Leaving struct {
	Names  [][]byte
	Counts []int
	Mark   uint64
}

// Pusher is a Reply that messages can be pushed to.
type Pusher interface {
	// PushMessage writes one, as a smessage if it came from the space of shards.
	PushMessage(d pubsub.Delivery, shard bool)
}

// pushAtOnce is how many messages are taken out of an outbox at a time.
const pushAtOnce = 64

// Push writes some of the messages that have arrived, and says whether there are more.
func (l *Listening) Push(p Pusher) (more bool) {
	var taken [pushAtOnce]pubsub.Delivery
	some, more := l.Sub.DrainBytes(taken[:0], pushAtOnce, SourceBytes)
	for _, d := range some {
		p.PushMessage(d, false)
	}
	some, moreShards := l.Shard.DrainBytes(taken[:0], pushAtOnce, SourceBytes)
	for _, d := range some {
		p.PushMessage(d, true)
	}
	return more || moreShards
}

// PublishShard sends a message in the space of shards, and returns how many it matched.
func (c *Ctx) PublishShard(channel, payload []byte) int {
	m := &pubsub.Message{Topic: bytes.Clone(channel), Payload: bytes.Clone(payload), Time: c.Now}
	matched, crowded := c.Engine.Topics.Shards.Publish(m)
	c.Session.Crowded = c.Session.Crowded || crowded
	return matched
}

// Stall says that the peer does not take what it is sent, or does again.
func (l *Listening) Stall(stalled bool) {
	l.Sub.Stall(stalled)
	l.Shard.Stall(stalled)
}

// Ended says whether the subscriptions were ended because the peer is too slow.
func (l *Listening) Ended() bool {
	return l.Sub.Ended() != pubsub.NotEnded || l.Shard.Ended() != pubsub.NotEnded
}

// Count is how many subscriptions there are.
func (l *Listening) Count() int { return l.Channels + l.Globs + l.Shards }

// Listens says whether the session is subscribed to anything, or has sources.
func (s *Session) Listens() bool {
	return s.Listening != nil && s.Listening.Count() > 0 || s.Sources.Count() > 0
}

// Listen prepares the session for subscriptions; nil where no messages can be pushed.
func (e *Engine) Listen(s *Session) *Listening {
	if s.Listening != nil || s.Waker == nil || e.Topics == nil {
		return s.Listening
	}
	l := new(Listening)
	l.Sub.Waker, l.Sub.Each, l.Shard.Waker = s.Waker, true, s.Waker
	// Redis bounds what waits for a subscriber by bytes alone, 32 MiB by default, so its
	// subscribers may pause while a burst comes.
	l.Sub.Patient, l.Shard.Patient = true, true
	// Without an id nothing can be wrong.
	_ = e.Topics.Open(&l.Sub, nil, s.group(e.Topics))
	_ = e.Topics.Shards.Open(&l.Shard, nil, e.Topics.ShardLane)
	s.Listening = l
	return l
}

func (s *Session) group(t *Topics) *Group {
	if s.Group != nil {
		return s.Group
	}
	return t.Lane
}

// EndListening ends all subscriptions and sources, and forgets what has not been pushed yet.
func (e *Engine) EndListening(s *Session) {
	e.EndSources(s)
	if l := s.Listening; l != nil {
		s.Listening = nil
		e.Topics.Close(&l.Sub)
		e.Topics.Shards.Close(&l.Shard)
		s.Info.subscribed(new(Listening))
	}
}

// Subscribed counts the topics, globs and channels of SSUBSCRIBE that somebody is subscribed to.
func (e *Engine) Subscribed() (topics, globs, shards int) {
	if e.Topics == nil {
		return 0, 0, 0
	}
	return e.Topics.Subscribed(), e.Topics.NumPat(), e.Topics.Shards.Subscribed()
}

// Subscribed tells other sessions how much this one is subscribed to.
func (s *Session) Subscribed() { s.Info.subscribed(s.Listening) }

// Listens says whether the session is subscribed to anything, or has sources, from any goroutine.
func (i *Info) Listens() bool {
	return i.Channels.Load()+i.Globs.Load()+i.Shards.Load()+i.Sources.Load() > 0
}

func (i *Info) subscribed(l *Listening) {
	i.Channels.Store(int32(l.Channels))
	i.Globs.Store(int32(l.Globs))
	i.Shards.Store(int32(l.Shards))
}

// checkMode refuses what RESP2 has no room for: there, messages can't be told from replies.
func (s *Session) checkMode(row *Row) error {
	if s.Resp == 3 || !s.Listens() || row.Has(WhileListening) {
		return nil
	}
	return errMode(row)
}

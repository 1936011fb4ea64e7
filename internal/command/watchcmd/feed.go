package watchcmd

import (
	"bytes"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/command/pubsubcmd"
	"github.com/synapdb/synap/internal/store/pubsub"
)

// watcher is a connection of the feed.
type watcher struct {
	KeyWatch
	err error // why it ended
}

// openFeed begins a watch of keys of database 0, as all of HTTP, and says where.
func openFeed(c *command.Ctx, a *command.Args, s *command.Subscription) error {
	o := Options{DB: c.DB, Patterns: pubsubcmd.SplitTopics(s, a.List(watchKeys)), Waker: s.Waker}
	var err error
	if o.Bare, err = bareMode(a.Bytes(watchMode)); err != nil {
		return err
	}
	if v := &a.Vals[watchFrom]; v.Set && (!v.JSON || string(v.B) != "null") {
		from, err := ParsePosition(a.Bytes(watchFrom))
		if err != nil {
			return err
		}
		o.From = &from
	}
	w := new(watcher)
	s.State = w
	lsn, err := w.Open(c.Engine, &o, c.Now)
	if err != nil {
		return err
	}
	r, journaled := c.Reply, c.Engine.Persistence != nil
	if journaled {
		r.Map(5)
	} else {
		r.Map(4)
	}
	r.Str("type")
	r.Str("connected")
	r.Str("subscriber_id")
	r.Text(command.NewID())
	r.Str("topics")
	r.Array(len(o.Patterns))
	for _, pattern := range o.Patterns {
		r.Text(command.AppendWatchTopic(nil, o.DB, pattern))
	}
	r.Str("subscription_count")
	r.Int(int64(len(o.Patterns)))
	if journaled {
		r.Str("lsn")
		r.Int(int64(lsn))
	}
	return nil
}

// watched appends the events that there are.
func watched(
	e *command.Engine, s *command.Subscription, most int, dst []byte,
) ([]byte, command.Then) {
	w, _ := s.State.(*watcher)
	from := len(dst)
	more, err := w.Pull(e, most, func(m *pubsub.Message) {
		dst = append(dst, m.Frame(command.FrameText, pubsubcmd.TextFrame)...)
	})
	switch {
	case err != nil:
		w.err = err
		return dst, command.ThenNext
	case more && len(dst) == from: // others wait while the journal is searched
		s.Waker.Wake()
	case more:
		return dst, command.ThenMore
	}
	return dst, command.ThenWait
}

// ended says why nothing more comes.
func ended(_ *command.Ctx, _ *command.Args, s *command.Subscription) (bool, error) {
	w, _ := s.State.(*watcher)
	return false, w.err
}

func stalled(s *command.Subscription, is bool) {
	if w, ok := s.State.(*watcher); ok {
		w.Stall(is)
	}
}

func closeFeed(e *command.Engine, _ *command.Args, s *command.Subscription, _ int64) {
	if w, ok := s.State.(*watcher); ok {
		w.Close(e)
	}
}

// label appends an id that resume understands: that of an event in the journal, or where the watch
// began.
func label(dst, text []byte, _ *command.Subscription) (withID, name []byte) {
	if rest, ok := bytes.CutPrefix(text, []byte(`{"type":"message","message_id":"`)); ok {
		id, _, _ := bytes.Cut(rest, []byte{'"'})
		if _, err := ParsePosition(id); err != nil {
			return dst, nil // there is no journal
		}
		return append(dst, id...), []byte("message")
	}
	if i := bytes.LastIndex(text, []byte(`,"lsn":`)); i >= 0 &&
		bytes.HasPrefix(text, []byte(`{"type":"connected"`)) {
		lsn := bytes.TrimSuffix(text[i+len(`,"lsn":`):], []byte{'}'})
		return append(dst, lsn...), []byte("connected")
	}
	return dst, nil
}

// resume lets a watch begin behind an event.
func resume(a *command.Args, id []byte) error {
	if _, err := ParsePosition(id); err != nil {
		return err
	}
	a.Vals[watchFrom] = command.Value{Set: true, B: id}
	return nil
}

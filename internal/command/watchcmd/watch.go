package watchcmd

import (
	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/errs"
	"github.com/synapdb/synap/internal/store/kv"
	"github.com/synapdb/synap/internal/store/pubsub"
)

// Options say what to watch.
type Options struct {
	// DB is the database, and Patterns what keys of it: see pubsub.CheckPattern; `#` alone is every
	// key.
	DB       uint8
	Patterns [][]byte
	// Bare leaves values out.
	Bare bool
	// From, unless nil, is where in the journal to begin.
	From *Position
	// Waker is told when there is something to Pull.
	Waker pubsub.Waker
}

// KeyWatch is one watcher of keys. It belongs to one connection. Open it, Pull, Close it.
type KeyWatch struct {
	sub    pubsub.Subscriber
	db     uint8
	bare   bool
	topics [][]byte
	// live: it is subscribed. Messages of records up to until, 0 without a journal, were read from
	// the journal or are not wanted.
	live  bool
	until uint64
	past  *past // unless nil, what is read of the journal first
}

var (
	errNoPatterns = errs.Request("keys must not be empty: name at least one, or a pattern")
	errNoJournal  = errs.Request("to watch from a place in the journal needs persistence, " +
		"which is off")
)

// Topic is what a watch of keys of a database subscribes to. The error says what is wrong with the
// pattern.
func Topic(db uint8, pattern []byte) ([]byte, error) {
	if len(pattern) > kv.MaxKeyBytes {
		return nil, errs.Newf(errs.TooLarge,
			"Invalid request: a key is %d bytes long; the limit is %d", len(pattern),
			kv.MaxKeyBytes)
	}
	if string(pattern) == "#" {
		pattern = []byte("*.#")
	}
	topic := command.AppendWatchTopic(nil, db, pattern)
	_, err := pubsub.CheckPattern(topic)
	return topic, err
}

// Open begins a watch at now (ms since the Unix epoch). No lock of a store may be held. What comes
// behind record lsn will be pulled; 0: there is no journal. Errors: errs.HistoryGone if the journal
// does not have what Options.From asks for, and those of Topic and of the journal. Closing one that
// failed does no harm.
func (w *KeyWatch) Open(e *command.Engine, o *Options, now int64) (lsn uint64, err error) {
	if len(o.Patterns) == 0 {
		return 0, errNoPatterns
	}
	for _, pattern := range o.Patterns {
		topic, err := Topic(o.DB, pattern)
		if err != nil {
			return 0, err
		}
		w.topics = append(w.topics, topic)
	}
	w.db, w.bare, w.sub.Waker = o.DB, o.Bare, o.Waker
	// Without an id nothing can be wrong.
	_ = e.Watches.Open(&w.sub, nil, e.Watches.Lane)
	if o.From == nil {
		err = w.begin(e, now)
		return w.until, err
	}
	if w.past, err = openPast(e, w, *o.From); err != nil {
		return 0, err
	}
	return o.From.LSN, nil
}

// begin subscribes, and sets until.
func (w *KeyWatch) begin(e *command.Engine, now int64) error {
	if err := e.Watches.Watch(&w.sub, w.db, now, w.topics); err != nil {
		return err
	}
	w.live = true
	if e.Persistence != nil {
		e.Store.Barrier()
		w.until = e.Persistence.Last()
	}
	return nil
}

// drainAtOnce is how many messages are taken out of an outbox at a time.
const drainAtOnce = 64

// Pull hands on the messages that there are, of about most bytes together. more: there is more, or
// may be; else the Waker is told when there is. An error is why nothing more comes: the peer was
// too slow, or the journal can't be read.
func (w *KeyWatch) Pull(
	e *command.Engine, most int, push func(*pubsub.Message),
) (more bool, err error) {
	if w.past != nil {
		size, done, err := w.past.read(e, most, push)
		if err != nil || !done {
			return true, err
		}
		w.past.close()
		w.past = nil
		most -= size
	}
	var taken [drainAtOnce]pubsub.Delivery
	for {
		some, more := w.sub.DrainBytes(taken[:0], drainAtOnce, max(most, 1))
		for i := range some {
			m := some[i].Message
			event, ok := m.About.(*command.KeyEvent)
			if !ok || w.until != 0 && event.LSN <= w.until {
				continue
			}
			told := tell(m, event, w.bare)
			push(told)
			most -= told.Size()
		}
		switch {
		case !more && w.sub.Ended() == pubsub.SlowConsumer:
			return false, errs.Newf(errs.Aborted, "%s: too many events were waiting",
				pubsub.SlowConsumer)
		case !more:
			return false, nil
		case most <= 0:
			return true, nil
		}
	}
}

// Stall says that the peer does not take what it is sent, or does again.
func (w *KeyWatch) Stall(stalled bool) { w.sub.Stall(stalled) }

// Close gives back what the watch holds. Nothing is pulled after it.
func (w *KeyWatch) Close(e *command.Engine) {
	if w.past != nil {
		w.past.close()
		w.past = nil
	}
	if w.live {
		w.live = false
		e.Watches.Unwatch(&w.sub)
	}
	e.Watches.Close(&w.sub)
}

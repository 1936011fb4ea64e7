package command

import (
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/store/kv"
	"github.com/synapdb/synap/internal/store/pubsub"
)

// Watches tells those who watch keys how they change: watchers by a space of messages of their
// own, whose topics are those of AppendWatchTopic, and subscribers of Redis' keyspace notifications
// by the common one.
type Watches struct {
	*pubsub.Hub
	// Lane is the group of connections that no event loop has.
	Lane *pubsub.Group

	store    *kv.Store
	topics   *Topics
	keyspace keyspace
	switches sync.Mutex // of observe

	watchers atomic.Int64
	scratch  sync.Pool // of *[]byte, for topics
}

var _ kv.Observer = (*Watches)(nil)

// NewWatches observes store. Keyspace notifications go to topics.
func NewWatches(store *kv.Store, topics *Topics) *Watches {
	w := &Watches{Hub: pubsub.New(pubsub.Options{IdleTopics: 1, Registered: 1}), store: store,
		topics: topics}
	w.Lane = w.NewGroup(nil)
	w.scratch.New = func() any { return new([]byte) }
	store.SetObserver(w)
	return w
}

// observe has the store observed while anybody is to be told of changes. Call it after that may
// have changed.
func (w *Watches) observe() {
	w.switches.Lock()
	defer w.switches.Unlock()
	w.store.Observe(w.keyspace.on() || w.watchers.Load() > 0)
}

// KeyEvent is a change as watchers are told of it. Many of them may share one.
type KeyEvent struct {
	kv.Change
	LSN uint64 // 0: there is no journal
	// Told are the messages with its text, each made by the first who needs it: all of it, and
	// without the value.
	Told [2]atomic.Pointer[pubsub.Message]
}

// Whole says whether it is about a database, not a key.
func (e *KeyEvent) Whole() bool {
	return e.Kind == effect.Flush || e.Kind == effect.FlushAll || e.Kind == effect.Swap
}

// AppendWatchTopic appends the topic of a key: "__watch@0__:" and the key, of database 0.
func AppendWatchTopic(dst []byte, db uint8, key []byte) []byte {
	return append(append(AppendWatchedDB(dst, db), ':'), key...)
}

// AppendWatchedDB appends the topic of what happens to a whole database: "__watch@0__". It is no
// key's.
func AppendWatchedDB(dst []byte, db uint8) []byte {
	dst = append(dst, "__watch@"...)
	dst = strconv.AppendUint(dst, uint64(db), 10)
	return append(dst, "__"...)
}

// Watch subscribes sub, which was opened, to topics of keys of a database, and to what happens to
// all of it. It may be called once, before Unwatch. Changes by a transaction that began earlier may
// be told or not; after kv.Store.Barrier there are none. The error is that of Subscribe, and there
// is nothing to be taken back then.
func (w *Watches) Watch(sub *pubsub.Subscriber, db uint8, now int64, topics [][]byte) error {
	if _, err := w.Subscribe(sub, now, topics...); err != nil {
		return err
	}
	w.SubscribeExact(sub, now, AppendWatchedDB(nil, db))
	w.watchers.Add(1)
	w.observe()
	return nil
}

// Unwatch ends what Watch began.
func (w *Watches) Unwatch(sub *pubsub.Subscriber) {
	w.UnsubscribeAll(sub)
	w.watchers.Add(-1)
	w.observe()
}

// Watchers is how many there are.
func (w *Watches) Watchers() int64 { return w.watchers.Load() }

// watched says whether somebody watches a key.
func (w *Watches) watched(db uint8, key []byte) bool {
	topic, _ := w.scratch.Get().(*[]byte)
	*topic = AppendWatchTopic((*topic)[:0], db, key)
	yes := w.Matches(*topic)
	w.scratch.Put(topic)
	return yes
}

// Interest is part of kv.Observer.
func (w *Watches) Interest(db uint8, key []byte) kv.Interest {
	switch {
	case w.watchers.Load() > 0 && w.watched(db, key):
		return kv.WholeValue
	case w.keyspace.on():
		return kv.NameOnly
	}
	return kv.NoInterest
}

// Changed is part of kv.Observer.
func (w *Watches) Changed(lsn uint64, now int64, changes []kv.Change) (crowded bool) {
	if w.watchers.Load() > 0 {
		for i := range changes {
			crowded = w.publish(lsn, now, &changes[i]) || crowded
		}
	}
	return w.keyspace.notify(w.topics, now, changes) || crowded
}

// publish tells watchers of a change.
func (w *Watches) publish(lsn uint64, now int64, c *kv.Change) (crowded bool) {
	switch c.Kind {
	case effect.FlushAll:
		for db := range uint8(kv.Databases) {
			crowded = w.publishWhole(lsn, now, c, db) || crowded
		}
		return crowded
	case effect.Swap:
		crowded = w.publishWhole(lsn, now, c, c.Other)
		return w.publishWhole(lsn, now, c, c.DB) || crowded
	case effect.Flush:
		return w.publishWhole(lsn, now, c, c.DB)
	}
	return w.watched(c.DB, c.Key) && w.send(lsn, now, c, AppendWatchTopic(nil, c.DB, c.Key))
}

func (w *Watches) publishWhole(lsn uint64, now int64, c *kv.Change, db uint8) (crowded bool) {
	topic := AppendWatchedDB(nil, db)
	return w.Matches(topic) && w.send(lsn, now, c, topic)
}

func (w *Watches) send(lsn uint64, now int64, c *kv.Change, topic []byte) (crowded bool) {
	m := &pubsub.Message{Topic: topic, Payload: c.Value, Time: now,
		About: &KeyEvent{Change: *c, LSN: lsn}}
	if m.Origin, m.Number, m.Recorded = lsn, uint64(c.Place), lsn != 0; lsn == 0 {
		w.Stamp(m)
	}
	_, crowded = w.Publish(m)
	return crowded
}

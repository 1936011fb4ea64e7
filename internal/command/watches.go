package command

import (
	"strconv"
	"sync"

	"github.com/synapdb/synap/internal/store/kv"
	"github.com/synapdb/synap/internal/store/pubsub"
)

// Watches tells those who watch keys how they change: watchers by a space of messages of their
// own, whose topics are WatchTopic, and subscribers of Redis' keyspace notifications by the common
// one.
type Watches struct {
	*pubsub.Hub
	// Lane is the group of connections that no event loop has.
	Lane *pubsub.Group

	store    *kv.Store
	topics   *Topics
	keyspace keyspace
	switches sync.Mutex // of observe
}

var _ kv.Observer = (*Watches)(nil)

// NewWatches observes store. Keyspace notifications go to topics.
func NewWatches(store *kv.Store, topics *Topics) *Watches {
	w := &Watches{Hub: pubsub.New(pubsub.Options{IdleTopics: 1, Registered: 1}), store: store,
		topics: topics}
	w.Lane = w.NewGroup(nil)
	store.SetObserver(w)
	return w
}

// AppendWatchTopic appends the topic of a key: "__watch@0__:" and the key, of database 0.
func AppendWatchTopic(dst []byte, db uint8, key []byte) []byte {
	dst = append(dst, "__watch@"...)
	dst = strconv.AppendUint(dst, uint64(db), 10)
	return append(append(dst, "__:"...), key...)
}

// Interest is part of kv.Observer.
func (w *Watches) Interest(uint8, []byte) kv.Interest {
	if w.keyspace.on() {
		return kv.NameOnly
	}
	return kv.NoInterest
}

// Changed is part of kv.Observer.
func (w *Watches) Changed(_ uint64, now int64, changes []kv.Change) (crowded bool) {
	return w.keyspace.notify(w.topics, now, changes)
}

// observe has the store observed while anybody is to be told of changes. Call it after that may
// have changed.
func (w *Watches) observe() {
	w.switches.Lock()
	defer w.switches.Unlock()
	w.store.Observe(w.keyspace.on())
}

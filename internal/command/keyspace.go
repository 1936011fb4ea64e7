package command

import (
	"strconv"
	"strings"
	"sync/atomic"
	"unicode/utf8"

	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/errs"
	"github.com/synapdb/synap/internal/store/kv"
	"github.com/synapdb/synap/internal/store/pubsub"
)

// keyspace is which of Redis' keyspace notifications are sent: notify-keyspace-events.
type keyspace struct{ classes atomic.Uint32 }

// eventClass is a set of classes of events, and of the two sorts of topics.
type eventClass uint32

const (
	genericEvents eventClass = 1 << iota
	stringEvents
	listEvents
	setEvents
	hashEvents
	zsetEvents
	expiredEvents
	evictedEvents
	streamEvents
	moduleEvents
	newEvents
	byKey   // topics __keyspace@0__:key
	byEvent // topics __keyevent@0__:event

	allEvents = newEvents - 1 // what A stands for; new keys are not among them
)

// eventLetters are the letters of the classes, in the order in which Redis shows them.
const eventLetters = "g$lshzxetdnKE"

var (
	errEventLetter = errs.New(errs.Redis,
		"Invalid event class character. Use 'Ag$lshzxeKEtdn'.")
	errKeyMiss = errs.New(errs.Redis, "key-miss events (m) are not supported: "+
		"reads that find no key are counted in INFO as keyspace_misses")
)

func parseEvents(text string) (classes eventClass, err error) {
	for _, letter := range text {
		switch at := strings.IndexRune(eventLetters, letter); {
		case at >= 0:
			classes |= 1 << at
		case letter == 'A':
			classes |= allEvents
		case letter == 'm':
			return 0, errKeyMiss
		default:
			return 0, errEventLetter
		}
	}
	return classes, nil
}

// String is how CONFIG GET spells it. As in Redis 7.0, A hides that new keys are told, too.
func (classes eventClass) String() string {
	var b strings.Builder
	all := classes&allEvents == allEvents
	if all {
		b.WriteByte('A')
	}
	for i := range len(eventLetters) {
		class := eventClass(1) << i
		if classes&class != 0 && (!all || class >= byKey) {
			b.WriteByte(eventLetters[i])
		}
	}
	return b.String()
}

// SetKeyspaceEvents chooses which keyspace notifications are sent, in the letters of
// notify-keyspace-events. The error says what is wrong with them.
func (w *Watches) SetKeyspaceEvents(letters string) error {
	classes, err := parseEvents(letters)
	if err != nil {
		return err
	}
	w.keyspace.classes.Store(uint32(classes))
	w.observe()
	return nil
}

// KeyspaceSetting is the parameter of CONFIG GET and SET.
func (w *Watches) KeyspaceSetting() Setting {
	return Setting{Name: "notify-keyspace-events",
		Get: func() string { return eventClass(w.keyspace.classes.Load()).String() },
		Set: w.SetKeyspaceEvents}
}

// on says whether anything can be sent: some class, to some sort of topics.
func (k *keyspace) on() bool {
	classes := eventClass(k.classes.Load())
	return classes&(byKey|byEvent) != 0 && classes&(newEvents|allEvents) != 0
}

// keyEvent is one event of a change.
type keyEvent struct {
	class eventClass
	name  string
}

// stringEvent are the events of a Set or Patch, and others are those of other effects, by cause.
var (
	stringEvent = map[effect.Cause]keyEvent{
		effect.Unsaid: {stringEvents, "set"}, effect.ByKeepTTL: {stringEvents, "set"},
		effect.ByAppend:      {stringEvents, "append"},
		effect.BySetRange:    {stringEvents, "setrange"},
		effect.BySetBit:      {stringEvents, "setbit"},
		effect.ByIncrBy:      {stringEvents, "incrby"},
		effect.ByDecrBy:      {stringEvents, "incrby"},
		effect.ByIncrByFloat: {stringEvents, "incrbyfloat"},
		effect.ByRenameTo:    {genericEvents, "rename_to"},
		effect.ByCopyTo:      {genericEvents, "copy_to"},
		effect.ByMoveTo:      {genericEvents, "move_to"},
		effect.ByRestore:     {genericEvents, "restore"},
	}
	removal = map[effect.Cause]keyEvent{
		effect.Unsaid:       {genericEvents, "del"},
		effect.ByRenameFrom: {genericEvents, "rename_from"},
		effect.ByMoveFrom:   {genericEvents, "move_from"},
	}
)

// notice is what is sent of the changes of one Tx.
type notice struct {
	topics  *Topics
	classes eventClass
	now     int64
	crowded bool
}

// notify publishes what is to be known of changes, in the order in which Redis does. crowded is
// that of Hub.Publish.
func (k *keyspace) notify(t *Topics, now int64, changes []kv.Change) (crowded bool) {
	if !k.on() || t.Subscribers() == 0 {
		return false
	}
	n := notice{topics: t, classes: eventClass(k.classes.Load()), now: now}
	for i := 0; i < len(changes); i++ {
		c := &changes[i]
		n.created(c)
		// A key comes to its new place before it leaves the old one; Redis tells of leaving first.
		if moves(c) && i+1 < len(changes) && leaves(&changes[i+1]) {
			i++
			n.happened(&changes[i])
		}
		n.happened(c)
	}
	return n.crowded
}

func moves(c *kv.Change) bool {
	return c.Cause == effect.ByRenameTo || c.Cause == effect.ByMoveTo
}

func leaves(c *kv.Change) bool {
	return c.Cause == effect.ByRenameFrom || c.Cause == effect.ByMoveFrom
}

// created tells of a new key. For Redis the one that a copied or renamed key replaces is gone
// before.
func (n *notice) created(c *kv.Change) {
	stores := c.Kind == effect.Set || c.Kind == effect.Patch
	if stores && c.Created || moves(c) || c.Cause == effect.ByCopyTo {
		n.send(c, keyEvent{newEvents, "new"})
	}
}

func (n *notice) happened(c *kv.Change) {
	switch c.Kind {
	case effect.Set, effect.Patch:
		n.send(c, stringEvent[c.Cause])
		if c.Cause == effect.Unsaid && c.Deadline != 0 {
			n.send(c, keyEvent{genericEvents, "expire"})
		}
	case effect.Delete:
		n.send(c, removal[c.Cause])
	case effect.Expire:
		n.send(c, keyEvent{expiredEvents, "expired"})
	case effect.Evict:
		n.send(c, keyEvent{evictedEvents, "evicted"})
	case effect.Deadline:
		if c.Deadline != 0 {
			n.send(c, keyEvent{genericEvents, "expire"})
		} else {
			n.send(c, keyEvent{genericEvents, "persist"})
		}
	}
}

// send publishes an event if its class is wanted, as none of the zero keyEvent is.
func (n *notice) send(c *kv.Change, e keyEvent) {
	if n.classes&e.class == 0 {
		return
	}
	name := []byte(e.name)
	if n.classes&byKey != 0 {
		n.publish(c.DB, "__keyspace@", c.Key, name)
	}
	if n.classes&byEvent != 0 {
		n.publish(c.DB, "__keyevent@", name, c.Key)
	}
}

func (n *notice) publish(db uint8, space string, of, payload []byte) {
	topic := make([]byte, 0, len(space)+len("15__:")+len(of))
	topic = strconv.AppendUint(append(topic, space...), uint64(db), 10)
	topic = append(append(topic, "__:"...), of...)
	m := &pubsub.Message{Topic: topic, Payload: payload, Form: effect.TextForm, Time: n.now}
	if !utf8.Valid(payload) {
		m.Form = effect.BytesForm
	}
	n.topics.Stamp(m)
	_, crowded := n.topics.Publish(m)
	n.crowded = n.crowded || crowded
}

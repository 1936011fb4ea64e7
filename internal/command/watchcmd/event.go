package watchcmd

import (
	"strconv"
	"unicode/utf8"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/command/pubsubcmd"
	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/store/kv"
	"github.com/synapdb/synap/internal/store/pubsub"
)

// eventName says what happened in the words of the contract, and flush and swap, which it lacks.
func eventName(e *effect.Effect) string {
	switch e.Kind {
	case effect.Set, effect.Patch:
		return written(e)
	case effect.Expire:
		return "expired"
	case effect.Evict:
		return "evicted"
	case effect.Deadline:
		if e.Deadline == 0 {
			return "persist"
		}
		return "expire"
	case effect.Flush, effect.FlushAll:
		return "flush"
	case effect.Swap:
		return "swap"
	}
	return "del"
}

// written names an event that has a value.
func written(e *effect.Effect) string {
	switch e.Cause {
	case effect.ByAppend:
		return "append"
	case effect.BySetRange, effect.BySetBit, effect.ByBitfieldRest:
		return "setrange"
	case effect.ByIncrBy:
		return "incrby"
	case effect.ByDecrBy:
		return "decrby"
	}
	if e.Kind == effect.Patch {
		return "setrange"
	}
	return "set"
}

// appendEvent appends the JSON text of a change of record lsn (0: there is none), with the value or
// why it is missing unless bare.
func appendEvent(dst []byte, c *kv.Change, lsn uint64, bare bool) []byte {
	dst = append(dst, `{"key":`...)
	dst = pubsubcmd.AppendText(dst, c.Key)
	dst = append(append(dst, `,"event":"`...), eventName(&c.Effect)...)
	dst = append(dst, `","version":`...)
	dst = strconv.AppendUint(dst, uint64(c.Version), 10)
	if !bare && (c.Kind == effect.Set || c.Kind == effect.Patch) {
		if c.Value != nil && utf8.Valid(c.Value) {
			dst = pubsubcmd.AppendText(append(dst, `,"value":`...), c.Value)
		} else {
			dst = append(dst, `,"truncated":true`...)
		}
	}
	if lsn != 0 {
		dst = strconv.AppendUint(append(dst, `,"lsn":`...), lsn, 10)
	}
	return append(dst, '}')
}

// tell is the message that a watcher is sent for m, one of command.Watches. It is made once.
func tell(m *pubsub.Message, e *command.KeyEvent, bare bool) *pubsub.Message {
	slot := &e.Told[0]
	if bare {
		slot = &e.Told[1]
	}
	if told := slot.Load(); told != nil {
		return told
	}
	told := &pubsub.Message{Topic: m.Topic, Form: effect.JSONForm, Time: m.Time,
		Origin: m.Origin, Number: m.Number, Recorded: m.Recorded,
		Payload: appendEvent(nil, &e.Change, e.LSN, bare)}
	if !slot.CompareAndSwap(nil, told) {
		return slot.Load()
	}
	return told
}

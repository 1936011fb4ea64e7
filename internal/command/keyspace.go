package command

import (
	"sync/atomic"

	"github.com/synapdb/synap/internal/store/kv"
)

// keyspace is which of Redis' keyspace notifications are sent: notify-keyspace-events.
type keyspace struct{ classes atomic.Uint32 }

func (k *keyspace) on() bool { return k.classes.Load() != 0 }

// notify publishes what is to be known of a change.
func (k *keyspace) notify(*Topics, int64, *kv.Change) {}

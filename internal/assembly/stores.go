package assembly

import (
	"errors"
	"fmt"

	"github.com/synapdb/synap/internal/config"
	"github.com/synapdb/synap/internal/store"
	"github.com/synapdb/synap/internal/store/kv"
	"github.com/synapdb/synap/internal/store/queue"
	"github.com/synapdb/synap/internal/store/room"
)

// openStores makes the stores, which share one memory limit.
func (in *Instance) openStores() error {
	keys, err := kv.New(in.keyOptions())
	if err != nil {
		return fmt.Errorf("the store could not be made: %w", err)
	}
	queues, err := queue.New(queue.Options{
		Shards: in.config.Queue.Shards, Defaults: queueDefaults(&in.config.Queue),
		Alarm: in.queueTimers.kick,
	})
	if err != nil {
		return errors.Join(fmt.Errorf("the queues could not be made: %w", err), keys.Close())
	}
	rooms, err := room.New(in.roomOptions())
	if err != nil {
		return errors.Join(fmt.Errorf("the rooms could not be made: %w", err), queues.Close(),
			keys.Close())
	}
	keys.Beside(func() int64 { return queues.Memory() + rooms.Memory() })
	in.stores = store.Stores{Keys: keys, Queues: queues, Rooms: rooms}
	return nil
}

func (in *Instance) closeStores() error {
	return errors.Join(in.stores.Rooms.Close(), in.stores.Queues.Close(), in.stores.Keys.Close())
}

func (in *Instance) keyOptions() kv.Options {
	c := &in.config.KVStore
	policy, _ := policyByName(c.EvictionPolicy) // config checked it
	o := kv.Options{Shards: c.Shards, MaxMemory: int64(c.MaxMemoryMB) * mebibyte,
		Policy: policy, Samples: c.EvictionSamples}
	if in.data != nil {
		o.Seed = in.data.Seed()
	}
	return o
}

// queueDefaults are the settings of queues made without any.
func queueDefaults(c *config.Queue) queue.Settings {
	const second, thousandth, percent = 1000, 1000, 10 // in ms, and in thousandths
	return queue.Settings{
		MaxDepth:     int64(c.MaxDepth),
		DropOldest:   c.Overflow == "drop_oldest",
		AckDeadline:  int64(c.AckDeadlineSecs) * second,
		MaxRetries:   uint32(c.DefaultMaxRetries),
		Priority:     uint8(c.DefaultPriority),
		Prefetch:     uint32(c.PrefetchLimit),
		BackoffBase:  int64(c.BackoffBaseMS),
		BackoffCap:   int64(c.BackoffCapMS),
		BackoffMilli: uint32(c.BackoffFactor) * thousandth,
		JitterMilli:  uint32(c.BackoffJitterPercent) * percent,
		TTL:          int64(c.TTLSecs) * second,
		DedupWindow:  int64(c.DedupWindowSecs) * second,
	}
}

func (in *Instance) roomOptions() room.Options {
	const second = 1000 // ms
	c := &in.config.Stream
	bound := func(n int) int64 {
		if n == 0 {
			return room.None
		}
		return int64(n)
	}
	o := room.Options{
		Shards: c.Shards, HardEvents: int64(c.HardEvents), Alarm: in.roomTimers.kick,
		Inactive: int64(c.InactiveRoomSecs) * second, Sweep: int64(c.CompactionSecs) * second,
		Defaults: room.Settings{
			MaxEvents: bound(c.MaxEvents), MaxBytes: bound(c.MaxBytes),
			MaxAge: bound(c.RetentionSecs),
		},
	}
	if o.Defaults.MaxAge != room.None {
		o.Defaults.MaxAge *= second
	}
	return o
}

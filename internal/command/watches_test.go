package command_test

import (
	"fmt"
	"testing"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/store/kv"
	"github.com/synapdb/synap/internal/store/pubsub"
)

// BenchmarkWatchedSet is a SET while nobody watches, while others are watched, and of a watched
// key.
func BenchmarkWatchedSet(b *testing.B) {
	for name, pattern := range map[string]string{"nobody": "", "others": "__watch@0__:other:*",
		"this": "__watch@0__:key:*"} {
		b.Run(name, func(b *testing.B) {
			s, err := kv.New(kv.Options{})
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = s.Close() }()
			w := command.NewWatches(s, command.NewTopics(pubsub.Options{}))
			sub := new(pubsub.Subscriber)
			if err := w.Open(sub, nil, w.Lane); err != nil {
				b.Fatal(err)
			}
			if pattern != "" {
				if err := w.Watch(sub, 0, 1, [][]byte{[]byte(pattern)}); err != nil {
					b.Fatal(err)
				}
				defer w.Unwatch(sub)
			}
			var keys [1000][]byte
			for i := range keys {
				keys[i] = fmt.Appendf(nil, "key:%012d", i)
			}
			value := make([]byte, 100)
			var tx kv.Tx
			var out []pubsub.Delivery
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				key := keys[i%len(keys)]
				s.Begin(&tx, 1)
				tx.Declare(0, key)
				tx.Lock()
				tx.Apply(effect.Effect{Kind: effect.Set, Key: key, Value: value})
				tx.Unlock()
				if i%100 == 0 {
					out, _ = sub.Drain(out[:0], 1000)
				}
			}
		})
	}
}

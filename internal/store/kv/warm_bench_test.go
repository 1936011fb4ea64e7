package kv

import (
	"fmt"
	"testing"

	"github.com/synapdb/synap/internal/effect"
)

// BenchmarkWarm compares 16 look-ups one after the other with the same ones warmed together.
func BenchmarkWarm(b *testing.B) {
	const count = 1 << 20
	s, err := New(Options{Seed: 1})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	var tx Tx
	keys := make([][]byte, count)
	value := make([]byte, 100)
	for i := range keys {
		keys[i] = fmt.Appendf(nil, "key:%012d", i)
		s.Begin(&tx, 1)
		tx.Declare(0, keys[i])
		tx.Lock()
		tx.Apply(effect.Effect{Kind: effect.Set, Key: keys[i], Value: value})
		tx.Unlock()
	}
	for _, warm := range []bool{false, true} {
		b.Run(fmt.Sprintf("warm=%v", warm), func(b *testing.B) {
			b.ReportAllocs()
			next := uint64(1)
			var batch [warmBatch][]byte
			for i := 0; i < b.N; i += warmBatch {
				for j := range batch {
					next = next*6364136223846793005 + 1442695040888963407
					batch[j] = keys[next>>44]
				}
				s.Begin(&tx, 1)
				if warm {
					tx.Warm(0, batch[:])
				}
				for _, key := range batch {
					s.Begin(&tx, 1)
					tx.Declare(0, key)
					tx.Lock()
					tx.Get(0, key)
					tx.Unlock()
				}
			}
		})
	}
}

package kv

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/synapdb/synap/internal/effect"
)

// Properties verified: transfers between accounts are atomic (every look at all accounts sees the
// same sum), no reader sees half a value, and the store holds its invariants after readers,
// writers, scans, eviction, watchers and maintenance have worked on it at once.

const accounts = 16

func account(i int) []byte { return fmt.Appendf(nil, "account:%02d", i) }

func read(tx *Tx, i int) uint64 {
	e, ok := tx.Get(0, account(i))
	if !ok {
		return 0
	}
	return binary.LittleEndian.Uint64(e.Value())
}

func write(tx *Tx, i int, n uint64) {
	tx.Apply(effect.Effect{
		Kind: effect.Set, Key: account(i), Value: binary.LittleEndian.AppendUint64(nil, n),
	})
}

func transfer(s *Store, r *rand.Rand) {
	from, to := r.IntN(accounts), r.IntN(accounts)
	var tx Tx
	s.Begin(&tx, epoch)
	tx.Declare(0, account(from))
	tx.Declare(0, account(to))
	tx.Lock()
	defer tx.Unlock()
	tx.Atomic()
	write(&tx, from, read(&tx, from)-1)
	write(&tx, to, read(&tx, to)+1)
	if r.IntN(3) == 0 {
		tx.Rollback()
	}
}

func sum(s *Store) (n uint64) {
	s.all(epoch, func(tx *Tx) {
		tx.Scan(0, Range{Prefix: []byte("account:")}, func(e Entry) bool {
			n += binary.LittleEndian.Uint64(e.Value())
			return true
		})
	})
	return n
}

func disturb(s *Store, r *rand.Rand) {
	key := fmt.Sprintf("noise:%d", r.IntN(2000))
	now := epoch + r.Int64N(10_000)
	switch r.IntN(6) {
	case 0:
		s.del(now, 1, key)
	case 1:
		var w Watcher
		s.with(now, 1, key, func(tx *Tx) { tx.Watch(&w, 1, []byte(key)) })
		s.Unwatch(&w)
	case 2:
		s.with(now, 1, key, func(tx *Tx) {
			if e, ok := tx.Get(1, []byte(key)); ok {
				if l, ok := e.Large(); ok {
					defer checkFill(l)
				}
			}
		})
	default:
		if s.MakeRoom(1000, now) == nil {
			size := r.IntN(1000)
			if r.IntN(20) == 0 {
				size = 40_000
			}
			s.set(now, 1, key, big(byte(r.IntN(256)), size), now+r.Int64N(5000)+1)
		}
	}
}

// checkFill reads a retained value without any lock: all its bytes must be equal.
func checkFill(l *Large) {
	for _, b := range l.Bytes() {
		if b != l.Bytes()[0] {
			panic("a retained value changed")
		}
	}
	l.Release()
}

func TestConcurrentTransactions(t *testing.T) {
	s := newStore(t, Options{Shards: 8, MaxMemory: 8 << 20, Policy: VolatileLRU})
	s.all(epoch, func(tx *Tx) {
		for i := range accounts {
			write(tx, i, 1000)
		}
	})
	var workers sync.WaitGroup
	for worker := range 4 {
		workers.Go(func() {
			r := rand.New(rand.NewPCG(uint64(worker), 1))
			for i := range 3000 {
				transfer(s, r)
				disturb(s, r)
				if worker == 0 && i%10 == 0 {
					s.Maintain(epoch+int64(i), 200)
				}
				if i%50 != 0 {
					continue
				}
				if got := sum(s); got != accounts*1000 {
					t.Errorf("the accounts hold %d", got)
				}
				_, _, _ = s.Stats(), s.Count(1), s.DB(0)
			}
		})
	}
	workers.Wait()
	s.settle(epoch + 100_000)
	mustHold(t, s)
	if s.Count(1) != 0 || s.Count(0) != accounts {
		t.Fatalf("%d and %d keys left", s.Count(0), s.Count(1))
	}
}

// Package clients points other people's clients at the built server.
package clients

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/synapdb/synap/test/harness"
)

// dial connects go-redis with the given protocol version, pooling and CLIENT SETINFO included.
func dial(t *testing.T, protocol int) *redis.Client {
	t.Helper()
	s := harness.Start(t)
	c := redis.NewClient(&redis.Options{Addr: s.RESP, Protocol: protocol, ClientName: "tests"})
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func eachProtocol(t *testing.T, test func(*testing.T, context.Context, *redis.Client)) {
	t.Helper()
	for _, protocol := range []int{2, 3} {
		t.Run(fmt.Sprintf("RESP%d", protocol), func(t *testing.T) {
			ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
			defer cancel()
			test(t, ctx, dial(t, protocol))
		})
	}
}

func TestGoRedisPipelinesAndTransactions(t *testing.T) {
	eachProtocol(t, func(t *testing.T, ctx context.Context, c *redis.Client) {
		var cmds []*redis.IntCmd
		_, err := c.Pipelined(ctx, func(p redis.Pipeliner) error {
			for range 1000 {
				cmds = append(cmds, p.Incr(ctx, "n"))
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for i, cmd := range cmds {
			if cmd.Val() != int64(i+1) {
				t.Fatalf("answer %d is %d", i, cmd.Val())
			}
		}
		got, err := c.TxPipelined(ctx, func(p redis.Pipeliner) error {
			p.Set(ctx, "a", "1", time.Minute)
			p.Get(ctx, "a")
			return nil
		})
		if err != nil || got[1].(*redis.StringCmd).Val() != "1" {
			t.Fatalf("transaction: %v %v", got, err)
		}
	})
}

func TestGoRedisOptimisticLock(t *testing.T) {
	eachProtocol(t, func(t *testing.T, ctx context.Context, c *redis.Client) {
		c.Set(ctx, "balance", 1, 0)
		err := c.Watch(ctx, func(tx *redis.Tx) error {
			n, err := tx.Get(ctx, "balance").Int()
			if err != nil {
				return err
			}
			c.Set(ctx, "balance", 100, 0) // another connection comes first
			_, err = tx.TxPipelined(ctx, func(p redis.Pipeliner) error {
				p.Set(ctx, "balance", n+1, 0)
				return nil
			})
			return err
		}, "balance")
		if !errors.Is(err, redis.TxFailedErr) {
			t.Fatalf("the losing transaction got %v", err)
		}
		if v := c.Get(ctx, "balance").Val(); v != "100" {
			t.Errorf("balance is %s", v)
		}
	})
}

func TestGoRedisScanSeesEveryKeyOnce(t *testing.T) {
	eachProtocol(t, func(t *testing.T, ctx context.Context, c *redis.Client) {
		var want []string
		for i := range 2500 {
			key := fmt.Sprintf("user:%04d", i)
			want = append(want, key)
			c.Set(ctx, key, i, 0)
			c.Set(ctx, fmt.Sprintf("other:%04d", i), i, 0)
		}
		var got []string
		it := c.Scan(ctx, 0, "user:*", 100).Iterator()
		for it.Next(ctx) {
			got = append(got, it.Val())
		}
		if it.Err() != nil {
			t.Fatal(it.Err())
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("scan returned %d keys, want %d, each once", len(got), len(want))
		}
	})
}

func TestGoRedisExpiryAndBits(t *testing.T) {
	eachProtocol(t, func(t *testing.T, ctx context.Context, c *redis.Client) {
		c.Set(ctx, "k", "v", time.Hour)
		if d := c.TTL(ctx, "k").Val(); d <= 59*time.Minute || d > time.Hour {
			t.Errorf("TTL is %v", d)
		}
		if c.PExpire(ctx, "k", -time.Second).Val(); c.Exists(ctx, "k").Val() != 0 {
			t.Error("a deadline in the past leaves the key")
		}
		c.SetBit(ctx, "bits", 7, 1)
		if n := c.BitCount(ctx, "bits", nil).Val(); n != 1 {
			t.Errorf("bitcount is %d", n)
		}
		if err := c.Get(ctx, "absent").Err(); !errors.Is(err, redis.Nil) {
			t.Errorf("an absent key answers %v", err)
		}
		if err := c.Incr(ctx, "text").Err(); err != nil {
			t.Error(err)
		}
	})
}

func TestGoRedisSeesTheServer(t *testing.T) {
	eachProtocol(t, func(t *testing.T, ctx context.Context, c *redis.Client) {
		if info, err := c.Info(ctx).Result(); err != nil || info == "" {
			t.Errorf("INFO: %v", err)
		}
		cmds, err := c.Command(ctx).Result()
		if err != nil || cmds["get"] == nil || cmds["get"].FirstKeyPos != 1 {
			t.Errorf("COMMAND: %v %v", cmds["get"], err)
		}
		if v := c.ConfigGet(ctx, "maxmem*").Val(); v["maxmemory-policy"] == "" {
			t.Errorf("CONFIG GET: %v", v)
		}
		if name := c.ClientGetName(ctx).Val(); name != "tests" {
			t.Errorf("the client's name is %q", name)
		}
	})
}

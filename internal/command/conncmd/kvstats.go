package conncmd

import (
	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/store/kv"
)

// kvStats are the figures of both spellings: what Synap's own clients send over RESP.
var kvStats = []struct {
	name string
	read func(s kv.Stats) int64
}{
	{"total_keys", func(s kv.Stats) int64 { return s.Keys }},
	{"total_memory_bytes", func(s kv.Stats) int64 { return s.Memory }},
	{"gets", func(s kv.Stats) int64 { return s.Gets }},
	{"sets", func(s kv.Stats) int64 { return s.Sets }},
	{"dels", func(s kv.Stats) int64 { return s.Dels }},
	{"hits", func(s kv.Stats) int64 { return s.Hits }},
	{"misses", func(s kv.Stats) int64 { return s.Misses }},
}

func kvStatsRows() []*command.Row {
	return []*command.Row{{
		Name: "KVSTATS", Arity: 1, Group: "server", Since: "0.1.0",
		Flags:   quick | command.Read,
		Summary: "Returns the figures of the key-value store as a map.",
		Run: func(c *command.Ctx, _ [][]byte) error {
			// Synap's clients read a map, though most of them never say HELLO 3.
			spoken := c.Session.Resp
			c.Session.Resp = 3
			c.Reply.Map(len(kvStats))
			c.Session.Resp = spoken
			return writeKVStats(c)
		},
	}, {
		Name: "SYNAP.KVSTATS", Arity: 1, Group: "server", Since: "0.1.0",
		Flags:   quick | command.Read,
		Summary: "Returns the figures of the key-value store as a flat list.",
		Run: func(c *command.Ctx, _ [][]byte) error {
			c.Reply.Array(2 * len(kvStats))
			return writeKVStats(c)
		},
	}}
}

func writeKVStats(c *command.Ctx) error {
	now := c.Store.Stats()
	for _, s := range kvStats {
		c.Reply.Str(s.name)
		c.Reply.Int(s.read(now))
	}
	return nil
}

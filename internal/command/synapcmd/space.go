package synapcmd

import (
	"bytes"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/errs"
	"github.com/synapdb/synap/internal/store/kv"
)

// Bounds of a prefix delete: how many keys are looked at while all shards are locked, and how
// many are removed or counted by one call, so that neither other clients nor the other connections
// of the event loop wait for long.
const (
	chunkKeys   = 512
	countKeys   = 16 * chunkKeys // to count costs less than to remove
	mostDelete  = 10_000
	mostCount   = 100_000
	effectBytes = 64 // more than a delete adds to its key in the journal
)

func spaceRows(o Options) []*command.Row {
	return []*command.Row{{
		Name: "kv.delprefix", Flags: command.Write | command.SelfLocking | command.NoMulti,
		Summary: "Removes the keys that begin with prefix, or counts them. Not atomic.",
		Fields: []command.Field{
			{Name: "prefix", Type: command.StringField, Required: true, Doc: "Not empty."},
			flag("dry_run", "Only count, at most 100000 keys; a cursor leads to the rest."),
			{Name: "limit", Type: command.IntField,
				Doc: "Remove at most so many, 10000 at most. The reply says if more remain."},
			{Name: "cursor", Type: command.StringField,
				Doc: "Of a dry run: the cursor of the reply before."},
		},
		Call:   delPrefix,
		Routes: []command.Route{{Method: "DELETE", Path: "/kv"}},
	}, {
		Name: "kv.dbsize", Flags: reads,
		Summary: "Counts the keys.",
		Call: func(c *command.Ctx, _ *command.Args) error {
			return replyInt(c.Reply, "size", c.Store.Count(c.DB))
		},
	}, {
		Name: "kv.stats", Flags: command.Read | command.SelfLocking,
		Summary: "Returns the counters of the store.",
		Call:    stats,
		Routes:  []command.Route{{Method: "GET", Path: "/kv/stats"}},
	},
		flushRow("kv.flushdb", "Removes every key of the database.", o, effect.Flush),
		flushRow("kv.flushall", "Removes every key.", o, effect.FlushAll),
	}
}

func flushRow(name, summary string, o Options, kind effect.Kind) *command.Row {
	return &command.Row{
		Name: name, Flags: command.Write | command.AllKeys | command.NoMulti, Summary: summary,
		Call: func(c *command.Ctx, _ *command.Args) error {
			if !o.AllowFlush {
				return errFlush
			}
			n := c.Store.Count(c.DB)
			if kind == effect.FlushAll {
				n = 0
				for db := range kv.Databases {
					n += c.Store.Count(uint8(db))
				}
			}
			c.Tx.Apply(effect.Effect{Kind: kind, DB: c.DB})
			return replyInt(c.Reply, "flushed", n)
		},
	}
}

// Positions of the fields of kv.delprefix.
const (
	prefixPrefix = iota
	prefixDryRun
	prefixLimit
	prefixCursor
)

func delPrefix(c *command.Ctx, a *command.Args) error {
	prefix := a.Bytes(prefixPrefix)
	if len(prefix) == 0 {
		return errs.Request("prefix must not be empty: use kv.flushdb")
	}
	if a.Bool(prefixDryRun) {
		return countPrefix(c, prefix, a.Bytes(prefixCursor))
	}
	limit := a.Int(prefixLimit, mostDelete)
	if limit < 1 {
		return errs.Value("limit must be at least 1")
	}
	limit = min(limit, mostDelete)
	var deleted int64
	var chunk []byte // keys, each behind its length
	more := true
	for more && deleted < limit {
		want := int(min(limit-deleted, chunkKeys))
		var n int
		var err error
		chunk, n, more, err = deleteChunk(c, prefix, want, chunk[:0])
		deleted += int64(n)
		switch {
		case err != nil && deleted == 0:
			return err
		case err != nil: // what is done is done
			return replyDeleted(c, deleted, true)
		}
	}
	return replyDeleted(c, deleted, more)
}

func replyDeleted(c *command.Ctx, deleted int64, more bool) error {
	c.Reply.Map(2)
	pairInt(c.Reply, "deleted", deleted)
	c.Reply.Str("more")
	c.Reply.Bool(more)
	return nil
}

// deleteChunk removes up to want keys under one lock and says whether there are more. Keys are
// copied to buf first: a view of a key must not name the key that Apply frees. When the journal
// does not take the chunk nothing is removed, and more is true.
func deleteChunk(
	c *command.Ctx, prefix []byte, want int, buf []byte,
) (_ []byte, n int, more bool, err error) {
	lockAll(c)
	defer c.Tx.Unlock()
	c.Tx.Scan(c.DB, kv.Range{Prefix: prefix}, func(e kv.Entry) bool {
		if n == want {
			more = true
			return false
		}
		n++
		key := e.Key()
		buf = append(append(buf, byte(len(key)>>8), byte(len(key))), key...)
		return true
	})
	if err := c.Engine.Admit(len(buf) + n*effectBytes); err != nil {
		return buf, 0, true, err
	}
	for rest := buf; len(rest) > 0; {
		end := 2 + (int(rest[0])<<8 | int(rest[1]))
		c.Tx.Apply(effect.Effect{Kind: effect.Delete, DB: c.DB, Key: rest[2:end]})
		rest = rest[end:]
	}
	return buf, n, more, nil
}

// countPrefix counts keys chunk by chunk, each under its own lock.
func countPrefix(c *command.Ctx, prefix, cursor []byte) error {
	r := kv.Range{Prefix: prefix}
	var err error
	if r.After, err = afterCursor(cursor, prefix); err != nil {
		return err
	}
	count, more := 0, true
	for more && count < mostCount {
		var n int
		n, more = countChunk(c, &r, min(countKeys, mostCount-count))
		count += n
	}
	c.Reply.Map(4)
	c.Reply.Str("dry_run")
	c.Reply.Bool(true)
	pairInt(c.Reply, "count", int64(count))
	c.Reply.Str("more")
	c.Reply.Bool(more)
	c.Reply.Str("cursor")
	if more {
		c.Reply.Str(cursorAt(r.After))
	} else {
		c.Reply.Null()
	}
	return nil
}

// countChunk counts up to want keys under one lock, moves r behind the last of them, and says
// whether there are more.
func countChunk(c *command.Ctx, r *kv.Range, want int) (n int, more bool) {
	lockAll(c)
	defer c.Tx.Unlock()
	var last []byte
	c.Tx.Scan(c.DB, *r, func(e kv.Entry) bool {
		if more = n == want; more {
			return false
		}
		n++
		last = e.Key()
		return true
	})
	if n > 0 {
		r.After = bytes.Clone(last)
	}
	return n, more
}

func lockAll(c *command.Ctx) {
	c.Store.Begin(c.Tx, c.Now)
	c.Tx.DeclareAll()
	c.Tx.Lock()
}

func stats(c *command.Ctx, _ *command.Args) error {
	s := c.Store.Stats()
	r := c.Reply
	r.Map(4)
	pairInt(r, "total_keys", s.Keys)
	pairInt(r, "total_memory_bytes", s.Memory)
	r.Str("operations")
	r.Map(5)
	pairInt(r, "gets", s.Gets)
	pairInt(r, "sets", s.Sets)
	pairInt(r, "dels", s.Dels)
	pairInt(r, "hits", s.Hits)
	pairInt(r, "misses", s.Misses)
	r.Str("hit_rate")
	rate := 0.0
	if looks := s.Hits + s.Misses; looks > 0 {
		rate = float64(s.Hits) / float64(looks)
	}
	r.Float(rate)
	return nil
}

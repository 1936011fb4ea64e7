package assembly

import (
	"strings"
	"testing"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/command/synapcmd"
)

// What a row says about itself is what COMMAND DOCS, the reference and the metrics are made of.
func TestEveryRowDescribesItself(t *testing.T) {
	eachRow(Table(synapcmd.Options{}), func(row *command.Row) {
		if row.Since == "" || row.Summary == "" || row.Group == "" || row.Flags == 0 {
			t.Errorf("%s lacks a version, summary, group or flags", row.FullName())
		}
		if last := row.Summary; last != "" && last[len(last)-1] != '.' {
			t.Errorf("%s: the summary is no sentence: %s", row.FullName(), last)
		}
		for _, pair := range [...]string{"<>", "[]"} { // redis-cli crashes over an empty group
			opened, closed := strings.Count(row.Words, pair[:1]), strings.Count(row.Words, pair[1:])
			if opened != closed {
				t.Errorf("%s: groups that do not end: %s", row.FullName(), row.Words)
			}
		}
		switch {
		case row.Call != nil:
			for _, f := range row.Fields {
				if f.Doc == "" {
					t.Errorf("%s: field %s is not described", row.Name, f.Name)
				}
			}
		case row.Subcommands == nil:
			words := 1 // the name
			if row.FullName() != lower(row.Name) {
				words = 2
			}
			takes := row.Arity < 0 || row.Arity > words
			if takes && row.Words == "" && row.Name != "QUIT" { // which ignores what it is given
				t.Errorf("%s takes arguments and does not say which", row.FullName())
			}
			if !takes && row.Words != "" {
				t.Errorf("%s takes no arguments, but %s", row.FullName(), row.Words)
			}
		}
	})
}

func lower(name string) string {
	b := []byte(name)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// The commands that the first release promises, beside those of the wire contract.
func TestTheTableHasWhatWasPromised(t *testing.T) {
	table := Table(synapcmd.Options{})
	for _, name := range []string{
		"APPEND", "COPY", "DECR", "DECRBY", "DEL", "EXISTS", "EXPIRE", "EXPIREAT", "EXPIRETIME",
		"GET", "GETDEL", "GETEX", "GETRANGE", "GETSET", "INCR", "INCRBY", "INCRBYFLOAT", "KEYS",
		"LCS", "MGET", "MSET", "MSETNX", "PERSIST", "PEXPIRE", "PEXPIREAT", "PEXPIRETIME", "PSETEX",
		"PTTL", "RANDOMKEY", "RENAME", "RENAMENX", "SCAN", "SET", "SETEX", "SETNX", "SETRANGE",
		"STRLEN", "SUBSTR", "TOUCH", "TTL", "TYPE", "UNLINK", "SETBIT", "GETBIT", "BITCOUNT",
		"BITPOS", "BITOP", "BITFIELD", "BITFIELD_RO", "MULTI", "EXEC", "DISCARD", "WATCH",
		"UNWATCH",
		"HELLO", "AUTH", "SELECT", "INFO", "PING", "ECHO", "QUIT", "RESET", "TIME", "DBSIZE",
		"FLUSHDB", "FLUSHALL", "SWAPDB", "MOVE", "KVSTATS", "SYNAP.KVSTATS",
		"QCREATE", "QDELETE", "QLIST", "QPUBLISH", "QMPUBLISH", "QPUBLISHM", "QCONSUME", "QACK",
		"QNACK", "QEXTEND", "QSTATS", "QPURGE", "QPEEK", "QPAUSE", "QRESUME", "QINFO", "QUPDATE",
		"SCREATE", "SGETORCREATE", "SPUBLISH", "SMPUBLISH", "SREAD", "SCONSUME", "SHISTORY",
		"SDELETE", "STRIM", "SUPDATE", "SLIST", "SSTATS", "SINFO", "SCOMMIT", "SCURSOR", "SFORGET",
		"XADD", "XREAD", "XREADGROUP", "XRANGE", "XDEL", "XACK",
	} {
		if table.Redis([]byte(name)) == nil {
			t.Errorf("there is no %s", name)
		}
	}
	for name, subs := range map[string][]string{
		"OBJECT":   {"encoding", "freq", "idletime", "refcount", "help"},
		"CLIENT":   {"id", "setname", "getname", "setinfo", "list", "no-evict", "reply"},
		"COMMAND":  {"count", "info", "docs", "list"},
		"CONFIG":   {"get", "set", "resetstat"},
		"FUNCTION": {"flush"},
		"XINFO":    {"rooms", "stream", "help"},
		"QDLQ":     {"list", "retry", "purge", "help"},
	} {
		has := map[string]bool{}
		for _, sub := range table.Redis([]byte(name)).Subcommands {
			has[sub.FullName()] = true
		}
		for _, sub := range subs {
			if !has[lower(name)+"|"+sub] {
				t.Errorf("there is no %s %s", name, sub)
			}
		}
	}
	for _, name := range []string{
		"kv.set", "kv.get", "kv.del", "kv.exists", "kv.incr", "kv.decr", "kv.incrby", "kv.decrby",
		"kv.mset", "kv.mget", "kv.mdel", "kv.scan", "kv.keys", "kv.dbsize", "kv.flushdb",
		"kv.flushall", "kv.expire", "kv.ttl", "kv.persist", "kv.stats", "kv.append", "kv.getrange",
		"kv.setrange", "kv.strlen", "kv.getset", "kv.msetnx", "kv.cas", "kv.delprefix", "key.type",
		"key.exists", "key.rename", "key.renamenx", "key.copy", "key.randomkey", "batch",
		"queue.create", "queue.delete", "queue.publish", "queue.publish_batch", "queue.consume",
		"queue.ack", "queue.nack", "queue.extend", "queue.peek", "queue.list", "queue.stats",
		"queue.purge", "queue.pause", "queue.resume", "queue.info", "queue.update",
		"queue.dlq.list", "queue.dlq.retry", "queue.dlq.purge",
		"stream.create", "stream.get_or_create", "stream.publish", "stream.publish_batch",
		"stream.consume", "stream.history", "stream.trim", "stream.update", "stream.delete",
		"stream.list", "stream.stats", "stream.info", "stream.commit", "stream.cursor",
		"stream.forget",
	} {
		if table.Synap([]byte(name)) == nil {
			t.Errorf("there is no %s", name)
		}
	}
}

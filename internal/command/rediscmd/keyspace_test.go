package rediscmd

import (
	"testing"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/store/kv"
)

func TestExpireConditions(t *testing.T) {
	c := newClient(t)
	c.talk(`
		SET k v => +OK
		EXPIRE k 100 XX => 0
		EXPIRE k 100 GT => 0
		EXPIRE k 100 LT => 1
		EXPIRE k 100 NX => 0
		EXPIRE k 50 GT => 0
		EXPIRE k 200 gt xx => 1
		EXPIRE k 300 LT => 0
		PEXPIRE k 1500 => 1
		TTL k => 2
		PTTL k => 1500
		EXPIRETIME k => 1000000002
		PEXPIRETIME k => 1000000001500
		PERSIST k => 1
		PERSIST k => 0
		EXPIREAT k 1000000100 => 1
		TTL k => 100
		PEXPIREAT k 1000000000100 => 1
		PTTL k => 100
		TTL nope => -2
		EXPIRE nope 1 => 0
		EXPIRE k 1 NX GT => !ERR NX and XX, GT or LT options at the same time are not compatible
		EXPIRE k 1 LT GT => !ERR GT and LT options at the same time are not compatible
		EXPIRE k x foo => !ERR Unsupported option foo
		EXPIRE k x => !ERR value is not an integer or out of range
		EXPIRE k 9223372036854775 => !ERR invalid expire time in 'expire' command
		PEXPIRE k 9223372036854775807 => !ERR invalid expire time in 'pexpire' command
		EXPIREAT k -9223372036854775808 => !ERR invalid expire time in 'expireat' command
		PEXPIREAT k 9223372036854775807 => 1
		EXPIRETIME k => 9223372036854776
		EXPIRE k -1 LT => 1
		EXISTS k => 0
	`)
}

func TestRename(t *testing.T) {
	newClient(t).talk(`
		RENAME a b => !ERR no such key
		RENAMENX a a => !ERR no such key
		SET a 1 EX 100 => +OK
		SET b 2 => +OK
		RENAMENX a b => 0
		RENAMENX a a => 0
		RENAME a a => +OK
		RENAME a b => +OK
		MGET a b => [2 (nil) "1"
		TTL b => 100
		RENAMENX b c => 1
		GET c => "1"
		TYPE c => +string
		TYPE b => +none
	`)
}

func TestCopyAndMoveAcrossDatabases(t *testing.T) {
	c := newClient(t)
	c.talk(`
		SET a 1 EX 100 => +OK
		COPY a a => !ERR source and destination objects are the same
		COPY a b DB 16 => !ERR DB index is out of range
		COPY a b DB x FOO => !ERR value is not an integer or out of range
		COPY a b FOO => !ERR syntax error
		COPY a b DB => !ERR syntax error
		COPY nope b => 0
		COPY a b => 1
		COPY a b => 0
		COPY a b replace => 1
		TTL b => 100
		COPY a a DB 1 => 1
		MOVE a 0 => !ERR source and destination objects are the same
		MOVE a 1 => 0
		MOVE b 1 => 1
		MOVE b 99999999999 => ` +
		`!ERR value is out of range, value must between -2147483648 and 2147483647
		EXISTS a b => 1
		DBSIZE => 1
	`)
	c.session.DB = 1
	c.talk(`
		DBSIZE => 2
		TTL b => 100
		SWAPDB 0 x => !ERR invalid second DB index
		SWAPDB x 99 => !ERR invalid first DB index
		SWAPDB 99 x => !ERR invalid second DB index
		SWAPDB 0 99 => !ERR DB index is out of range
		SWAPDB 0 1 => +OK
		DBSIZE => 1
		FLUSHDB sync async => !ERR syntax error
		FLUSHDB now => !ERR syntax error
		FLUSHDB async => +OK
		DBSIZE => 0
	`)
	c.session.DB = 0
	c.talk(`
		DBSIZE => 2
		FLUSHALL => +OK
		DBSIZE => 0
		RANDOMKEY => (nil)
		SET only v => +OK
		RANDOMKEY => "only"
	`)
}

func TestObject(t *testing.T) {
	c := newClient(t)
	c.talk(`
		OBJECT ENCODING nope => (nil)
		OBJECT FREQ nope => (nil)
		SET n 9999 => +OK
		SET big 10000 => +OK
		SET s 01 => +OK
		SET l aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa => +OK
		OBJECT encoding n => "int"
		OBJECT ENCODING s => "embstr"
		OBJECT ENCODING l => "raw"
		OBJECT REFCOUNT n => 2147483647
		OBJECT REFCOUNT big => 1
		OBJECT IDLETIME n => 0
		OBJECT HELP x => !ERR wrong number of arguments for 'object|help' command
		OBJECT FOO => !ERR unknown subcommand 'FOO'. Try OBJECT HELP.
		OBJECT ENCODING => !ERR wrong number of arguments for 'object|encoding' command
	`)
	c.clock.Advance(90_000)
	c.talk(`
		OBJECT IDLETIME n => 90
		TOUCH n => 1
		OBJECT IDLETIME n => 0
	`)
	if got := c.do("OBJECT FREQ n"); got != "!"+errNotLFU.Text {
		t.Error(got)
	}
}

func TestUnderAMemoryLimit(t *testing.T) {
	c := newClient(t)
	store, err := kv.New(kv.Options{Shards: 4, MaxMemory: 1 << 26, Policy: kv.AllKeysLFU})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	c.engine = &command.Engine{Table: c.engine.Table, Store: store, Clock: c.clock}
	c.do("SET k v")
	if got := c.do("OBJECT IDLETIME k"); got != "!"+errLFU.Text {
		t.Error(got)
	}
	if got := c.do("OBJECT FREQ k"); got == "" || got[0] == '!' {
		t.Error(got)
	}
	c.talk(`
		SETRANGE k 67108865 x => !OOM command not allowed when used memory > 'maxmemory'.
		SETBIT k 536870920 1 => !OOM command not allowed when used memory > 'maxmemory'.
		BITFIELD k SET u8 536870920 1 => !OOM command not allowed when used memory > 'maxmemory'.
		BITFIELD k GET u8 536870920 => [1 0
		SETRANGE k 9223372036854775807 x => ` +
		`!OOM command not allowed when used memory > 'maxmemory'.
		GET k => "v"
	`)
}

package rediscmd

import (
	"strings"
	"testing"
)

func TestSetOptionsConflictAsInRedis(t *testing.T) {
	newClient(t).talk(`
		SET k v NX XX => !ERR syntax error
		SET k v KEEPTTL EX 10 => !ERR syntax error
		SET k v EX 10 KEEPTTL => !ERR syntax error
		SET k v EX 10 PX 10 => !ERR syntax error
		SET k v EX => !ERR syntax error
		SET k v PERSIST => !ERR syntax error
		SET k v FOO => !ERR syntax error
		SET k v EX abc => !ERR value is not an integer or out of range
		SET k v EX 0 => !ERR invalid expire time in 'set' command
		SET k v PXAT -1 => !ERR invalid expire time in 'set' command
		SET k v EX 9223372036854775807 => !ERR invalid expire time in 'set' command
		SET k v PX 9223372036854775807 => !ERR invalid expire time in 'set' command
		GET k => (nil)
		SET k v EX 10 EX 20 => +OK
		TTL k => 20
	`)
}

func TestSetConditions(t *testing.T) {
	newClient(t).talk(`
		SET k a XX => (nil)
		SET k a XX GET => (nil)
		EXISTS k => 0
		SET k a NX => +OK
		SET k b NX => (nil)
		SET k b NX GET => "a"
		GET k => "a"
		SET k b XX GET ex 100 => "a"
		SET k c keepttl => +OK
		TTL k => 100
		SET k d => +OK
		TTL k => -1
		SET new v NX GET => (nil)
		GET new => "v"
		SETNX new w => 0
		SETNX newer w => 1
		GETSET newer x => "w"
		TTL newer => -1
	`)
}

func TestSetDeadlines(t *testing.T) {
	c := newClient(t)
	c.talk(`
		SET a v EX 10 => +OK
		SET b v PX 10 => +OK
		SET c v EXAT 1000000010 => +OK
		SET d v PXAT 1000000000010 => +OK
		SETEX e 10 v => +OK
		PSETEX f 10 v => +OK
		SET past v PXAT 1 => +OK
		GET past => (nil)
		PTTL a => 10000
		PTTL b => 10
		PTTL c => 10000
		PTTL d => 10
		SETEX e 0 v => !ERR invalid expire time in 'setex' command
		PSETEX f -5 v => !ERR invalid expire time in 'psetex' command
		SETEX e x v => !ERR value is not an integer or out of range
	`)
	c.clock.Advance(10)
	c.talk(`EXISTS a b c d e f => 3`)
}

func TestGetEx(t *testing.T) {
	newClient(t).talk(`
		GETEX k EX 0 => (nil)
		GETEX k FOO => !ERR syntax error
		SET k v => +OK
		GETEX k EX 10 PERSIST => !ERR syntax error
		GETEX k PERSIST EX 10 => !ERR syntax error
		GETEX k KEEPTTL => !ERR syntax error
		GETEX k EX 0 => !ERR invalid expire time in 'getex' command
		GETEX k => "v"
		TTL k => -1
		GETEX k EX 100 => "v"
		TTL k => 100
		GETEX k => "v"
		TTL k => 100
		GETEX k PERSIST => "v"
		TTL k => -1
		GETEX k PXAT 1 => "v"
		GET k => (nil)
		SET k v => +OK
		GETDEL k => "v"
		GETDEL k => (nil)
	`)
}

func TestSeveralKeys(t *testing.T) {
	newClient(t).talk(`
		MSET a 1 b => !ERR wrong number of arguments for 'mset' command
		MSETNX a 1 b => !ERR wrong number of arguments for 'msetnx' command
		MSET a 1 b 2 a 3 => +OK
		MGET a b c => [3 "3" "2" (nil)
		MSETNX c 1 a 1 => 0
		MSETNX c 1 d 1 => 1
		EXISTS a a b nope => 3
		TOUCH a nope => 1
		DEL a a b nope => 2
		UNLINK c d => 2
		STRLEN nope => 0
	`)
}

func TestCounters(t *testing.T) {
	newClient(t).talk(`
		INCR n => 1
		DECRBY n 3 => -2
		EXPIRE n 100 => 1
		INCRBY n 12 => 10
		TTL n => 100
		INCRBY n 01 => !ERR value is not an integer or out of range
		INCRBY n +1 => !ERR value is not an integer or out of range
		DECRBY n -9223372036854775808 => !ERR decrement would overflow
		INCRBY n 9223372036854775807 => !ERR increment or decrement would overflow
		SET n -9223372036854775808 => +OK
		DECR n => !ERR increment or decrement would overflow
		INCRBY n 9223372036854775807 => -1
		SET n "" => +OK
		INCR n => !ERR value is not an integer or out of range
		SET n " 1" => +OK
		INCR n => !ERR value is not an integer or out of range
		SET n -0 => +OK
		INCR n => !ERR value is not an integer or out of range
		SET n 9223372036854775808 => +OK
		INCR n => !ERR value is not an integer or out of range
	`)
}

func TestFloatsAreAddedAsLongDoubles(t *testing.T) {
	newClient(t).talk(`
		INCRBYFLOAT f 0.1 => "0.1"
		INCRBYFLOAT f 0.2 => "0.3"
		INCRBYFLOAT f -0.3 => "0"
		INCRBYFLOAT f 3.0e3 => "3000"
		INCRBYFLOAT f 0x10 => "3016"
		INCRBYFLOAT f -0x1.8p1 => "3013"
		INCRBYFLOAT f 1e-18 => "3013"
		INCRBYFLOAT f inf => !ERR increment would produce NaN or Infinity
		INCRBYFLOAT f nan => !ERR value is not a valid float
		INCRBYFLOAT f 1e5000 => !ERR value is not a valid float
		INCRBYFLOAT f 1e-5000 => !ERR value is not a valid float
		INCRBYFLOAT f 0e99999999999 => "3013"
		INCRBYFLOAT f 1e => !ERR value is not a valid float
		INCRBYFLOAT f . => !ERR value is not a valid float
		INCRBYFLOAT f " 1" => !ERR value is not a valid float
		INCRBYFLOAT f "" => !ERR value is not a valid float
		SET f 1.1897e4932 => +OK
		INCRBYFLOAT f 1.1e4932 => !ERR increment would produce NaN or Infinity
		SET f abc => +OK
		INCRBYFLOAT f 1 => !ERR value is not a valid float
		SET f 5.0e3 => +OK
		EXPIRE f 100 => 1
		INCRBYFLOAT f 200 => "5200"
		TTL f => 100
	`)
}

func TestRanges(t *testing.T) {
	newClient(t).talk(`
		APPEND k Hello => 5
		APPEND k "" => 5
		GETRANGE k 1 -2 => "ell"
		SUBSTR k -100 100 => "Hello"
		GETRANGE k 3 1 => ""
		GETRANGE k -1 -3 => ""
		GETRANGE k 0 -100 => "H"
		GETRANGE nope 0 -1 => ""
		GETRANGE k a 1 => !ERR value is not an integer or out of range
		SETRANGE k 6 World => 11
		GET k => "Hello\x00World"
		SETRANGE k -1 x => !ERR offset is out of range
		SETRANGE nope 5 "" => 0
		EXISTS nope => 0
		SETRANGE k 536870912 x => !ERR string exceeds maximum allowed size (proto-max-bulk-len)
		SETRANGE k 9223372036854775807 x => ` +
		`!ERR string exceeds maximum allowed size (proto-max-bulk-len)
	`)
}

func TestLongKeysAreRefusedWhereTheyWouldBeCreated(t *testing.T) {
	c := newClient(t)
	long := strings.Repeat("k", 65536)
	want := "!Invalid request: key is 65536 bytes long; the limit is 65535"
	for _, line := range []string{
		"SET %s v", "MSET a 1 %s v", "APPEND %s v", "INCR %s", "SETBIT %s 0 1",
		"BITOP AND %s a", "BITFIELD %s SET u8 0 1", "RENAME a %s", "COPY a %s",
	} {
		if got := c.do(strings.ReplaceAll(line, "%s", long)); got != want {
			t.Errorf("%s: %.80s", line, got)
		}
	}
	c.talk("EXISTS a => 0")
}

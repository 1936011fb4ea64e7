package rediscmd

import (
	"testing"

	"github.com/synapdb/synap/internal/store/kv"
)

func TestBits(t *testing.T) {
	newClient(t).talk(`
		SETBIT k 7 1 => 0
		SETBIT k 7 1 => 1
		GETBIT k 7 => 1
		GETBIT k 100 => 0
		GETBIT nope 0 => 0
		GET k => "\x01"
		SETBIT k 20 0 => 0
		STRLEN k => 3
		SETBIT k -1 0 => !ERR bit offset is not an integer or out of range
		SETBIT k 4294967296 2 => !ERR bit offset is not an integer or out of range
		SETBIT k 0 2 => !ERR bit is not an integer or out of range
		GETBIT k x => !ERR bit offset is not an integer or out of range
	`)
}

func TestBitCount(t *testing.T) {
	newClient(t).talk(`
		SET k foobar => +OK
		BITCOUNT k => 26
		BITCOUNT k 0 0 => 4
		BITCOUNT k 1 1 BYTE => 6
		BITCOUNT k 5 30 bit => 17
		BITCOUNT k -1 -5 nonsense => 0
		BITCOUNT k 0 -1 nonsense => !ERR syntax error
		BITCOUNT k 1 => !ERR syntax error
		BITCOUNT k 1 x => !ERR value is not an integer or out of range
		BITCOUNT nope x y => 0
		BITCOUNT nope 1 => 0
		BITCOUNT k 100 200 => 0
		SET long aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa => +OK
		BITCOUNT long => 105
		BITCOUNT long 3 -4 BIT => 102
	`)
}

func TestBitPosEdges(t *testing.T) {
	newClient(t).talk(`
		BITPOS nope 0 => 0
		BITPOS nope 1 => -1
		BITPOS nope 2 => !ERR The bit argument must be 1 or 0.
		BITPOS nope 1 x => -1
		SET ff "\xff\xff\xff" => +OK
		BITPOS ff 0 => 24
		BITPOS ff 0 0 => 24
		BITPOS ff 0 0 -1 => -1
		BITPOS ff 0 5 => -1
		BITPOS ff 1 1 => 8
		BITPOS ff 1 9 20 BIT => 9
		BITPOS ff 1 -1 -3 => -1
		BITPOS ff 1 -100 -200 => 0
		SET mix "\x00\xff\xf0" => +OK
		BITPOS mix 1 => 8
		BITPOS mix 0 1 => 20
		BITPOS mix 0 1 -1 => 20
		BITPOS mix 0 8 19 BIT => -1
		BITPOS mix 1 21 23 BIT => -1
		BITPOS mix 0 0 0 FOO => !ERR syntax error
		BITPOS mix 0 0 x FOO => !ERR syntax error
		BITPOS mix 0 0 0 BIT x => !ERR syntax error
		SET empty "" => +OK
		BITPOS empty 0 => -1
		BITPOS empty 0 0 => -1
		SETRANGE far 30 "\x01" => 31
		BITPOS far 1 => 247
		BITPOS far 1 3 => 247
		BITPOS far 0 30 => 240
	`)
}

func TestBitOp(t *testing.T) {
	newClient(t).talk(`
		MSET a "\xf0\xff" b "\x3c" => +OK
		BITOP AND d a b => 2
		GET d => "0\x00"
		BITOP OR d a b nope => 2
		GET d => "\xfc\xff"
		BITOP XOR d a b => 2
		GET d => "\xcc\xff"
		BITOP NOT d a => 2
		GET d => "\x0f\x00"
		BITOP AND d a nope => 2
		GET d => "\x00\x00"
		BITOP AND d nope a => 2
		GET d => "\x00\x00"
		EXPIRE d 100 => 1
		BITOP XOR d d a => 2
		TTL d => -1
		BITOP OR d nope => 0
		EXISTS d => 0
		BITOP NOT d a b => !ERR BITOP NOT must be called with a single source key.
		BITOP NAND d a => !ERR syntax error
	`)
}

func TestBitfieldOverflow(t *testing.T) {
	newClient(t).talk(`
		BITFIELD k SET u8 0 250 GET u8 0 => [2 0 250
		BITFIELD k INCRBY u8 0 10 => [1 4
		BITFIELD k OVERFLOW SAT INCRBY u8 0 1000 INCRBY u8 0 -1000 => [2 255 0
		BITFIELD k OVERFLOW FAIL INCRBY u8 0 -1 GET u8 0 => [2 (nil) 0
		BITFIELD k OVERFLOW SAT SET u8 0 -1 => [1 0
		BITFIELD k GET i8 0 GET i4 0 GET u4 2 => [3 -1 -1 15
		BITFIELD k OVERFLOW SAT SET i8 0 -9223372036854775808 GET i8 0 => [2 -1 -128
		BITFIELD k OVERFLOW SAT INCRBY i8 0 -1 INCRBY i8 0 1000 => [2 -128 127
		BITFIELD k OVERFLOW WRAP INCRBY i8 0 1 => [1 -128
		BITFIELD w SET i64 0 9223372036854775807 => [1 0
		BITFIELD w INCRBY i64 0 1 => [1 -9223372036854775808
		BITFIELD w OVERFLOW SAT INCRBY i64 0 -1 => [1 -9223372036854775808
		BITFIELD w OVERFLOW FAIL INCRBY i64 0 -1 => [1 (nil)
		BITFIELD v OVERFLOW SAT INCRBY u63 0 9223372036854775807 INCRBY u63 0 1 => ` +
		`[2 9223372036854775807 9223372036854775807
		BITFIELD v OVERFLOW SAT INCRBY u63 0 -9223372036854775808 => [1 0
		BITFIELD o SET i64 3 -2 GET i64 3 GET u3 0 => [3 0 -2 0
		STRLEN o => 9
		BITFIELD f OVERFLOW FAIL SET u4 12 16 => [1 (nil)
		GET f => "\x00\x00"
		BITFIELD h SET u8 #2 65 => [1 0
		GET h => "\x00\x00A"
		BITFIELD nope => [0
		BITFIELD_RO nope GET u8 0 => [1 0
		EXISTS nope => 0
	`)
}

func TestBitfieldRefusesOddArguments(t *testing.T) {
	bad := "!ERR Invalid bitfield type. " +
		"Use something like i16 u8. Note that u64 is not supported but i64 is."
	c := newClient(t)
	for _, encoding := range []string{"u64", "i65", "i0", "i", "I8", "i08", "x8"} {
		c.talk("BITFIELD k GET " + encoding + " 0 => " + bad)
	}
	c.talk(`
		BITFIELD k GET u8 -1 => !ERR bit offset is not an integer or out of range
		BITFIELD k GET u8 #-1 => !ERR bit offset is not an integer or out of range
		BITFIELD k GET u8 #4294967295 => !ERR bit offset is not an integer or out of range
		BITFIELD k GET u8 4294967296 => !ERR bit offset is not an integer or out of range
		BITFIELD k GET u8 => !ERR syntax error
		BITFIELD k SET u8 0 => !ERR syntax error
		BITFIELD k SET u8 0 x FOO => !ERR value is not an integer or out of range
		BITFIELD k OVERFLOW foo => !ERR Invalid OVERFLOW type specified
		BITFIELD k OVERFLOW => !ERR syntax error
		BITFIELD_RO k GET u8 0 SET u8 0 1 => !ERR BITFIELD_RO only supports the GET subcommand
		BITFIELD k SET i64 4294967295 1 => ` +
		`!ERR string exceeds maximum allowed size (proto-max-bulk-len)
		EXISTS k => 0
	`)
}

func TestAChangeOfACounterInPlaceMakesItAString(t *testing.T) {
	c := newClient(t)
	c.talk(`
		INCR n => 1
		EXPIRE n 100 => 1
		APPEND n x => 2
		TTL n => 100
	`)
	var tx kv.Tx
	c.engine.Store.Begin(&tx, start)
	tx.Declare(0, []byte("n"))
	tx.Lock()
	defer tx.Unlock()
	if e, found := tx.Peek(0, []byte("n")); !found || e.Flags() != 0 {
		t.Error("1x is still flagged as JSON")
	}
}

package redisdiff

import (
	"fmt"
	"strings"
	"testing"
)

// scripts are sequences that once told the two sides apart, or that randomness rarely finds. A
// line that begins with 2> runs on the second connection.
var scripts = []struct{ name, lines string }{
	{"UNWATCH works after an EXEC", `
		MULTI
		EXEC
		WATCH a
		UNWATCH
		SET a v
		MULTI
		EXEC
	`},
	{"a malformed EXEC ends the transaction", `
		EXEC x
		MULTI
		EXEC x
		MULTI
		DISCARD
	`},
	{"MOVE and COPY between databases run in EXEC", `
		SET a 1
		MULTI
		COPY a b DB 1
		MOVE a 1
		SELECT 1
		MGET a b
		EXEC
		MGET a b
	`},
	{"a watched key that another connection changes", `
		SET a 1
		WATCH a b
		2> INCR a
		MULTI
		SET b 1
		EXEC
		GET b
	`},
	{"SWAPDB changes watched keys", `
		SET a 1
		WATCH a
		2> SWAPDB 0 1
		MULTI
		GET a
		EXEC
	`},
	{"bit operations that change nothing leave WATCH alone", `
		SETBIT a 9 1
		WATCH a
		2> SETBIT a 9 1
		2> BITFIELD a SET u1 9 1
		2> SETRANGE a 0 <nothing>
		MULTI
		EXEC
	`},
	{"APPEND of nothing creates a key", `
		APPEND a <nothing>
		EXISTS a
		STRLEN a
	`},
	{"deadlines survive what keeps them", `
		SET a 5 EXAT 4102444800
		APPEND a 0
		INCR a
		SETRANGE a 0 4
		SETBIT a 7 1
		INCRBYFLOAT a 0.5
		EXPIRETIME a
		COPY a b
		RENAME b c
		PEXPIRETIME c
		BITOP NOT a c
		TTL a
		GETSET c x
		TTL c
	`},
	{"the latest deadline there is", `
		SET a 1 PXAT 9223372036854775807
		EXPIRETIME a
		PEXPIRETIME a
		PEXPIREAT a 9223372036854775807 GT
	`},
	{"LCS", `
		MSET a ohmytext b mynewtext
		LCS a b
		LCS a b LEN
		LCS a b IDX
		LCS a b IDX MINMATCHLEN 4 WITHMATCHLEN
		MSET a 0123456789abcdef0123 b x3x1x5x7x9xbxdx2
		LCS a b IDX WITHMATCHLEN
		SETRANGE a 20000 x
		SETRANGE b 20000 x
		LCS a b
	`},
	{"fields across byte borders", `
		BITFIELD a SET i64 3 -2 GET i64 3 GET u3 0 SET u63 70 9223372036854775807
		BITFIELD a OVERFLOW SAT INCRBY u63 70 1 OVERFLOW FAIL INCRBY u63 70 1
		BITFIELD a OVERFLOW SAT INCRBY u63 70 -9223372036854775808
		BITFIELD b OVERFLOW FAIL SET u4 12 16
		STRLEN b
		GET a
	`},
	{"a large reply is what was read, not what was written next", `
		SETRANGE a 70000 x
		MULTI
		GET a
		SETBIT a 8 1
		GET a
		APPEND a y
		GETSET a small
		GET a
		SETRANGE a 90000 z
		SET a small GET
		SETRANGE a 50000 z
		GETEX a PXAT 1
		GET a
		SETRANGE a 50000 z
		MGET a a
		BITFIELD a INCRBY u8 0 1
		GETDEL a
		EXEC
	`},
	{"a value grows past what is kept inline", `
		SETRANGE a 70000 x
		BITCOUNT a
		BITPOS a 1
		COPY a b
		APPEND b y
		SETBIT b 8 1
		BITOP XOR c a b
		GETRANGE c 69990 -1
		GET c
		GETDEL c
	`},
}

func TestScripts(t *testing.T) {
	pairs := newPairs(t)
	for _, script := range scripts {
		for _, version := range []string{"2", "3"} {
			t.Run(fmt.Sprintf("%s in RESP%s", script.name, version), func(t *testing.T) {
				begin(t, pairs, version)
				for line := range strings.Lines(strings.TrimSpace(script.lines)) {
					rest, second := strings.CutPrefix(strings.TrimSpace(line), "2> ")
					p, argv := pairs[0], strings.Fields(rest)
					if second {
						p = pairs[1]
					}
					for i, word := range argv {
						argv[i] = strings.ReplaceAll(word, "<nothing>", "")
					}
					p.run(t, argv)
				}
			})
		}
	}
}

package rediscmd

import (
	"fmt"
	"strings"
	"testing"
)

func TestKeysComeInByteOrder(t *testing.T) {
	newClient(t).talk(`
		MSET b 1 a 1 user:2 1 user:10 1 "user:\xff" 1 => +OK
		KEYS * => [5 "a" "b" "user:10" "user:2" "user:\xff"
		KEYS user:* => [3 "user:10" "user:2" "user:\xff"
		KEYS user:? => [2 "user:2" "user:\xff"
		KEYS b => [1 "b"
		KEYS [ab] => [2 "a" "b"
		KEYS "" => [0
	`)
}

// page runs one SCAN and returns the next cursor and the keys.
func page(c *client, line string) (cursor string, keys []string) {
	c.t.Helper()
	words := strings.Fields(c.do(line))
	if len(words) < 3 || words[0] != "[2" {
		c.t.Fatalf("%s: %v", line, words)
	}
	return strings.Trim(words[1], `"`), words[3:]
}

func TestScanVisitsEveryKeyThatStays(t *testing.T) {
	c := newClient(t)
	for i := range 100 {
		c.do(fmt.Sprintf("SET key:%02d v", i))
	}
	seen := map[string]int{}
	for cursor, round := "0", 0; round == 0 || cursor != "0"; round++ {
		var keys []string
		cursor, keys = page(c, "SCAN "+cursor+" COUNT 7")
		for _, key := range keys {
			seen[key]++
		}
		c.do(fmt.Sprintf("DEL key:%02d", 7*round+6)) // the very key the cursor stands on
		c.do(fmt.Sprintf("SET key:%02d:new v", 7*round))
	}
	for i := range 100 {
		if n := seen[fmt.Sprintf(`"key:%02d"`, i)]; n != 1 {
			t.Errorf("key %d seen %d times", i, n)
		}
	}
}

func TestScanOfAPrefixLooksAtNothingElse(t *testing.T) {
	c := newClient(t)
	for i := range 50 {
		c.do(fmt.Sprintf("SET a%d v", i))
		c.do(fmt.Sprintf("SET z%d v", i))
	}
	c.talk(`
		MSET m:1 v m:2 v m:x v => +OK
		SCAN 0 MATCH m:* COUNT 3 => [2 "0" [3 "m:1" "m:2" "m:x"
		SCAN 0 MATCH m:[0-9] TYPE STRING => [2 "0" [2 "m:1" "m:2"
		SCAN 0 MATCH m:* TYPE list => [2 "0" [0
	`)
}

func TestScanRefusesOddArguments(t *testing.T) {
	newClient(t).talk(`
		SET k v => +OK
		SCAN x => !ERR invalid cursor
		SCAN 7 => !ERR invalid cursor
		SCAN -1 => !ERR invalid cursor
		SCAN 18446744073709551616 => !ERR invalid cursor
		SCAN x FOO => !ERR invalid cursor
		SCAN 0 FOO => !ERR syntax error
		SCAN 0 MATCH => !ERR syntax error
		SCAN 0 COUNT 0 => !ERR syntax error
		SCAN 0 COUNT x FOO => !ERR value is not an integer or out of range
		SCAN "" => [2 "0" [1 "k"
		SCAN +0 => [2 "0" [1 "k"
		SCAN -0 => [2 "0" [1 "k"
	`)
}

func TestScanCursorsAreBoundedAndCanBeAskedTwice(t *testing.T) {
	c := newClient(t, scanRows(newCursors(4, 100))...)
	c.engine.Table = newClient(t).engine.Table
	c.do("MSET a 1 b 1 c 1 d 1 e 1")
	c.engine.Table = newClient(t, scanRows(newCursors(4, 100))...).engine.Table
	first, _ := page(c, "SCAN 0 COUNT 1")
	_, again := page(c, "SCAN "+first+" COUNT 1")
	second, keys := page(c, "SCAN "+first+" COUNT 1")
	if fmt.Sprint(keys) != `["b"]` || fmt.Sprint(again) != `["b"]` {
		t.Errorf("asked twice: %v, %v", again, keys)
	}
	page(c, "SCAN "+second+" COUNT 1")
	if got := c.do("SCAN " + first); got != "!ERR invalid cursor" {
		t.Errorf("a cursor is kept after its successor was used: %s", got)
	}
	old, _ := page(c, "SCAN 0 COUNT 1")
	for range 4 {
		page(c, "SCAN 0 COUNT 1")
	}
	if got := c.do("SCAN " + old); got != "!ERR invalid cursor" {
		t.Errorf("more cursors than allowed: %s", got)
	}
	c.session.DB = 1
	newest, _ := page(c, "SCAN 0")
	if newest != "0" {
		t.Errorf("an empty database has a cursor: %s", newest)
	}
}

func TestScanCursorBytesAreBounded(t *testing.T) {
	table := newCursors(100, 100)
	key := make([]byte, 40)
	first := table.handOut(0, 0, key, start)
	table.handOut(0, 0, key, start)
	table.handOut(0, 0, key, start)
	if _, ok := table.resume(first, 0); ok || table.mu.bytes > 100 {
		t.Errorf("%d bytes of keys kept", table.mu.bytes)
	}
}

package roomcmd_test

import (
	"strings"
	"testing"
)

func TestLinesKeepTheContract(t *testing.T) {
	newBench(t).talk(`
		SLIST => [0
		SCREATE r 5 => +OK
		SCREATE r => !Invalid request: Room 'r' already exists
		SGETORCREATE r => +EXISTS
		SGETORCREATE s => +CREATED
		SLIST => [2 "r" "s"
		SPUBLISH r said {"a":1} => 0
		SPUBLISH r said plain => 1
		SPUBLISH r said "\xff\x00" => 2
		SPUBLISH none said 1 => !Invalid request: Room 'none' not found
		SREAD r me 0 => [3
			… {5 "id" "1-0" "offset" 0 "event" "said" "data" "{\"a\":1}" "timestamp" 1700000000
			… {5 "id" "1-1" "offset" 1 "event" "said" "data" "plain" "timestamp" 1700000000
			… {5 "id" "1-2" "offset" 2 "event" "said" "data" "\xff\x00" "timestamp" 1700000000
		SREAD r me 1 1 => [1 {5 "id" "1-1" "offset" 1 "event" "said" "data" "plain"
			… "timestamp" 1700000000
		SREAD r me 9 => [0
		SCONSUME r me 2 10 => {2 "events" [1 {5 "id" "1-2" "offset" 2 "event" "said"
			… "data" "\xff\x00" "timestamp" 1700000000 "next_offset" 3
		SCONSUME r me 9 10 => {2 "events" [0 "next_offset" 9
		SSTATS r => {12 "name" "r" "message_count" 3 "min_offset" 0 "max_offset" 2
			… "subscriber_count" 0 "total_published" 3 "total_consumed" 5 "dropped" 0
			… "created_at" 1700000000000 "generation" 1 "next_offset" 3 "bytes" 278
		SSTATS none => !Invalid request: Room 'none' not found
		SDELETE r => +OK
		SDELETE r => !Invalid request: Room 'r' not found
		SREAD r me 0 => !Invalid request: Room 'r' not found
	`)
}

// With two arguments it is another command.
func TestSPublishTakesExactlyThree(t *testing.T) {
	newBench(t).talk(`
		SCREATE r => +OK
		SPUBLISH r => !ERR wrong number of arguments for 'spublish' command
		SPUBLISH r x => !ERR wrong number of arguments for 'spublish' command
		SPUBLISH r x 1 2 => !ERR wrong number of arguments for 'spublish' command
	`)
}

func TestOldEventsGo(t *testing.T) {
	newBench(t).talk(`
		SCREATE r 2 => +OK
		SMPUBLISH r a 1 b 2 c 3 => [3 0 1 2
		SREAD r me 0 => !Stream offset 0 out of range; earliest retained offset is 1
		XRANGE r - + => [2 [2 "1" [2 "b" "2" [2 "2" [2 "c" "3"
		STRIM r 2 => 1
		STRIM r KEEP 5 => 0
		STRIM r KEEP 0 => 1
		STRIM r => !ERR wrong number of arguments for 'strim' command
		STRIM r KEEP => !ERR syntax error at the end; usage: STRIM room <offset|KEEP count>
		SUPDATE r max_events -1 retention_ms 1000 => +OK
		SMPUBLISH r a 1 b 2 c 3 => [3 3 4 5
		wait 60000
		SHISTORY r => {3 "events" [0 "next_offset" 6 "more" (false)
		SUPDATE r max_events 0 retention_secs 5 retention_ms 0 => +OK
		SINFO r => {8 "room" "r" "generation" 1 "config" {3 "max_events" 10000 "max_bytes" -1
			… "retention_ms" 5000 "stats" {12 "name" "r" "message_count" 0 "min_offset" 6
			… "max_offset" 5 "subscriber_count" 0 "total_published" 6 "total_consumed" 2
			… "dropped" 4 "created_at" 1700000000000 "generation" 1 "next_offset" 6 "bytes" 0
			… "oldest_ms" (nil) "active_ms" 1700000060000 "consumers" [0 "subscribers" [0
		SUPDATE r retention_secs 5 retention_ms 7 => !Invalid request: retention_secs and
			… retention_ms exclude each other: give one of them
		SUPDATE r max_events -2 => !Invalid value: max_events must be 1 to 1000000000, -1 for no
			… bound, or 0 for the default, not -2
		SUPDATE r color 1 => !ERR syntax error at 'color'; usage: SUPDATE room setting value
			… [setting value ...]
		SUPDATE none max_events 1 => !Invalid request: Room 'none' not found
		SMPUBLISH r a 1 b => !ERR wrong number of arguments for 'smpublish' command
	`)
}

func TestHistoryOfLines(t *testing.T) {
	b := newBench(t)
	b.talk(`
		SCREATE r => +OK
		SMPUBLISH r a 0 b 1 a 2 => [3 0 1 2
		wait 5000
		SMPUBLISH r b 3 a 4 => [2 3 4
	`)
	for line, want := range map[string]string{
		"SHISTORY r": "0 1 2 3 4", "SHISTORY r FROM 3": "3 4", "SHISTORY r LAST 2": "3 4",
		"SHISTORY r TO 1": "0 1", "SHISTORY r EVENT a": "0 2 4", "SHISTORY r COUNT 1": "0",
		"SHISTORY r SINCE 1700000000001": "3 4", "SHISTORY r BYTES 2": "0",
		"SHISTORY r LAST 3 TO 3 EVENT b": "3", "SHISTORY r from 1 count 2": "1 2",
		"XRANGE r 1 3": "1 2 3", "XRANGE r (1 (3": "2", "XRANGE r - 1-7": "0 1",
		"XRANGE r 3 +": "3 4", "XRANGE r - + COUNT 2": "0 1", "XRANGE r 9 +": "",
		"XRANGE r - (0": "", "XREAD STREAMS r 3": "3 4", "XREAD COUNT 2 STREAMS r 0-0": "0 1",
	} {
		var got []string
		for _, part := range strings.Split(b.do(line), `"data" "`)[1:] {
			got = append(got, part[:1])
		}
		if line[0] == 'X' {
			for _, part := range strings.Split(b.do(line), `[2 "`)[1:] {
				if part[0] >= '0' && part[0] <= '9' {
					got = append(got, part[:1])
				}
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s has %v, not %s: %s", line, got, want, b.do(line))
		}
	}
	b.talk(`
		SHISTORY r FROM 1 LAST 2 => !ERR syntax error at 'LAST'; usage: SHISTORY room [FROM
			… offset|LAST count|SINCE unix-time-milliseconds] [TO offset] [EVENT event]
			… [COUNT count] [BYTES bytes]
		SHISTORY r TO 9223372036854775807 => !Invalid value: to_offset is too large
		SHISTORY none => !Invalid request: Room 'none' not found
		SREAD r "" 0 => !Invalid request: subscriber_id must not be empty: name the reader
		SREAD r me x => !ERR from-offset must be a whole number of 0 or more
	`)
}

func TestCursorsOfLines(t *testing.T) {
	newBench(t).talk(`
		SCREATE r => +OK
		SMPUBLISH r a 1 b 2 c 3 => [3 0 1 2
		SCURSOR r w => (nil)
		SCOMMIT r w 2 => +OK
		SCURSOR r w => 2
		SCOMMIT r w -1 => !ERR offset must be a whole number of 0 or more
		SFORGET r w => (true)
		SFORGET r w => (false)
		SCOMMIT none w 1 => !Invalid request: Room 'none' not found
		SCURSOR none w => !Invalid request: Room 'none' not found
	`)
}

func TestStreamsOfRedis(t *testing.T) {
	newBench(t).talk(`
		XADD r * f 1 => !Invalid request: Room 'r' not found
		SCREATE r => +OK
		XADD r * f hello => "0"
		XADD r 1 f {} => "1"
		XADD r 2-0 f [] => "2"
		XADD r 2 f 1 => !Offset conflict: the next offset of room 'r' is 3, not 2: another writer
			… came first
		XADD r x f 1 => !ERR Invalid stream ID specified as stream command argument
		XREAD STREAMS r 0 => [3 [2 "0" [2 "f" "hello" [2 "1" [2 "f" "{}" [2 "2" [2 "f" "[]"
		XREAD STREAMS r $ => (nil array)
		XREAD STREAMS r COUNT => !ERR Invalid stream ID specified as stream command argument
		XREAD COUNT 2 STREAMS r => !ERR syntax error at the end; usage: XREAD [COUNT count] [BLOCK
			… milliseconds] STREAMS room offset
		XREADGROUP GROUP g me COUNT 2 STREAMS r > => [2 [2 "0" [2 "f" "hello" [2 "1" [2 "f" "{}"
		XREADGROUP GROUP g you STREAMS r > => [1 [2 "2" [2 "f" "[]"
		XREADGROUP GROUP g me STREAMS r > => (nil array)
		XREADGROUP GROUP g me NOACK STREAMS r 2 => [1 [2 "2" [2 "f" "[]"
		XREADGROUP GROUP STREAMS STREAMS STREAMS r > => [3 [2 "0" [2 "f" "hello"
			… [2 "1" [2 "f" "{}" [2 "2" [2 "f" "[]"
		XACK r g 0 1-0 7 => 2
		XACK r g x => !ERR Invalid stream ID specified as stream command argument
		XDEL r 0 => 0
		XINFO ROOMS => [1 "r"
		XINFO STREAM r => {5 "length" 3 "last-generated-id" "2" "entries-added" 3
			… "recorded-first-entry-id" "0" "groups" 0
		XINFO STREAM none => !Invalid request: Room 'none' not found
		XREAD STREAMS none 0 => !Invalid request: Room 'none' not found
	`)
}

func TestRoomsInATransaction(t *testing.T) {
	newBench(t).talk(`
		SCREATE r => +OK
		MULTI => +OK
		SET k v => +QUEUED
		SPUBLISH r a 1 => +QUEUED
		SPUBLISH r b 2 => +QUEUED
		XREAD BLOCK 0 STREAMS r 5 => +QUEUED
		INFO rooms => +QUEUED
		STRIM r 1 => +QUEUED
		EXEC => [6 +OK 0 1 (nil array) "txt:# Rooms\r\n" 1
		SREAD r me 0 => !Stream offset 0 out of range; earliest retained offset is 1
		GET k => "v"
	`)
}

func TestRoomsAreMadeByTheirFirstEvent(t *testing.T) {
	b := newBench(t)
	b.AutoCreate = true
	b.talk(`
		SPUBLISH r a 1 => 0
		XADD s * a 1 => "0"
		XADD t 1 a 1 => !Offset conflict: the next offset of room 't' is 0, not 1: another writer
			… came first
		SMPUBLISH u a 1 a 2 => [2 0 1
		SLIST PREFIX s => [1 "s"
		SLIST AFTER r COUNT 1 => [1 "s"
	`)
}

func TestBoundsOfLines(t *testing.T) {
	b := newBench(t)
	long := strings.Repeat("n", 513)
	b.talk(`
		SCREATE r => +OK
		SCREATE "" => !Invalid request: the name of a room must not be empty
		SCREATE "\xff" => !Invalid request: the name of a room must be UTF-8
		SPUBLISH ` + long + ` a 1 => !Invalid request: the name of a room is 513 bytes long; the
			… limit is 512
		XREAD STREAMS "" 0 => !Invalid request: the name of a room must not be empty
		SPUBLISH r "" 1 => !Invalid value: the name of an event must have 1..512 bytes, not 0
		SMPUBLISH r a 1 "" 2 => !Invalid value: the name of an event must have 1..512 bytes, not 0
		SREAD r me 0 => [0
		SREAD r ` + long + ` 0 => !Invalid request: subscriber_id is 513 bytes long; the limit
			… is 512
	`)
	got := b.do("SPUBLISH r a " + strings.Repeat("d", 1<<20+1))
	if !strings.HasPrefix(got, "!Invalid request: data is 1048577 bytes long; the limit is") {
		t.Error(got)
	}
}

func TestHelpOfXInfo(t *testing.T) {
	if got := newBench(t).do("XINFO HELP"); !strings.Contains(got, "+XINFO STREAM room") {
		t.Error(got)
	}
}

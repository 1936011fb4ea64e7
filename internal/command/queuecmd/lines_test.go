package queuecmd_test

import (
	"strings"
	"testing"
)

func TestLinesKeepTheContract(t *testing.T) {
	newBench(t).talk(`
		QLIST => [0
		QDELETE jobs => (false)
		QCREATE jobs => +OK
		QCREATE jobs 5 7 => +OK
		QCREATE others 0 0 => +OK
		QLIST => [2 "jobs" "others"
		QPUBLISH jobs "\x00\xff\r\n" => "$a"
		QPUBLISH jobs second 9 => "$b"
		QPUBLISH jobs third 9 0 => "$c"
		QPUBLISH jobs fourth PRIORITY 12 => "$d"
		QSTATS jobs => [14 "depth" 4 "consumers" 0 "published" 4 "consumed" 0 "acked" 0 "nacked" 0
			… "dead_lettered" 0
		QCONSUME jobs w1 => [4 "$b" "second" 9 0
		QCONSUME jobs => [4 "$c" "third" 9 0
		QCONSUME jobs => [4 "$d" "fourth" 9 0
		QCONSUME jobs w1 => [4 "$a" "\x00\xff\r\n" 5 0
		QCONSUME jobs w1 => (nil)
		QCONSUME none w1 => (nil)
		QACK jobs $b => +OK
		QACK jobs $b => !Message not found: $b
		QNACK jobs $c => +OK
		QSTATS jobs => [14 "depth" 0 "consumers" 2 "published" 4 "consumed" 4 "acked" 1 "nacked" 1
			… "dead_lettered" 1
		QNACK jobs $a 1 => +OK
		QCONSUME jobs w1 => [4 "$a" "\x00\xff\r\n" 5 1
		QNACK jobs $a REQUEUE 1 => +OK
		QCONSUME jobs w1 => [4 "$a" "\x00\xff\r\n" 5 2
		QNACK jobs $a False => +OK
		QCONSUME jobs w1 => (nil)
		QNACK jobs $d 0 => +OK
		QCONSUME jobs w1 => (nil)
		QPUBLISH jobs more => "$e"
		QPURGE jobs => 1
		QPURGE none => !Queue not found: none
		QSTATS none => !Queue not found: none
		QPUBLISH none x => !Queue not found: none
		QACK none $a => !Queue not found: none
		QDELETE jobs => (true)
	`)
}

func TestAFullQueueRefusesLines(t *testing.T) {
	b := newBench(t)
	b.talk(`
		QCREATE q 2 => +OK
		QMPUBLISH q a b c => [3 "$a" "$b" !Queue is full: q
		QPUBLISH q d => !Queue is full: q
		QMPUBLISH q d e => !Queue is full: q
		QUPDATE q overflow DROP_OLDEST => !Invalid value: overflow must be reject or drop_oldest
		QUPDATE q OVERFLOW drop_oldest => +OK
		QMPUBLISH q d e => [2 "$d" "$e"
		QCONSUME q COUNT 10 => [2 [4 "$d" "d" 5 0 [4 "$e" "e" 5 0
		QMPUBLISH none d => !Queue not found: none
	`)
}

func TestSettingsOfLines(t *testing.T) {
	b := newBench(t)
	b.talk(`
		QCREATE q 0 7 2 8 3 ttl_ms 5000 Backoff_Factor 1.5 single_active_consumer true => +OK
		QUPDATE q max_depth 12 dead_letter_queue dead backoff_jitter 0.25 => +OK
		QUPDATE q ttl_ms 0 default_priority 9 => +OK
		QUPDATE q default_priority 10 => !Invalid value: default_priority must be at most 9
		QCREATE s 0 0 0 10 => !Invalid value: default_priority must be at most 9
		QUPDATE none max_depth 1 => !Queue not found: none
		QPAUSE q => +OK
		QPUBLISH q x => "$a"
		QCONSUME q => (nil)
	`)
	got := b.do("QINFO q")
	for _, want := range []string{`{8 "queue" "q" "created_ms" 1700000000000 "paused" (true)`,
		`"max_depth" 12`, `"ack_deadline_ms" 7000`, `"default_max_retries" 2`,
		`"default_priority" 9`, `"prefetch_limit" 3`, `"overflow" "reject"`,
		`"backoff_factor" 1.5`, `"backoff_jitter" 0.25`, `"dead_letter_queue" "dead"`,
		`"ttl_ms" 0`, `"dedup_window_secs" 300`, `"single_active_consumer" (true)`,
		`"depth" 1`, `"oldest_ms" 1700000000000`, `"active_consumer" `, `"consumers" [0`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is not in %s", want, got)
		}
	}
	b.talk(`
		QRESUME q => +OK
		QCONSUME q => [4 "$a" "x" 9 0
		QCREATE r max_depth => !ERR syntax error at the end; usage: QCREATE name [max-depth
			… [ack-deadline-secs [max-retries [priority [prefetch-limit]]]]] [setting value
			… [setting value ...]]
		QUPDATE q color red => !ERR syntax error at 'color'; usage: QUPDATE name setting value
			… [setting value ...]; settings are max_depth, ack_deadline_secs, default_max_retries,
			… default_priority, prefetch_limit, ack_deadline_ms, overflow, backoff_base_ms,
			… backoff_factor, backoff_cap_ms, backoff_jitter, dead_letter_queue, ttl_ms,
			… dedup_window_secs, single_active_consumer
		QUPDATE q backoff_factor 0.5 => !Invalid value: backoff_factor must be 1 or more, or 0 for
			… the default
		QUPDATE q backoff_jitter 2 => !Invalid value: backoff_jitter must be a number from 0 to 1
		QUPDATE q max_depth -1 => !Invalid value: max_depth must be a whole number of 0 or
			… more, none or default
		QUPDATE q ack_deadline_ms none => !Invalid value: ack_deadline_ms must be a whole number
			… of 0 or more or default
		QUPDATE q single_active_consumer maybe => !Invalid value: single_active_consumer must be
			… true or false
		QUPDATE q ack_deadline_secs 5 ack_deadline_ms 7 => !Invalid request: ack_deadline_secs and
			… ack_deadline_ms exclude each other: give one of them
		QUPDATE q ack_deadline_secs 5 ack_deadline_ms 0 => +OK
		QPAUSE none => !Queue not found: none
	`)
	if got := b.do("QINFO q"); !strings.Contains(got, `"ack_deadline_ms" 5000`) {
		t.Error(got)
	}
	long := strings.Repeat("n", 513)
	b.talk(`
		QCREATE "" => !Invalid request: the name of a queue must not be empty
		QPUBLISH ` + long + ` x => !Invalid request: the name of a queue is 513 bytes long; the
			… limit is 512
		QDLQ LIST "" => !Invalid request: the name of a queue must not be empty
		QCONSUME q "" => !Invalid request: consumer_id must not be empty: name the worker
	`)
}

func TestOptionsOfPublishedLines(t *testing.T) {
	newBench(t).talk(`
		QCREATE q => +OK
		QPUBLISH q late DELAY 1000 => "$a"
		QPUBLISH q later AT 1700000002000 => "$b"
		QPUBLISH q mortal TTL 500 => "$c"
		QPUBLISH q once DEDUP x => "$d"
		QPUBLISH q twice DEDUP x => "$d"
		QPUBLISH q rich 3 1 HEADERS "{ \"a\" : 1, \"b\":\"[{\" }" => "$e"
		QPEEK q STATE delayed => [2 {10 "id" "$a" "state" "delayed" "payload" "late" "priority" 5
			… "retry_count" 0 "max_retries" 3 "headers" json:{} "timestamp" 1700000000 "created_ms"
			… 1700000000000 "deliver_at" 1700000001000 {10 "id" "$b" "state" "delayed" "payload"
			… "later" "priority" 5 "retry_count" 0 "max_retries" 3 "headers" json:{} "timestamp"
			… 1700000000 "created_ms" 1700000000000 "deliver_at" 1700000002000
		QPEEK q STATE delayed AFTER $a COUNT 1 => [1 {10 "id" "$b" "state" "delayed" "payload"
			… "later" "priority" 5 "retry_count" 0 "max_retries" 3 "headers" json:{} "timestamp"
			… 1700000000 "created_ms" 1700000000000 "deliver_at" 1700000002000
		wait 1000
		QCONSUME q w COUNT 9 => [3 [4 "$d" "once" 5 0 [4 "$a" "late" 5 0 [4 "$e" "rich" 3 0
		wait 1000
		QCONSUME q w FULL DEADLINE 100 => {9 "id" "$b" "payload" "later" "priority" 5 "retry_count"
			… 0 "max_retries" 3 "token" "$t" "deadline" 1700000002100 "timestamp" 1700000000
			… "headers" json:{}
		QPUBLISH q x HEADERS "{\"a\":[]}" => !Invalid value: headers must be a JSON object whose
			… values are strings, numbers, booleans or null
		QPUBLISH q x HEADERS "[1]" => !Invalid value: headers must be a JSON object whose values
			… are strings, numbers, booleans or null
		QPUBLISH q x HEADERS "{" => !Invalid value: headers must be a JSON object whose values are
			… strings, numbers, booleans or null
		QPUBLISH q x DELAY 1 AT 1700000009000 => !ERR syntax error at 'AT'; usage: QPUBLISH name
			… payload [priority [max-retries]] [PRIORITY priority] [RETRIES max-retries] [DELAY
			… milliseconds|AT unix-time-milliseconds] [TTL milliseconds] [DEDUP dedup-id] [HEADERS
			… json] [IFVERSION key version]
		QPUBLISH q x -1 => !ERR priority must be a whole number of 0 or more
		QPUBLISH q x PRIORITY high => !ERR PRIORITY must be a whole number of 0 or more
		QPUBLISH q x DELAY 9223372036854775807 => !Invalid value: the moment is too far away: times
			… may reach ten years ahead
		QPUBLISH q x IFVERSION k 0 => "$f"
		SET k v => +OK
		QPUBLISH q x IFVERSION k 0 => !CAS failed - expected: version 0, actual: version 1
		QPUBLISH q x IFVERSION k 1 => "$g"
		QPUBLISH q x IFVERSION "" 0 => "$h"
	`)
}

func TestLeasesOfLines(t *testing.T) {
	newBench(t).talk(`
		QCREATE q => +OK
		QPUBLISHM q a b c => [3 "$a" "$b" "$c"
		QCONSUME q w COUNT 1 FULL => [1 {9 "id" "$a" "payload" "a" "priority" 5 "retry_count" 0
			… "max_retries" 3 "token" "$t" "deadline" 1700000030000 "timestamp" 1700000000
			… "headers" json:{}
		QACK q $a TOKEN 00000000000000zz => !Invalid value: token must be the 16 hex digits that
			… came with the delivery
		QACK q $a TOKEN 0000000000000000 => !Invalid value: token must be the 16 hex digits that
			… came with the delivery
		QEXTEND q $a 60000 TOKEN $t => 1700000060000
		QEXTEND q $a 0 => 1700000030000
		QEXTEND q $a never => !ERR the number of milliseconds must be a whole number of 0 or more
		QEXTEND q $a 9223372036854775807 => !Invalid value: an ack deadline may be 30 days at most;
			… extend it while you work
		QNACK q $a DELAY 500 TOKEN $t => +OK
		QNACK q $a 0 DELAY 5 => !Invalid request: delay_ms has no meaning with requeue false: the
			… message is not delivered again
		QCONSUME q w COUNT 5 => [2 [4 "$b" "b" 5 0 [4 "$c" "c" 5 0
		wait 500
		QCONSUME q w => [4 "$a" "a" 5 1
		QACK q $a $b $c nonsense => 3
		QACK q $a nonsense TOKEN $t => !ERR TOKEN belongs to one message: acknowledge each of them
			… by a line of its own
		QACK q nonsense => !Message not found: nonsense
		QACK none $a $b => !Queue not found: none
		QCONSUME q w COUNT 0 => !ERR COUNT must be a whole number of 1 or more
		QCONSUME q w WAIT 3600001 => !Invalid value: a wait may be 3600000 ms at most, an hour; ask
			… again after that
		QCONSUME q w x => !ERR syntax error at 'x'; usage: QCONSUME name
			… [consumer|CONSUMER consumer] [COUNT count]
			… [WAIT milliseconds] [DEADLINE milliseconds] [FULL]
		QCONSUME q w WAIT 100 => (nil)
	`)
}

func TestAStaleTokenIsRefused(t *testing.T) {
	b := newBench(t)
	b.talk(`
		QCREATE q => +OK
		QPUBLISH q a => "$a"
		QCONSUME q w FULL => {9 "id" "$a" "payload" "a" "priority" 5 "retry_count" 0 "max_retries"
			… 3 "token" "$t" "deadline" 1700000030000 "timestamp" 1700000000 "headers" json:{}
		wait 30001
		QCONSUME q v => [4 "$a" "a" 5 1
	`)
	if got := b.do("QACK q $a TOKEN $t"); !strings.HasPrefix(got, "!Stale lease: message ") {
		t.Error(got)
	}
	b.talk(`QACK q $a => +OK`)
}

func TestDeadLettersOfLines(t *testing.T) {
	b := newBench(t)
	b.talk(`
		QCREATE q 0 0 => +OK
		QPUBLISH q a 5 0 => "$a"
		QPUBLISH q b 5 0 => "$b"
		QPUBLISH q c 5 0 => "$c"
		QCONSUME q w COUNT 3 => [3 [4 "$a" "a" 5 0 [4 "$b" "b" 5 0 [4 "$c" "c" 5 0
		QNACK q $a => +OK
		QNACK q $b => +OK
		QNACK q $c => +OK
		QDLQ LIST q COUNT 1 => [1 {10 "id" "$a" "state" "dead" "payload" "a" "priority" 5
			… "retry_count" 1 "max_retries" 0 "headers" json:{} "timestamp" 1700000000 "created_ms"
			… 1700000000000 "reason" "max_retries"
		QDLQ RETRY q ALL DRYRUN => 3
		QDLQ RETRY q LIMIT 1 => 1
		QDLQ RETRY q $b => 1
		QDLQ RETRY q $b => !Message not found: $b
		QDLQ PURGE q $c DRYRUN => 1
		QDLQ PURGE q DRYRUN => !ERR syntax error at 'DRYRUN'; usage: QDLQ PURGE name
			… <ALL|id [id ...]> [DRYRUN]
		QDLQ PURGE q ALL => 1
		QDLQ PURGE q ALL => 0
		QDLQ PURGE q LIMIT 1 => !Message not found: LIMIT
		QDLQ RETRY none ALL => !Queue not found: none
		QDLQ LIST q STATE ready => !ERR syntax error at 'STATE'; usage: QDLQ LIST name [COUNT
			… count] [AFTER id]
		QCONSUME q w COUNT 5 => [2 [4 "$a" "a" 5 0 [4 "$b" "b" 5 0
	`)
}

func TestQueuesAreListedInPages(t *testing.T) {
	newBench(t).talk(`
		QCREATE b => +OK
		QCREATE a2 => +OK
		QCREATE a1 => +OK
		QCREATE "a\xff" => +OK
		QLIST => [4 "a1" "a2" "a\xff" "b"
		QLIST PREFIX a => [3 "a1" "a2" "a\xff"
		QLIST AFTER a1 COUNT 2 => [2 "a2" "a\xff"
		QLIST prefix a after a2 count 9 => [1 "a\xff"
		QLIST COUNT 0 => !ERR COUNT must be a whole number of 1 or more
		QLIST all => !ERR syntax error at 'all'; usage: QLIST [PREFIX prefix] [AFTER name] [COUNT
			… count]
	`)
}

func TestQueuesInsideExec(t *testing.T) {
	newBench(t).talk(`
		QCREATE q => +OK
		MULTI => +OK
		SET k v => +QUEUED
		QPUBLISH q a IFVERSION k 1 => +QUEUED
		QCONSUME q w WAIT 1000 => +QUEUED
		QCONSUME q w WAIT 1000 => +QUEUED
		QPURGE q => +QUEUED
		EXEC => [5 +OK "$a" [4 "$a" "a" 5 0 (nil) 0
		MULTI => +OK
		QLIST => !ERR Command not allowed inside a transaction
		DISCARD => +OK
	`)
}

func TestDelayedMessagesArePurgedOnDemand(t *testing.T) {
	newBench(t).talk(`
		QCREATE q => +OK
		QPUBLISH q a => "$a"
		QPUBLISH q b DELAY 100 => "$b"
		QPURGE q => 1
		QPURGE q now => !ERR syntax error at 'now'; usage: QPURGE name [DELAYED]
		QPURGE q DELAYED => 1
	`)
}

// A page begins behind a message only as long as that is in the list.
func TestPagesAfterWhatIsGone(t *testing.T) {
	b := newBench(t)
	b.talk(`
		QCREATE q => +OK
		QMPUBLISH q a b => [2 "$a" "$b"
		QCONSUME q => [4 "$a" "a" 5 0
		QPEEK q AFTER $a => !Message not found: $a: it has changed its place; list from the
			… beginning, without after
		QPEEK q AFTER $b => [0
	`)
}

// Words that may be names or options are never taken for what the user did not mean.
func TestWordsOfLines(t *testing.T) {
	b := newBench(t)
	const ack, nack = "usage: QACK name id [id ...] [TOKEN token]",
		"usage: QNACK name id [0|1|false|true] [REQUEUE <0|1>] [DELAY milliseconds] [TOKEN token]"
	b.talk(`
		QCREATE q -1 => !Invalid value: max_depth must be a whole number of 0 or more, none or
			… default
		QCREATE q 1000 -1 => !Invalid value: ack_deadline_secs must be a whole number of 0 or more
			… or default
		QCREATE q => +OK
		QMPUBLISH q a b c d e => [5 "$a" "$b" "$c" "$d" "$e"
		QCONSUME q CONSUMER count COUNT 1 => [1 [4 "$a" "a" 5 0
		QCONSUME q COUNT 1 consumer WAIT => [1 [4 "$b" "b" 5 0
		QCONSUME q consumer => [4 "$c" "c" 5 0
		QCONSUME q CONSUMER consumer FULL => {9 "id" "$d" "payload" "d" "priority" 5 "retry_count" 0
			… "max_retries" 3 "token" "$t" "deadline" 1700000030000 "timestamp" 1700000000
			… "headers" json:{}
		QCONSUME q CONSUMER "" => !Invalid request: consumer_id must not be empty: name the worker
	`)
	if got := b.do("QINFO q"); !strings.Contains(got, `"consumers" [3 {3 "consumer_id" "WAIT" `+
		`"leased" 1 "waiting" (false) {3 "consumer_id" "consumer" "leased" 2 "waiting" (false) `+
		`{3 "consumer_id" "count" "leased" 1 "waiting" (false)`) {
		t.Error(got)
	}
	b.talk(`
		QACK q $d TOKEN => !ERR syntax error at the end; ` + ack + `
		QACK q TOKEN $t => !ERR syntax error at 'TOKEN'; ` + ack + `
		QACK q $d TOKEN $t more => !ERR syntax error at 'more'; ` + ack + `
		QNACK q $d REQUEUE 2 => !ERR syntax error at '2'; ` + nack + `
		QNACK q $d REQUEUE => !ERR syntax error at the end; ` + nack + `
		QACK q $d TOKEN $t => +OK
		QPUBLISH q x -1 => !ERR priority must be a whole number of 0 or more
		QPUBLISH q x 1 -1 => !ERR max-retries must be a whole number of 0 or more
	`)
	for _, line := range []string{"QPUBLISH q x DELAY 0 AT 5", "QPUBLISH q x AT 0 DELAY 5"} {
		if got := b.do(line); !strings.HasPrefix(got, "!ERR syntax error at '") {
			t.Errorf("%s answers %s", line, got)
		}
	}
}

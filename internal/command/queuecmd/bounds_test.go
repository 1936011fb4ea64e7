package queuecmd_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/command/journaltest"
	"github.com/synapdb/synap/internal/command/replytest"
	"github.com/synapdb/synap/internal/store/kv"
)

// silent is a reply that keeps nothing but the last text: the id of a message.
type silent struct {
	command.Reply
	id []byte
}

func (*silent) Null()         {}
func (*silent) Int(int64)     {}
func (*silent) Status(string) {}
func (*silent) Str(string)    {}
func (*silent) Bytes([]byte)  {}
func (*silent) JSON([]byte)   {}
func (*silent) Map(int)       {}
func (*silent) Array(int)     {}
func (s *silent) Text(b []byte) {
	if len(b) == 36 {
		s.id = append(s.id[:0], b...)
	}
}

func words(line ...string) [][]byte {
	argv := make([][]byte, len(line))
	for i, word := range line {
		argv[i] = []byte(word)
	}
	return argv
}

func TestHotLinesDoNotAllocate(t *testing.T) {
	b := newBench(t)
	b.talk(`QCREATE q => +OK`)
	r := new(silent)
	publish := words("QPUBLISH", "q", "payload", "5")
	consume := words("QCONSUME", "q", "worker", "COUNT", "1", "FULL")
	ack := words("QACK", "q", "")
	round := func() {
		b.Exec(b.session, publish, r)
		b.Exec(b.session, consume, r)
		ack[2] = r.id
		b.Exec(b.session, ack, r)
	}
	for range 1000 { // stores and pools grow first
		round()
	}
	best := math.Inf(1) // the race detector makes sync.Pool forget now and then, on purpose
	for range 100 {
		best = min(best, testing.AllocsPerRun(1, round))
	}
	if best > 0 {
		t.Errorf("publishing, consuming and acknowledging allocates %v times", best)
	}
	b.talk(`QSTATS q => [14 "depth" 0 "consumers" 0 "published" 1200 "consumed" 1200
		… "acked" 1200 "nacked" 0 "dead_lettered" 0`)
}

func TestMessagesAreBounded(t *testing.T) {
	b := newBench(t)
	b.talk(`QCREATE q => +OK`)
	payload := strings.Repeat("x", 16<<20+1)
	want := "!Invalid request: payload is 16777217 bytes long; the limit is 16777216; " +
		"store it under a key and publish the key"
	for _, line := range []string{"QPUBLISH q " + payload, "QMPUBLISH q a " + payload} {
		if got := b.do(line); got != want {
			t.Errorf("%.20s answers %.200s", line, got)
		}
	}
	b.Limits.ValueBytes = 10
	b.talk(`QPUBLISH q 12345678901 => !Invalid request: payload is 11 bytes long; the limit is
		… 10; store it under a key and publish the key`)
}

// What is leased is answered: a request for many stops where its answer is full.
func TestOneAnswerIsBounded(t *testing.T) {
	b := newBench(t)
	b.talk(`QCREATE q => +OK`)
	payload := strings.Repeat("x", 3<<20)
	for range 5 {
		b.do("QPUBLISH q " + payload)
	}
	count := func(reply string) int { return strings.Count(reply, payload) }
	if n := count(b.do("QPEEK q COUNT 9")); n != 2 {
		t.Errorf("%d messages of 3 MiB are shown at once", n)
	}
	if n := count(b.do("QCONSUME q w COUNT 9")); n != 3 {
		t.Errorf("%d messages of 3 MiB are delivered at once", n)
	}
	if n := count(b.do("QCONSUME q w COUNT 9")); n != 2 {
		t.Errorf("%d messages are left", n)
	}
}

// Headers are a part of the answer, too.
func TestHeadersBoundAnAnswer(t *testing.T) {
	b := newBench(t)
	b.talk(`QCREATE q => +OK`)
	headers := `{"a":"` + strings.Repeat("x", 65_000) + `"}`
	for range 300 {
		b.do("QPUBLISH q p HEADERS " + headers)
	}
	count := func(reply string) int { return strings.Count(reply, headers) }
	if n := count(b.do("QPEEK q COUNT 300")); n != 129 {
		t.Errorf("%d messages with 65 KB of headers are shown at once", n)
	}
	if n := count(b.do("QCONSUME q w COUNT 300 FULL")); n != 130 {
		t.Errorf("%d messages with 65 KB of headers are delivered at once", n)
	}
}

// brief is a reply with room for so many bytes.
type brief struct {
	*replytest.Recorder
	room int
}

func (b brief) Room() int { return b.room - len(b.String()) }

// In an answer that others have filled nothing is leased that it could not hold.
func TestNothingIsLeasedThatCannotBeAnswered(t *testing.T) {
	b := newBench(t)
	b.Limits.ValueBytes = 1000
	b.talk(`
		QCREATE q => +OK
		MULTI => +OK
	`)
	for range 8 {
		b.do("QPUBLISH q " + strings.Repeat("x", 1000))
	}
	b.do("EXEC")
	b.do("MULTI")
	for range 8 {
		b.do("QCONSUME q")
	}
	r := brief{new(replytest.Recorder), 15_000}
	b.Exec(b.session, words("EXEC"), r)
	got := r.Take()
	leased, refused := strings.Count(got, " 5 0"), strings.Count(got, "!Invalid request: the "+
		"answer has no room left for messages; consume them by a request of its own")
	if leased != 5 || refused != 3 {
		t.Errorf("%d messages are delivered, %d refused: %.300s", leased, refused, got)
	}
	b.talk(`QSTATS q => [14 "depth" 3 "consumers" 1 "published" 8 "consumed" 5 "acked" 0
		… "nacked" 0 "dead_lettered" 0`)
}

// narrow is a journal that takes no long records.
type narrow struct {
	*journaltest.Fake
	most, asked int
}

func (n *narrow) Admit(bytes int) error {
	n.asked = max(n.asked, bytes)
	if bytes > n.most {
		return errors.New("the disk is full")
	}
	return n.Fake.Admit(bytes)
}

// A message that moves to another queue is journaled once more, whole.
func TestTheJournalIsAskedForWhatMoves(t *testing.T) {
	b := newBench(t)
	b.talk(`
		QCREATE dead => +OK
		QCREATE q dead_letter_queue dead default_max_retries none => +OK
		QCREATE r dead_letter_queue dead => +OK
	`)
	big := strings.Repeat("x", 1<<20)
	for _, q := range []string{"q", "r"} {
		b.do("QPUBLISH " + q + " " + big)
		b.do("QCONSUME " + q)
	}
	id := func(q string) string {
		return strings.Split(b.do("QPEEK "+q+" STATE leased"), `"`)[3]
	}
	b.Persistence = &narrow{Fake: new(journaltest.Fake), most: 1 << 20}
	b.names["$q"], b.names["$r"] = id("q"), id("r")
	b.talk(`
		QNACK q $q => !the disk is full
		QNACK q $q 0 => !the disk is full
		QNACK r $r => +OK
		QNACK r $r => !Message not found: $r
	`)
	b.Persistence = &narrow{Fake: new(journaltest.Fake), most: 2 << 20}
	b.talk(`QNACK q $q => +OK`)
}

// However many dead letters become ready, no record is long, unless they must be one.
func TestManyDeadLettersAreRetriedInPieces(t *testing.T) {
	b := newBench(t)
	b.talk(`QCREATE q 100000 0 0 default_max_retries none => +OK`)
	const n = 25_000
	bury := func() {
		for range n / 5000 {
			b.do("QMPUBLISH q" + strings.Repeat(" x", 5000))
			b.do("QCONSUME q w COUNT 5000 DEADLINE 1")
		}
		for i := 0; b.do("QDLQ RETRY q ALL DRYRUN") != "25000"; i++ {
			if b.wait(1); i == 10_000 {
				t.Fatal("messages don't become dead letters")
			}
		}
	}
	bury()
	j := &narrow{Fake: new(journaltest.Fake), most: 1 << 30}
	b.Persistence = j
	b.talk(`
		QDLQ RETRY q ALL DRYRUN => 25000
		QDLQ RETRY q LIMIT 12345 => 12345
		QDLQ RETRY q ALL => 12655
		QDLQ RETRY q ALL => 0
	`)
	if j.asked > 1<<20 {
		t.Errorf("a record of %d bytes was announced", j.asked)
	}
	b.Persistence = nil
	b.talk(`QPURGE q => 25000`)
	bury()
	b.Persistence = j
	b.talk(`
		MULTI => +OK
		QDLQ RETRY q ALL => +QUEUED
		EXEC => [1 25000
	`)
	if j.asked <= 1<<20 {
		t.Errorf("records of at most %d bytes were announced", j.asked)
	}
}

func TestFullMemoryRefusesWhatGrowsOnly(t *testing.T) {
	b := newBench(t)
	b.talk(`
		QCREATE q => +OK
		QMPUBLISH q a b => [2 "$a" "$b"
		SET k v => +OK
	`)
	b.Store.SetMemoryLimit(1, kv.NoEviction)
	b.talk(`
		QPUBLISH q c => !OOM command not allowed when used memory > 'maxmemory'.
		QMPUBLISH q c => !OOM command not allowed when used memory > 'maxmemory'.
		QCREATE r => !OOM command not allowed when used memory > 'maxmemory'.
		QCONSUME q w COUNT 2 => [2 [4 "$a" "a" 5 0 [4 "$b" "b" 5 0
		QNACK q $a => +OK
		QEXTEND q $b 1000 => 1700000001000
		QACK q $b => +OK
		QPURGE q => 1
	`)
}

// Guards lock their keys, and a transaction its queues: of all who count on, each publishes once.
func TestTransactionsOverKeysAndQueuesAreAtomic(t *testing.T) {
	b := newBench(t)
	b.talk(`
		QCREATE q => +OK
		SET k 1 => +OK
	`)
	const workers, rounds = 4, 100
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			s := new(command.Session)
			do := func(line ...string) string {
				var r replytest.Recorder
				b.Exec(s, words(line...), &r)
				return r.Take()
			}
			for done := 0; done < rounds; {
				do("WATCH", "k")
				version := strings.Trim(do("GET", "k"), `"`)
				do("MULTI")
				do("QPUBLISH", "q", version, "IFVERSION", "k", version)
				do("INCR", "k")
				got := do("EXEC")
				if strings.Contains(got, "CAS failed") {
					t.Errorf("version %s: %s", version, got)
					return
				}
				if got != "(nil array)" {
					done++
				}
			}
		})
	}
	all.Wait()
	want := fmt.Sprintf(`[14 "depth" %d `, workers*rounds)
	if got := b.do("QSTATS q"); !strings.HasPrefix(got, want) {
		t.Errorf("got %s, want %s", got, want)
	}
	for i := 1; i <= workers*rounds; i++ {
		if got := b.do("QCONSUME q"); !strings.Contains(got, fmt.Sprintf(` "%d" 5 0`, i)) {
			t.Fatalf("message %d is %s", i, got)
		}
	}
}

package queuecmd_test

import (
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/synapdb/synap/internal/command"
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

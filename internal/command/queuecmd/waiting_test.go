package queuecmd_test

import (
	"testing"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/command/replytest"
)

// bell counts the wakes of a consumer.
type bell struct{ rung int }

func (b *bell) Wake() { b.rung++ }

// door runs a command line as a connection does: again when it is woken, until it has answered.
type door struct {
	*bench
	bell
	parking command.Parking
	line    string
}

func (b *bench) open(line string) *door {
	d := &door{bench: b, line: line}
	d.parking.Waker = &d.bell
	return d
}

// run is one attempt; no reply means that it waits.
func (d *door) run() string {
	d.parking.Parked = false
	d.session = &command.Session{Parking: &d.parking}
	return d.do(d.line)
}

func TestAConsumerWaitsForAMessage(t *testing.T) {
	b := newBench(t)
	b.talk(`QCREATE q => +OK`)
	d := b.open("QCONSUME q w WAIT 1000")
	if got := d.run(); got != "" || !d.parking.Parked {
		t.Fatalf("with nothing to get it answers %q", got)
	}
	b.talk(`QPUBLISH q hello => "$a"`)
	if d.rung != 1 {
		t.Fatalf("it was woken %d times", d.rung)
	}
	if got := d.run(); !b.names.Match(got, `[4 "$a" "hello" 5 0`) {
		t.Errorf("woken, it answers %s", got)
	}
}

func TestAConsumerGivesUpInTime(t *testing.T) {
	b := newBench(t)
	b.talk(`QCREATE q => +OK`)
	d := b.open("QCONSUME q w WAIT 1000 COUNT 5")
	d.run()
	b.wait(999)
	if d.rung != 0 {
		t.Error("it was woken before its time")
	}
	b.wait(1)
	if got := d.run(); d.rung != 1 || got != "[0" {
		t.Errorf("after its time, woken %d times, it answers %q", d.rung, got)
	}
}

func TestAConsumerOfADeletedQueueStopsWaiting(t *testing.T) {
	b := newBench(t)
	b.talk(`QCREATE q => +OK`)
	d := b.open("QCONSUME q w WAIT 1000")
	d.run()
	b.talk(`QDELETE q => (true)`)
	if got := d.run(); d.rung != 1 || got != "!Queue not found: q" {
		t.Errorf("woken %d times, it answers %q", d.rung, got)
	}
	b.talk(`
		QCONSUME q w WAIT 1000 => !Queue not found: q
		QCONSUME q w WAIT 1000 COUNT 2 => !Queue not found: q
		QCONSUME q w WAIT 0 => (nil)
		QCONSUME q w COUNT 2 => [0
	`)
}

func TestAPausedQueueKeepsItsWaiters(t *testing.T) {
	b := newBench(t)
	b.talk(`
		QCREATE q => +OK
		QPAUSE q => +OK
		QPUBLISH q a => "$a"
	`)
	d := b.open("QCONSUME q w WAIT 1000")
	if got := d.run(); got != "" || d.rung != 0 {
		t.Fatalf("a paused queue answers %q", got)
	}
	b.talk(`QRESUME q => +OK`)
	if got := d.run(); d.rung != 1 || !b.names.Match(got, `[4 "$a" "a" 5 0`) {
		t.Errorf("resumed, woken %d times, it answers %q", d.rung, got)
	}
}

// socket is a push connection, as the door of Feeds drives it.
type socket struct {
	*bench
	bell
	feed *command.Feed
	args command.Args
	sub  command.Subscription
}

func (b *bench) subscribe(consumer string, prefetch int64) *socket {
	row := b.Table.Synap([]byte("queue.consume"))
	s := &socket{bench: b, feed: row.Feed}
	s.args.Reset(row)
	for field, value := range map[string]command.Value{
		"queue": {B: []byte("q")}, "consumer_id": {B: []byte(consumer)},
		"prefetch": {Int: prefetch},
	} {
		value.Set = field != "prefetch" || prefetch != 0
		s.args.Vals[row.Index([]byte(field))] = value
	}
	s.sub.Waker, s.sub.Conn = &s.bell, 7
	return s
}

// frame runs Open or Next as a command of the row.
func (s *socket) frame(call func(c *command.Ctx) error) string {
	s.t.Helper()
	var r replytest.Recorder
	err := s.CallAs(new(command.Session), &s.args,
		func(c *command.Ctx, _ *command.Args) error { return call(c) }, command.Write, &r)
	if err != nil {
		return "!" + err.Error()
	}
	return r.Take()
}

func (s *socket) open() string {
	s.t.Helper()
	return s.frame(func(c *command.Ctx) error { return s.feed.Open(c, &s.args, &s.sub) })
}

func (s *socket) next() string {
	s.t.Helper()
	more := false
	got := s.frame(func(c *command.Ctx) (err error) {
		more, err = s.feed.Next(c, &s.args, &s.sub)
		return err
	})
	if more != (got != "" && got[0] != '!') {
		s.t.Errorf("more is %v with %q", more, got)
	}
	return got
}

func (s *socket) expect(got, want string) {
	s.t.Helper()
	if !s.names.Match(got, want) {
		s.t.Errorf("\n got %s\nwant %s", got, s.names.Fill(want))
	}
}

func TestMessagesArePushedWithinTheWindow(t *testing.T) {
	b := newBench(t)
	s := b.subscribe("w", 1)
	s.expect(s.open(), "!Queue not found: q")
	b.talk(`QCREATE q => +OK`)
	s.expect(s.open(), `{3 "type" "connected" "queue" "q" "consumer_id" "w"`)
	s.expect(s.next(), "")
	b.talk(`QMPUBLISH q a b => [2 "$a" "$b"`)
	if s.rung == 0 {
		t.Error("a message does not wake the connection")
	}
	const frame = `{10 "type" "message" "message_id" "$a" "payload" "a" "priority" 5 ` +
		`"retry_count" 0 "created_at" 1700000000 "headers" json:{} "token" "$t" ` +
		`"deadline" 1700000030000 "max_retries" 3`
	s.expect(s.next(), frame)
	s.expect(s.next(), "")
	before := s.rung
	b.talk(`QACK q $a => +OK`)
	if s.rung == before {
		t.Error("an acknowledgement does not wake the connection")
	}
	if got := s.next(); got == "" {
		t.Error("the second message is not pushed")
	}
	s.expect(s.next(), "")
	s.feed.Closed(b.Engine, &s.args, &s.sub, b.clock.Now())
	b.talk(`QCONSUME q v => [4 "$b" "b" 5 1`)
}

func TestAPushConnectionIsRefusedWithReasons(t *testing.T) {
	b := newBench(t)
	b.talk(`QCREATE q => +OK`)
	for _, prefetch := range []int64{-1, 10_001} {
		s := b.subscribe("w", prefetch)
		s.expect(s.open(), "!Invalid value: prefetch must be 1 to 10000")
	}
	s := b.subscribe("", 0)
	s.expect(s.open(), "!Invalid request: consumer_id must not be empty: name the worker")
	s = b.subscribe("w", 0)
	s.open()
	if s.sub.Window != 256 {
		t.Errorf("the window is %d", s.sub.Window)
	}
	s.expect(s.next(), "")
	b.talk(`QDELETE q => (true)`)
	s.expect(s.next(), "!Queue not found: q")
}

package roomcmd_test

import (
	"strings"
	"testing"

	"github.com/synapdb/synap/internal/command"
)

// bell counts the wakes of a reader.
type bell struct{ rung int }

// Wake is part of command.Waker.
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
	d.t.Helper()
	d.parking.Parked = false
	own := d.session
	d.session = &command.Session{Parking: &d.parking}
	got := d.do(d.line)
	if answered := d.Answered(d.session); answered == d.parking.Parked || answered == (got == "") {
		d.t.Errorf("%s answers %q, parked is %v", d.line, got, d.parking.Parked)
	}
	d.session = own
	return got
}

// expect runs the line; it was woken so often until now.
func (d *door) expect(rung int, want string) {
	d.t.Helper()
	got := d.run()
	if d.rung != rung || !d.names.Match(got, want) {
		d.t.Errorf("%s\nwoken %d times, not %d\n got %s\nwant %s", d.line, d.rung, rung, got, want)
	}
}

// subscribers is how many a room has, and how many commands wait.
func (b *bench) subscribers(want int64) {
	b.t.Helper()
	_, sum := b.Rooms.Totals()
	if sum.Subscribers != want || b.Waits.Count() != want {
		b.t.Errorf("%d subscribers, %d wait, not %d", sum.Subscribers, b.Waits.Count(), want)
	}
}

const hello = `[1 {5 "id" "1-0" "offset" 0 "event" "said" "data" "hello" "timestamp" 1700000000`

func TestAReaderWaitsForAnEvent(t *testing.T) {
	b := newBench(t)
	b.talk(`SCREATE r => +OK`)
	d := b.open("SREAD r me 0 BLOCK 1000")
	d.expect(0, "")
	b.subscribers(1)
	b.talk(`SPUBLISH r said hello => 0`)
	d.expect(1, hello)
	b.subscribers(0)
	d.expect(1, hello) // the next one finds it at once
	b.talk(`SPUBLISH r said more => 1`)
	if d.rung != 1 {
		t.Error("who does not wait is woken")
	}
}

// What woke a reader may be taken by others of its group, or be trimmed, before it looks: then it
// waits for the next event, however many were missed.
func TestAReaderWaitsAgainIfOthersTookTheEvents(t *testing.T) {
	b := newBench(t)
	b.talk(`SCREATE r => +OK`)
	d := b.open("XREADGROUP GROUP g slow BLOCK 1000 STREAMS r >")
	d.expect(0, "")
	b.talk(`SMPUBLISH r said 1 said 2 said 3 => [3 0 1 2`)
	b.talk(`XREADGROUP GROUP g fast STREAMS r > => [3 [2 "0" [2 "said" "1" [2 "1"
			… [2 "said" "2" [2 "2" [2 "said" "3"`)
	d.expect(1, "")
	b.subscribers(1)
	b.talk(`SMPUBLISH r said 4 said 5 => [2 3 4`)
	b.talk(`STRIM r 5 => 5`)
	d.expect(2, "")
	b.talk(`SPUBLISH r said hello => 5`)
	d.expect(3, `[1 [2 "5" [2 "said" "hello"`)
	b.subscribers(0)
}

// A room that was deleted and made again, before who waited could look, begins with offset 0.
func TestAReaderOfTheNewestWaitsInARoomMadeAgain(t *testing.T) {
	b := newBench(t)
	b.talk(`SCREATE r => +OK`)
	b.talk(`SMPUBLISH r said 1 said 2 said 3 => [3 0 1 2`)
	d := b.open("XREAD BLOCK 1000 STREAMS r $")
	d.expect(0, "")
	b.talk(`SDELETE r => +OK`)
	b.talk(`SCREATE r => +OK`)
	d.expect(1, "")
	b.subscribers(1)
	b.talk(`SPUBLISH r said hello => 0`)
	d.expect(2, `[1 [2 "0" [2 "said" "hello"`)
	b.subscribers(0)
}

func TestAReaderGivesUpInTime(t *testing.T) {
	b := newBench(t)
	b.talk(`SCREATE r => +OK`)
	first, second := b.open("SREAD r me 0 BLOCK 1000"), b.open("XREAD BLOCK 500 STREAMS r $")
	first.expect(0, "")
	second.expect(0, "")
	b.subscribers(2)
	b.wait(499)
	second.expect(0, "") // woken for nothing it goes on waiting
	b.wait(1)
	second.expect(1, "(nil array)")
	first.expect(0, "")
	b.subscribers(1)
	b.wait(500)
	first.expect(1, "[0")
	b.subscribers(0)
	if next := b.Waits.Maintain(b.clock.Now(), 0); next != 0 {
		t.Errorf("somebody is to be woken at %d", next)
	}
}

// The task that looks after the time is told of no more than it must know.
func TestTheAlarmIsForWhoGivesUpEarlier(t *testing.T) {
	b := newBench(t)
	rung := 0
	b.Waits.Alarm = func() { rung++ }
	b.talk(`SCREATE r => +OK`)
	for i, c := range []struct {
		line string
		want int
	}{
		{"SREAD r me 0 BLOCK 1000", 1}, {"SREAD r me 0 BLOCK 2000", 1},
		{"SREAD r me 0 BLOCK 500", 2}, {"SREAD r me 0 BLOCK 500", 2},
	} {
		if b.open(c.line).run(); rung != c.want {
			t.Errorf("line %d: the alarm rang %d times", i, rung)
		}
	}
	if next := b.Waits.Maintain(b.clock.Now(), 0); next != start+500 {
		t.Errorf("it is to be called at %d", next)
	}
}

// What was the end when it came stays its beginning, whatever wakes it.
func TestTheEndIsThatOfTheFirstRun(t *testing.T) {
	b := newBench(t)
	b.talk(`
		SCREATE r => +OK
		SPUBLISH r said before => 0
	`)
	d := b.open("XREAD BLOCK 1000 STREAMS r $")
	d.expect(0, "")
	b.talk(`SMPUBLISH r a 1 b 2 => [2 1 2`)
	d.expect(1, `[2 [2 "1" [2 "a" "1" [2 "2" [2 "b" "2"`)
	d.expect(1, "")
	b.talk(`SPUBLISH r c 3 => 3`)
	d.expect(2, `[1 [2 "3" [2 "c" "3"`)
}

func TestAReaderOfAnOffsetToComeWaitsForIt(t *testing.T) {
	b := newBench(t)
	b.talk(`SCREATE r => +OK`)
	d := b.open("SREAD r me 1 BLOCK 0")
	d.expect(0, "")
	b.talk(`SPUBLISH r a 0 => 0`)
	d.expect(1, "")
	b.talk(`SPUBLISH r a 1 => 1`)
	d.expect(2, `[1 {5 "id" "1-1" "offset" 1 "event" "a" "data" "1" "timestamp" 1700000000`)
}

func TestAReaderOfADeletedRoomStopsWaiting(t *testing.T) {
	b := newBench(t)
	b.talk(`SCREATE r => +OK`)
	d, again := b.open("SREAD r me 0 BLOCK 1000"), b.open("SREAD r me 0 BLOCK 1000")
	d.expect(0, "")
	again.expect(0, "")
	b.talk(`SDELETE r => +OK`)
	d.expect(1, "!Invalid request: Room 'r' not found")
	b.talk(`SCREATE r => +OK`)
	again.expect(1, "") // of the new one it has missed nothing
	b.subscribers(1)
	b.talk(`SPUBLISH r said hello => 0`)
	again.expect(2, strings.Replace(hello, "1-0", "2-0", 1))
	b.subscribers(0)
}

func TestAConnectionThatLeavesWaitsNoMore(t *testing.T) {
	b := newBench(t)
	b.talk(`SCREATE r => +OK`)
	d := b.open("SCONSUME r me 0 BLOCK 1000")
	d.expect(0, "")
	b.Leave(&d.parking)
	b.subscribers(0)
	b.talk(`SPUBLISH r said hello => 0`)
	if d.rung != 0 {
		t.Error("it is woken")
	}
}

// Two of a group wait, and one gets the event.
func TestAGroupGetsAnEventOnce(t *testing.T) {
	b := newBench(t)
	b.talk(`SCREATE r => +OK`)
	one := b.open("XREADGROUP GROUP g one BLOCK 1000 STREAMS r >")
	two := b.open("XREADGROUP GROUP g two BLOCK 1000 STREAMS r >")
	one.expect(0, "")
	two.expect(0, "")
	b.talk(`SPUBLISH r a 0 => 0`)
	two.expect(1, `[1 [2 "0" [2 "a" "0"`)
	one.expect(1, "")
	b.wait(1000)
	one.expect(2, "(nil array)")
}

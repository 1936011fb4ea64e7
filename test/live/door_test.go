// Package live tries rooms, topics and watches through every door of the built server: one table
// of scenarios, and one of the doors that can't express some of them.
package live

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/synapdb/synap/test/harness"
)

// patience bounds every wait for a server that is expected to act at once.
const patience = 30 * time.Second

// What doors have in common.
type (
	fields  = harness.Fields
	failure = harness.Failure
)

// door is a way into the server for commands, and for what is pushed. Pushed values have the shapes
// of the contract's WebSockets, over RESP too, but that payloads of topics are the text there.
type door interface {
	harness.Door
	follow(room string, f fields) (*feed, error)
	hear(topics ...string) (*feed, error)
	watch(f fields, patterns ...string) (*feed, error)
}

var errNotHere = errors.New("this door has no such feed")

// silent is a door that pushes nothing. Rooms can be followed by asking again and again.
type silent struct{ harness.Door }

func (silent) hear(...string) (*feed, error)          { return nil, errNotHere }
func (silent) watch(fields, ...string) (*feed, error) { return nil, errNotHere }

// feed is what a door pushes.
type feed struct {
	first  fields // what it began with
	values chan fields
	over   chan struct{} // closed when nothing more comes
	why    error         // why, unless the feed was closed; read it when over
	stop   func()
}

// most is how many values a feed takes that nobody has read.
const most = 200_000

// feeding reads values until one fails. stop ends read.
func feeding(first fields, stop func(), read func() (fields, error)) *feed {
	f := &feed{first: first, values: make(chan fields, most), over: make(chan struct{}),
		stop: stop}
	go func() {
		defer close(f.over)
		for {
			v, err := read()
			if err != nil {
				f.why = err
				return
			}
			if v != nil {
				f.values <- v
			}
		}
	}()
	return f
}

// close cuts the feed and waits until its reader is gone.
func (f *feed) close() {
	f.stop()
	<-f.over
}

// next waits for a value.
func (f *feed) next() (fields, error) {
	select {
	case v := <-f.values:
		return v, nil
	default:
	}
	select {
	case v := <-f.values:
		return v, nil
	case <-f.over:
	case <-time.After(patience):
		return nil, errors.New("nothing comes")
	}
	select {
	case v := <-f.values: // it came right before the end
		return v, nil
	default:
		return nil, fmt.Errorf("the feed has ended: %w", f.why)
	}
}

// user is one scenario at one door, with a name of its own for what it makes.
type user struct {
	*testing.T
	door door
	way  string // the name of the door
	name string // has no wildcard, nor a dot
	text bool   // topics' payloads are text at this door
}

// try calls a command, filling in the room.
func (u *user) try(command string, f fields) (any, error) {
	u.Helper()
	all := fields{}
	if strings.HasPrefix(command, "stream.") && command != "stream.list" {
		all["room"] = u.name
	}
	maps.Copy(all, f)
	return u.door.Call(command, all)
}

// do is a command that must succeed with an object.
func (u *user) do(command string, f fields) fields {
	u.Helper()
	answer, err := u.try(command, f)
	if err != nil {
		u.Fatalf("%s %v: %v", command, f, err)
	}
	object, ok := answer.(fields)
	if !ok {
		u.Fatalf("%s %v answers %v", command, f, answer)
	}
	return object
}

// refused is a command that must fail with text.
func (u *user) refused(command string, f fields, text string) {
	u.Helper()
	answer, err := u.try(command, f)
	if err == nil {
		u.Fatalf("%s %v succeeds: %v", command, f, answer)
	}
	u.failed(fmt.Sprint(command, " ", f), err, text)
}

// failed compares a failure with its text. A star at the end stands for anything.
func (u *user) failed(what string, err error, text string) {
	u.Helper()
	var why *failure
	if !errors.As(err, &why) {
		u.Fatalf("%s fails with %v, not %q", what, err, text)
	}
	prefix, open := strings.CutSuffix(text, "*")
	if why.Text != text && (!open || !strings.HasPrefix(why.Text, prefix)) {
		u.Fatalf("%s fails with %q, not %q", what, why.Text, text)
	}
}

// publish appends an event to the scenario's room and returns its offset.
func (u *user) publish(event string, data any, options ...fields) int64 {
	u.Helper()
	f := fields{"event": event, "data": data}
	for _, o := range options {
		maps.Copy(f, o)
	}
	return u.number(u.do("stream.publish", f), "offset")
}

// numbered publishes events whose data are the offsets that they get.
func (u *user) numbered(from, count int64) {
	u.Helper()
	for i := range count {
		if at := u.publish("e", from+i); at != from+i {
			u.Fatalf("event %d gets offset %d", from+i, at)
		}
	}
}

// open fails the test unless a feed was opened, and closes it when the test ends.
func (u *user) open(f *feed, err error) *feed {
	u.Helper()
	if err != nil {
		u.Fatalf("no feed: %v", err)
	}
	u.Cleanup(f.close)
	return f
}

func (u *user) follow(f fields) *feed {
	u.Helper()
	return u.open(u.door.follow(u.name, f))
}

func (u *user) hear(topics ...string) *feed {
	u.Helper()
	return u.open(u.door.hear(topics...))
}

// next is the next value of a feed.
func (u *user) next(f *feed) fields {
	u.Helper()
	v, err := f.next()
	if err != nil {
		u.Fatal(err)
	}
	return v
}

// offsets reads events until last, and fails unless they are those from first on, whose data are
// their offsets.
func (u *user) offsets(f *feed, first, last int64) {
	u.Helper()
	for want := first; want <= last; want++ {
		v := u.next(f)
		if v["type"] != "event" || v["offset"] != want || v["data"] != want {
			u.Fatalf("%v comes, not the event with offset %d", v, want)
		}
	}
}

// ends waits until the server ends a feed, and returns why.
func (u *user) ends(f *feed) error {
	u.Helper()
	select {
	case <-f.over:
		return f.why
	case <-time.After(patience):
		u.Fatal("the feed goes on")
		return nil
	}
}

// number is a member that must be one.
func (u *user) number(f fields, name string) int64 {
	u.Helper()
	switch n := f[name].(type) {
	case int64:
		return n
	case float64:
		if n == math.Trunc(n) {
			return int64(n)
		}
	}
	u.Fatalf("%s of %v is %v (%T)", name, f, f[name], f[name])
	return 0
}

// eventually waits until a condition of the server's state holds.
func (u *user) eventually(what string, holds func() bool) {
	u.Helper()
	for deadline := time.Now().Add(patience); !holds(); {
		if time.Now().After(deadline) {
			u.Fatalf("in vain: %s", what)
		}
		time.Sleep(time.Millisecond) // asks the server again, which nothing tells us about
	}
}

// equal compares as JSON does, so that shapes count and the types that Go gave numbers do not.
func (u *user) equal(what string, got, want any) {
	u.Helper()
	if g, w := jsonText(got), jsonText(want); g != w {
		u.Errorf("%s: %s, want %s", what, g, w)
	}
}

func jsonText(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprintf("%#v: %v", v, err)
	}
	return string(text)
}

// payload is how the door shows a message whose payload is v.
func (u *user) payload(v any) any {
	if _, ok := v.(string); ok || !u.text {
		return v
	}
	return jsonText(v)
}

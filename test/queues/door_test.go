// Package queues tries queues through every door of the built server: one table of scenarios, run
// over the envelope in JSON and MessagePack, REST, RESP and WebSocket.
package queues

import (
	"fmt"
	"maps"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/synapdb/synap/test/harness"
)

// patience bounds every wait for a server that is expected to act at once.
const patience = 20 * time.Second

// What doors have in common.
type (
	fields   = harness.Fields
	door     = harness.Door
	failure  = harness.Failure
	envelope = harness.Envelope
)

func newEnvelope(addr string, msgpack bool) *envelope {
	return harness.NewEnvelope(addr, "payload", msgpack)
}

// message is a delivery.
type message struct {
	id, token  string
	payload    []byte
	value      any
	priority   int
	retries    int
	maxRetries int
	headers    fields
}

// user is one scenario at one door, with a queue of its own.
type user struct {
	*testing.T
	door  door
	queue string
}

// try calls a command, filling in the queue.
func (u *user) try(command string, f fields) (any, error) {
	u.Helper()
	all := fields{"queue": u.queue}
	if command == "batch" || command == "queue.list" || !strings.HasPrefix(command, "queue.") {
		all = fields{}
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

// refused is a command that must fail with text. A star at the end stands for anything.
func (u *user) refused(command string, f fields, text string) {
	u.Helper()
	answer, err := u.try(command, f)
	if err == nil {
		u.Fatalf("%s %v succeeds: %v", command, f, answer)
	}
	got := err.Error()
	if prefix, open := strings.CutSuffix(text, "*"); open {
		if !strings.HasPrefix(got, prefix) {
			u.Fatalf("%s %v fails with %q, not %q…", command, f, got, prefix)
		}
	} else if got != text {
		u.Fatalf("%s %v fails with %q, not %q", command, f, got, text)
	}
}

// create makes the scenario's queue.
func (u *user) create(settings fields) {
	u.Helper()
	u.do("queue.create", fields{"config": settings})
}

// publish returns the id of the new message.
func (u *user) publish(payload any, options ...fields) string {
	u.Helper()
	f := fields{"payload": payload}
	for _, o := range options {
		maps.Copy(f, o)
	}
	id, _ := u.do("queue.publish", f)["message_id"].(string)
	if len(id) != 36 {
		u.Fatalf("the id of a message is %q, not a UUID", id)
	}
	return id
}

// one consumes a message, waiting for it if need be.
func (u *user) one(consumer string, options ...fields) message {
	u.Helper()
	f := fields{"consumer_id": consumer, "wait_ms": patience.Milliseconds()}
	for _, o := range options {
		maps.Copy(f, o)
	}
	m := u.do("queue.consume", f)["message"]
	if m == nil {
		u.Fatalf("no message comes for %v", f)
	}
	return u.message(m)
}

// none fails if there is a message for a consumer now.
func (u *user) none(consumer string) {
	u.Helper()
	if m := u.do("queue.consume", fields{"consumer_id": consumer})["message"]; m != nil {
		u.Fatalf("a message comes that should not: %v", m)
	}
}

// some consumes up to count messages in one go.
func (u *user) some(consumer string, count int) []message {
	u.Helper()
	answer := u.do("queue.consume", fields{"consumer_id": consumer, "count": count})
	list, ok := answer["messages"].([]any)
	if !ok {
		u.Fatalf("consume of %d answers %v", count, answer)
	}
	var all []message
	for _, m := range list {
		all = append(all, u.message(m))
	}
	return all
}

func (u *user) message(v any) message {
	u.Helper()
	f, ok := v.(fields)
	if !ok {
		u.Fatalf("a message is %v", v)
	}
	m := message{value: f["value"]}
	m.id, _ = f["id"].(string)
	m.token, _ = f["token"].(string)
	m.payload, _ = f["payload"].([]byte)
	m.headers, _ = f["headers"].(fields)
	m.priority = int(u.number(f, "priority"))
	m.retries = int(u.number(f, "retry_count"))
	m.maxRetries = int(u.number(f, "max_retries"))
	return m
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

func (u *user) ack(m message) { u.Helper(); u.do("queue.ack", fields{"message_id": m.id}) }
func (u *user) nack(m message, more ...fields) {
	u.Helper()
	f := fields{"message_id": m.id}
	for _, o := range more {
		maps.Copy(f, o)
	}
	u.do("queue.nack", f)
}

// stat is one number of queue.stats.
func (u *user) stat(name string) int64 {
	u.Helper()
	return u.number(u.do("queue.stats", nil), name)
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

// atLeast fails if what took so long should have taken longer. The server counts whole ms, so a
// moment may look one earlier than it was.
func (u *user) atLeast(what string, took, least time.Duration) {
	u.Helper()
	if took < least-time.Millisecond {
		u.Errorf("%s after %v, not %v", what, took, least)
	}
}

// equal compares how things print.
func (u *user) equal(what string, got, want any) {
	u.Helper()
	if g, w := fmt.Sprintf("%v", got), fmt.Sprintf("%v", want); g != w {
		u.Errorf("%s: %s, want %s", what, g, w)
	}
}

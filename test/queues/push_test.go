package queues

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/synapdb/synap/test/harness"
)

// pushing is a server with a queue, and a user who looks at it through the envelope.
func pushing(t *testing.T, settings fields) (*harness.Server, *user) {
	t.Helper()
	s := harness.Start(t)
	u := &user{T: t, door: newEnvelope(s.HTTP, false), queue: "pushed"}
	t.Cleanup(u.door.Close)
	u.create(settings)
	return s, u
}

// connect opens a socket to the queue, which ends with the test if not before.
func (u *user) connect(s *harness.Server, consumer, query string) *push {
	u.Helper()
	p, first, err := openPush(s.HTTP, u.queue, consumer, query)
	if err != nil {
		u.Fatal(err)
	}
	u.Cleanup(p.drop)
	u.equal("first frame", first, fields{"type": "connected", "queue": u.queue,
		"consumer_id": consumer})
	return p
}

// pushed is the next message of a socket.
func (u *user) pushed(p *push) message {
	u.Helper()
	f := p.next(patience)
	if f == nil {
		u.Fatal("nothing is pushed")
	}
	f["id"] = f["message_id"]
	return u.message(f)
}

// quiet fails if a socket has something that was not read.
func (u *user) quiet(p *push) {
	u.Helper()
	if f := p.next(0); f != nil {
		u.Fatalf("a message was pushed: %v", f)
	}
	select {
	case f := <-p.answers:
		u.Fatalf("a frame came: %v", f)
	default:
	}
}

func TestFramesAreTheContracts(t *testing.T) {
	s, u := pushing(t, nil)
	p := u.connect(s, "c", "")
	id := u.publish([]byte{1, 2, 255}, fields{"priority": 7, "headers": fields{"h": "1"}})
	f := p.next(patience)
	want := fields{"type": "message", "message_id": id, "payload": []byte{1, 2, 255},
		"priority": 7, "retry_count": 0, "headers": fields{"h": "1"}}
	for name, want := range want {
		u.equal(name, f[name], want)
	}
	if created := u.number(f, "created_at"); time.Since(time.Unix(created, 0)) > patience {
		t.Errorf("created_at is %d", created)
	}
	if err := p.send(fields{"command": "nack", "message_id": id}); err != nil {
		t.Fatal(err)
	}
	if m := u.pushed(p); m.id != id || m.retries != 1 {
		t.Errorf("after a nack comes %v", m)
	}
	if err := p.send(fields{"command": "ack", "message_id": id}); err != nil {
		t.Fatal(err)
	}
	if err := p.ping(); err != nil {
		t.Fatal(err)
	}
	u.quiet(p) // no answer to either
	u.equal("acked", u.stat("acked"), 1)
}

func TestADisconnectGivesLeasesBackAtOnceInTheirOldPlace(t *testing.T) {
	for _, how := range []string{"cut", "closed"} {
		t.Run(how, func(t *testing.T) {
			s, u := pushing(t, nil)
			p := u.connect(s, "first", "?prefetch=2")
			a, b, c := u.publish("a"), u.publish("b"), u.publish("c")
			u.pushed(p)
			u.pushed(p)
			if how == "closed" {
				_ = p.conn.Close(1000, "")
			}
			p.drop()
			u.eventually("the leases are back", func() bool { return u.stat("depth") == 3 })
			for i, want := range []string{a, b, c} {
				m := u.one("second")
				u.equal("id", m.id, want)
				u.equal("retries", m.retries, map[bool]int{true: 1, false: 0}[i < 2])
			}
		})
	}
}

func TestTheWindowBoundsWhatIsPushed(t *testing.T) {
	s, u := pushing(t, nil)
	p := u.connect(s, "c", "?prefetch=2")
	for i := range 5 {
		u.publish(fmt.Sprint(i))
	}
	for i := range 5 {
		m := u.pushed(p)
		u.equal("payload", string(m.payload), fmt.Sprint(i))
		if i > 0 { // the one before is still held: nothing more may come
			u.quiet(p)
		}
		if i == 0 {
			continue // hold one all along
		}
		if _, err := p.ask(fields{"command": "ack", "message_id": m.id}); err != nil {
			t.Fatal(err)
		}
	}
	u.equal("depth", u.stat("depth"), 0)
}

func TestASocketComplainsAndLivesOn(t *testing.T) {
	s, u := pushing(t, nil)
	p := u.connect(s, "c", "")
	const absent = "00000000-0000-4000-8000-000000000000"
	for _, f := range []fields{
		{"command": "ack", "message_id": absent}, {"command": "dance"}, {},
		{"command": "ack"}, {"command": "nack", "message_id": 7},
	} {
		if err := p.send(f); err != nil {
			t.Fatal(err)
		}
		select {
		case answer := <-p.answers:
			if text, _ := answer["error"].(string); answer["type"] != "error" || text == "" {
				t.Errorf("%v is answered by %v", f, answer)
			}
		case <-p.closed:
			t.Fatalf("%v closes the socket", f)
		case <-time.After(patience):
			t.Fatalf("%v is not answered", f)
		}
	}
	id := u.publish("x")
	u.equal("id", u.pushed(p).id, id)
}

func TestASocketEndsWithItsQueue(t *testing.T) {
	s, u := pushing(t, nil)
	p := u.connect(s, "c", "")
	u.do("queue.delete", nil)
	select {
	case <-p.closed:
	case <-time.After(patience):
		t.Fatal("the socket lives on")
	}
	answer := <-p.answers
	u.equal("error", answer["error"], "Queue not found: "+u.queue)
	_, first, err := openPush(s.HTTP, u.queue, "c", "")
	if err != nil || first["type"] != "error" {
		t.Errorf("a socket to an absent queue: %v, %v", first, err)
	}
}

func TestSocketsAndPullersShareAQueue(t *testing.T) {
	s, u := pushing(t, nil)
	const each = 20
	p := u.connect(s, "socket", "?prefetch=1")
	seen := map[string]bool{}
	for range 2 * each {
		u.publish("x")
	}
	for range each {
		m := u.one("puller")
		u.ack(m)
		seen[m.id] = true
		m = u.pushed(p)
		if _, err := p.ask(fields{"command": "ack", "message_id": m.id}); err != nil {
			t.Fatal(err)
		}
		seen[m.id] = true
	}
	u.equal("messages", len(seen), 2*each)
	u.equal("acked", u.stat("acked"), 2*each)
}

// TestWhoLeavesTheLineLosesNothing has consumers that hang up while they wait.
func TestWhoLeavesTheLineLosesNothing(t *testing.T) {
	s, u := pushing(t, nil)
	body := `{"command":"queue.consume","request_id":"1","payload":{"queue":"pushed",` +
		`"consumer_id":"gone","wait_ms":60000}}`
	requests := map[string]string{
		s.HTTP: fmt.Sprintf("POST /api/v1/command HTTP/1.1\r\nHost: x\r\n"+
			"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body),
		s.RESP: "QCONSUME pushed gone WAIT 60000\r\n",
	}
	for door, request := range requests {
		c, err := net.Dial("tcp", door)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Write([]byte(request)); err != nil {
			t.Fatal(err)
		}
		u.isWaiting("gone")
		_ = c.Close()
		u.eventually("it has left", func() bool {
			return !strings.Contains(fmt.Sprint(u.do("queue.info", nil)["consumers"]), "gone")
		})
		id := u.publish("x")
		m := u.one("here")
		u.equal("id", m.id, id)
		u.equal("retries", m.retries, 0)
		u.ack(m)
	}
}

func TestPipelinedCommandsWaitBehindAConsume(t *testing.T) {
	s, u := pushing(t, nil)
	c, err := net.Dial("tcp", s.RESP)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(patience))
	if _, err := c.Write([]byte("QCONSUME pushed c WAIT 60000\r\nPING\r\n")); err != nil {
		t.Fatal(err)
	}
	u.isWaiting("c")
	u.publish("payload")
	var got strings.Builder
	buffer := make([]byte, 4096)
	for !strings.HasSuffix(got.String(), "+PONG\r\n") {
		n, err := c.Read(buffer)
		if err != nil {
			t.Fatalf("%v after %q", err, got.String())
		}
		got.Write(buffer[:n])
	}
	if !strings.Contains(got.String(), "payload") || got.String()[0] != '*' {
		t.Errorf("the answers are %q", got.String())
	}
}

func TestALeaseThatEndsIsPushedAgain(t *testing.T) {
	s, u := pushing(t, nil)
	p := u.connect(s, "c", fmt.Sprintf("?ack_deadline_ms=%d", brief))
	id := u.publish("x")
	for retries := range 3 {
		m := u.pushed(p)
		u.equal("id", m.id, id)
		u.equal("retries", m.retries, retries)
	}
}

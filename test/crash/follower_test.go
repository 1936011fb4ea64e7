package crash

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/synapdb/synap/test/harness"
)

// pushed is a connection that is sent values of a feed.
type pushed struct {
	next  func() (harness.Fields, error)
	close func()
}

// overSocket opens a WebSocket and reads what it is connected to.
func (c *child) overSocket(path string) (*pushed, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patient)
	defer cancel()
	//nolint:bodyclose // never needs it: see Dial
	conn, _, err := websocket.Dial(ctx, fmt.Sprintf("ws://127.0.0.1:%d%s", c.HTTP, path), nil)
	if err != nil {
		return nil, err
	}
	conn.SetReadLimit(16 << 20)
	p := &pushed{close: func() { _ = conn.CloseNow() }}
	p.next = func() (harness.Fields, error) {
		v, err := harness.ReadFrame(context.Background(), conn, "")
		return refusedBy(v, err)
	}
	return p.begun()
}

// overEvents opens a stream of server-sent events, behind one of an id unless that is empty.
func (c *child) overEvents(path, id string) (*pushed, error) {
	e, err := harness.OpenEvents(fmt.Sprintf("http://127.0.0.1:%d%s", c.HTTP, path), id)
	if why := (*harness.Failure)(nil); errors.As(err, &why) {
		return nil, refusal{why.Text}
	} else if err != nil {
		return nil, err
	}
	p := &pushed{close: e.Close}
	p.next = func() (harness.Fields, error) {
		one, err := e.Next()
		if err != nil {
			return nil, err
		}
		v, err := harness.ReadJSON([]byte(one.Data), "")
		f, _ := v.(harness.Fields)
		return refusedBy(f, err)
	}
	return p.begun()
}

// overLine has a RESP3 connection be pushed the events of a room.
func (c *child) overLine(room string, from uint64) (*pushed, error) {
	l, err := harness.DialLine(fmt.Sprintf("127.0.0.1:%d", c.RESP), 3, 10*patient)
	if err != nil {
		return nil, err
	}
	p := &pushed{close: func() { _ = l.Close() }}
	if err = l.Send("SFOLLOW", room, "FROM", strconv.FormatUint(from, 10)); err == nil {
		var v any
		if v, err = l.Value(); err == nil {
			if _, fine := v.(harness.Fields); !fine {
				err = refusal{fmt.Sprint("SFOLLOW is answered by ", v)}
			}
		}
	}
	if err != nil {
		p.close()
		return nil, err
	}
	p.next = func() (harness.Fields, error) {
		v, err := l.Value()
		if err != nil {
			return nil, err
		}
		parts, ok := v.(harness.Push)
		if !ok || len(parts) != 3 || parts[0] != "event" {
			return nil, refusal{fmt.Sprintf("%v is pushed", v)}
		}
		text, err := harness.ReadJSON([]byte(fmt.Sprint(parts[2])), "")
		f, _ := text.(harness.Fields)
		return f, err
	}
	return p, nil
}

// begun reads the first value.
func (p *pushed) begun() (*pushed, error) {
	v, err := p.next()
	if err == nil && v["type"] != "connected" {
		err = refusal{fmt.Sprintf("the first value is %v", v)}
	}
	if err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

// refusedBy is v, or a refusal if it says why nothing more comes. A server that shuts down, as it
// may do when it can't write, says nothing of the feed.
func refusedBy(v harness.Fields, err error) (harness.Fields, error) {
	if text, is := v["error"].(string); is && err == nil {
		return nil, refusal{text}
	}
	return v, err
}

// follower follows a room from one server to the next. What it was sent it holds to be true.
type follower struct {
	*halls
	room string
	open func(c *child, room string, from uint64) (*pushed, error)
	next uint64            // the offset that it wants next
	seen map[uint64]string // texts of events, those that the room may still have
	all  int               // events
	gaps int
}

func newFollowers(h *halls) (all []*follower) {
	for _, room := range lasting {
		for _, open := range []func(c *child, room string, from uint64) (*pushed, error){
			func(c *child, room string, from uint64) (*pushed, error) {
				return c.overSocket(fmt.Sprintf("/stream/%s/ws/f?from_offset=%d", room, from))
			},
			func(c *child, room string, from uint64) (*pushed, error) {
				id := ""
				if from > 0 {
					id = strconv.FormatUint(from-1, 10)
				}
				return c.overEvents("/stream/"+room+"/events", id)
			},
			(*child).overLine,
		} {
			all = append(all, &follower{halls: h, room: room, open: open,
				seen: map[uint64]string{}})
		}
	}
	return all
}

// run follows until the server dies.
func (f *follower) run(c *child, s *storm) {
	s.ended.Go(func() {
		p, err := f.open(c, f.room, f.next)
		if err == nil {
			defer p.close()
		}
		for err == nil && !s.t.Failed() {
			err = f.take(p)
		}
		if no := (refusal{}); errors.As(err, &no) {
			s.t.Errorf("a follower of %s: %v", f.room, err)
		}
	})
}

// take reads one value: the event that is next, or a notice that some are gone.
func (f *follower) take(p *pushed) error {
	v, err := p.next()
	if err != nil {
		return err
	}
	switch v["type"] {
	case "event":
		text, _ := v["data"].(string)
		if v["offset"] != int64(f.next) || text == "" {
			return refusal{fmt.Sprintf("%v comes, not the event with offset %d", v, f.next)}
		}
		f.seen[f.next] = text
		f.next++
		f.all++
	case "gap":
		to, _ := v["to"].(int64)
		if v["from"] != int64(f.next) || uint64(to) <= f.next {
			return refusal{fmt.Sprintf("%v comes at offset %d", v, f.next)}
		}
		f.next = uint64(to)
		f.gaps++
	default:
		return refusal{fmt.Sprintf("%v comes", v)}
	}
	return nil
}

// judge compares what was sent to f with what a room holds after a kill.
func (f *follower) judge(found *finding) error {
	if f.next > found.Next {
		return fmt.Errorf("a follower was sent offset %d, and the next one is %d", f.next-1,
			found.Next)
	}
	for i, text := range found.texts {
		offset := found.Min + uint64(i)
		if was, seen := f.seen[offset]; seen && was != text {
			return fmt.Errorf("a follower was sent %.40q at offset %d, where %.40q is", was, offset,
				text)
		}
	}
	for offset := range f.seen {
		if offset < found.Min {
			delete(f.seen, offset)
		}
	}
	return nil
}

// catchUp follows to the end of the room.
func (f *follower) catchUp(t *testing.T, c *child) {
	t.Helper()
	found, err := c.caller().room(f.room)
	if err != nil {
		t.Fatal(err)
	}
	p, err := f.open(c, f.room, f.next)
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	late := time.AfterFunc(patient, p.close)
	defer late.Stop()
	for f.next < found.Next {
		if err := f.take(p); err != nil {
			t.Fatalf("a follower of %s, at %d of %d: %v", f.room, f.next, found.Next, err)
		}
	}
	if err := f.judge(found); err != nil {
		t.Errorf("room %s: %v", f.room, err)
	}
}

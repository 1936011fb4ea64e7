package live

import (
	"errors"
	"fmt"
	"maps"
	"sync"
)

// pollWait is how long a poll waits for the next event, in ms: a feed closes within it.
const pollWait = 100

var errStopped = errors.New("the test has closed it")

// follow asks for events again and again.
func (s silent) follow(room string, f fields) (*feed, error) {
	ask := fields{"room": room, "subscriber_id": "poller"}
	maps.Copy(ask, f)
	first, err := s.consume(ask)
	if err != nil {
		return nil, err
	}
	for _, start := range []string{"last", "since", "new"} {
		delete(ask, start)
	}
	begun := first.next
	if len(first.events) > 0 {
		begun = first.events[0]["offset"].(int64)
	}
	page, stopped, once := first, make(chan struct{}), sync.Once{}
	read := func() (fields, error) {
		for len(page.events) == 0 {
			select {
			case <-stopped:
				return nil, errStopped
			default:
			}
			ask["from_offset"], ask["wait_ms"] = page.next, pollWait
			if page, err = s.consume(ask); err != nil {
				return nil, err
			}
		}
		e := page.events[0]
		page.events = page.events[1:]
		return fields{"type": "event", "room": room, "offset": e["offset"], "event": e["event"],
			"data": e["value"], "timestamp": e["timestamp"]}, nil
	}
	return feeding(fields{"room": room, "from_offset": begun},
		func() { once.Do(func() { close(stopped) }) }, read), nil
}

type eventPage struct {
	events []fields
	next   int64
}

func (s silent) consume(ask fields) (p eventPage, err error) {
	answer, err := s.Call("stream.consume", ask)
	if err != nil {
		return p, err
	}
	page, _ := answer.(fields)
	list, ok := page["events"].([]any)
	p.next, _ = page["next_offset"].(int64)
	for _, e := range list {
		event, _ := e.(fields)
		if _, ok = event["offset"].(int64); !ok {
			break
		}
		p.events = append(p.events, event)
	}
	if !ok {
		return p, fmt.Errorf("stream.consume answers %v", answer)
	}
	return p, nil
}

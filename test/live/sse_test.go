package live

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/synapdb/synap/test/harness"
)

// sse pushes server-sent events. Commands go through the routes.
type sse struct{ *harness.REST }

// stream is the feed of an address, behind the event of an id unless that is empty.
func (s *sse) stream(path, id string, f fields) (*feed, error) {
	if len(f) > 0 {
		path += "?" + harness.Query(f)
	}
	e, err := harness.OpenEvents("http://"+s.Addr+path, id)
	if err != nil {
		return nil, err
	}
	read := func() (fields, error) {
		one, err := e.Next()
		if err != nil {
			return nil, err
		}
		return valueOf(one)
	}
	first, err := read()
	if err == nil && first["type"] != "connected" {
		err = fmt.Errorf("the first event is %v", first)
	}
	if err != nil {
		e.Close()
		return nil, err
	}
	return feeding(first, e.Close, read), nil
}

// valueOf is the value of an event, whose id and name must be those that it has.
func valueOf(one harness.Event) (fields, error) {
	v, err := harness.ReadJSON([]byte(one.Data), "")
	f, ok := v.(fields)
	if err != nil || !ok {
		return nil, errors.Join(fmt.Errorf("the data of %+v are no object", one), err)
	}
	id, name := "", fmt.Sprint(f["type"])
	switch f["type"] {
	case "error":
		return nil, ending(f)
	case "event":
		generation, _, _ := strings.Cut(one.ID, "-")
		id = generation + "-" + strconv.FormatInt(f["offset"].(int64), 10)
		name = fmt.Sprint(f["event"])
	case "connected":
		if lsn, ok := f["lsn"].(int64); ok { // of a watch: it can be resumed from there
			id = strconv.FormatInt(lsn, 10)
		}
	case "message":
		if strings.HasPrefix(fmt.Sprint(f["topic"]), "__watch@") {
			id = fmt.Sprint(f["message_id"])
		}
		name = one.Name
	}
	if one.ID != id || one.Name != name {
		return nil, fmt.Errorf("an event with id %q and name %q is %v", one.ID, one.Name, f)
	}
	return f, nil
}

func (s *sse) follow(room string, f fields) (*feed, error) {
	return s.stream("/stream/"+url.PathEscape(room)+"/events", "", f)
}

func (s *sse) hear(topics ...string) (*feed, error) {
	return s.stream("/pubsub/events", "", fields{"topics": strings.Join(topics, ",")})
}

func (s *sse) watch(f fields, patterns ...string) (*feed, error) {
	return s.stream("/kv/events", "", with(f, "keys", strings.Join(patterns, ",")))
}

// Call has the settings of a room at top level, as REST has them.
func (s *sse) Call(command string, f fields) (any, error) { return flat{s.REST}.Call(command, f) }

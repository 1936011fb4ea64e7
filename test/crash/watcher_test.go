package crash

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/synapdb/synap/test/harness"
)

const (
	watchedKeys = 30
	watchedName = "watched:"
	markerKey   = watchedName + "end"
)

// watcher lists keys once, and learns all that becomes of them by watching from there on, from one
// server to the next.
type watcher struct {
	name string
	open func(c *child, at string) (*pushed, error)
	have map[string]string // keys and values, by what it was told
	at   string            // the place in the journal behind which it goes on; empty: none yet
	lsn  int64             // of the last event
	part int64             // its place in the record
	all  int               // events
	gone int               // times that the journal did not reach back to at
}

func newWatchers() []*watcher {
	keys := "keys=" + url.QueryEscape(watchedName+"*")
	return []*watcher{
		{name: "WebSocket", open: func(c *child, at string) (*pushed, error) {
			return c.overSocket("/kv/ws?" + keys + "&from_lsn=" + at)
		}},
		{name: "server-sent events", open: func(c *child, at string) (*pushed, error) {
			return c.overEvents("/kv/events?"+keys, at)
		}},
	}
}

// changing changes watched keys until the server dies.
func changing(c *child, s *storm, random *rand.Rand) {
	p := c.dial()
	s.ended.Go(func() {
		for {
			n := 1 + random.IntN(20)
			for range n {
				key := watchedName + strconv.Itoa(random.IntN(watchedKeys))
				switch random.IntN(6) {
				case 0:
					p.put("DEL", key)
				case 1:
					other := watchedName + strconv.Itoa(random.IntN(watchedKeys))
					p.put("MSET", key, "0", other, strconv.Itoa(random.IntN(1000)))
				default:
					p.put("INCR", key)
				}
			}
			if p.flush() != nil {
				return
			}
			for range n {
				text, err := p.reply()
				if err != nil {
					return
				}
				if text[0] == '-' {
					s.t.Error(text)
					return
				}
				s.acks.Add(1)
			}
		}
	})
}

// listing is what kv.scan answers.
type listing struct {
	Keys   []string
	Values []any
	LSN    int64
}

func (c *caller) listing() (have map[string]string, lsn int64, err error) {
	var list listing
	err = c.call("kv.scan", object{"prefix": watchedName, "values": true, "limit": 1000}, &list)
	have = map[string]string{}
	for i, key := range list.Keys {
		if key != markerKey {
			have[key] = fmt.Sprint(list.Values[i])
		}
	}
	return have, list.LSN, err
}

// run watches until the server dies.
func (w *watcher) run(c *child, s *storm) {
	s.ended.Go(func() {
		p, err := w.open(c, w.at)
		if err == nil {
			defer p.close()
		}
		for err == nil && !s.t.Failed() {
			_, err = w.take(p)
		}
		if no := (refusal{}); errors.As(err, &no) && !trimmed(err) {
			s.t.Errorf("a watch over %s: %v", w.name, err)
		}
	})
}

// trimmed says whether err is that the journal does not reach back.
func trimmed(err error) bool {
	no := refusal{}
	return errors.As(err, &no) && strings.Contains(no.text, "does not reach back so far")
}

// take reads one event, and returns its key.
func (w *watcher) take(p *pushed) (string, error) {
	v, err := p.next()
	if err != nil {
		return "", err
	}
	event, _ := v["payload"].(harness.Fields)
	key, _ := event["key"].(string)
	id := fmt.Sprint(v["message_id"])
	var lsn, part int64
	if _, err := fmt.Sscanf(id, "%d-%d", &lsn, &part); err != nil || event["lsn"] != lsn {
		return "", refusal{fmt.Sprintf("%v comes", v)}
	}
	if lsn < w.lsn || lsn == w.lsn && part <= w.part {
		return "", refusal{fmt.Sprintf("%s comes behind %d-%d", id, w.lsn, w.part)}
	}
	w.lsn, w.part, w.at = lsn, part, id
	w.all++
	switch text, told := event["value"].(string); {
	case event["event"] == "del":
		delete(w.have, key)
	case told:
		w.have[key] = text
	default:
		return "", refusal{fmt.Sprintf("%v comes without a value", v)}
	}
	return key, nil
}

// check catches up after a start, and compares what the watch made of the list with a new one.
func (w *watcher) check(t *testing.T, c *child) {
	t.Helper()
	call := c.caller()
	defer call.CloseIdleConnections()
	now, lsn, err := call.listing()
	if err != nil {
		t.Fatal(err)
	}
	if lsn < w.lsn {
		t.Fatalf("the journal ends at %d, and a watcher was told record %d", lsn, w.lsn)
	}
	var p *pushed
	if w.at != "" {
		p, err = w.open(c, w.at)
	}
	if w.at == "" || trimmed(err) {
		if w.at != "" {
			w.gone++
		}
		w.have, w.at = now, strconv.FormatInt(lsn, 10)
		w.lsn, w.part = lsn, 1<<62
		return
	}
	if err != nil {
		t.Fatalf("a watch over %s from %s, where the journal ends at %d: %v; log: %s", w.name,
			w.at, lsn, err, c.log.String())
	}
	defer p.close()
	late := time.AfterFunc(patient, p.close)
	defer late.Stop()
	mark := object{"key": markerKey, "value": w.name}
	if err := call.call("kv.set", mark, &struct{}{}); err != nil {
		t.Fatal(err)
	}
	for w.have[markerKey] != w.name {
		if _, err := w.take(p); err != nil {
			t.Fatalf("a watch over %s at %s: %v", w.name, w.at, err)
		}
	}
	delete(w.have, markerKey)
	if !maps.Equal(w.have, now) {
		t.Fatalf("a watch over %s made %v of its list, and there is %v", w.name, w.have, now)
	}
}

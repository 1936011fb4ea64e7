package synap

import (
	"context"
	"encoding/json"
	"iter"
	"net/url"
	"strconv"
	"time"
)

// From says where in a room a subscription begins.
type From func(*position)

// position is where a subscription of a room goes on.
type position struct {
	name  string // of the field; "" = from_offset 0
	word  string // of RESP
	value int64
}

// FromOffset begins with the event of an offset; without any From a subscription begins with 0.
func FromOffset(n int64) From {
	return func(p *position) { *p = position{"from_offset", "FROM", n} }
}

// FromLast begins with the newest n events.
func FromLast(n int64) From { return func(p *position) { *p = position{"last", "LAST", n} } }

// FromNew begins with what is published from now on.
func FromNew() From { return func(p *position) { *p = position{"new", "NEW", 1} } }

// Since begins with the first event of a moment, as exact as ms, or later.
func Since(t time.Time) From {
	return func(p *position) { *p = position{"since", "SINCE", t.UnixMilli()} }
}

// Subscribe yields the events of a room as they come, in order and without an end, on a connection
// of its own. When that breaks it opens another one and goes on behind the last event that was
// yielded, so none is missed and none comes twice; see WithReconnect. Events that the room has
// dropped meanwhile are counted in Event.Gap. An error is the last that is yielded; that of ctx
// when it ends. Breaking out of the loop closes the connection.
func (s *Stream) Subscribe(ctx context.Context, from ...From) iter.Seq2[Event, error] {
	at := FromOffset(0)
	for _, f := range from {
		at = f
	}
	return follow(ctx, s.c, func(bool) (*Reader[Event], error) {
		r, next, err := s.open(ctx, at)
		if err != nil {
			return nil, err
		}
		at = FromOffset(next) // known from now on, also if it was FromNew
		decode := r.decode
		r.decode = func(p pushed) (Event, bool, error) {
			e, ok, err := decode(p)
			if ok {
				at = FromOffset(e.Offset + 1)
			}
			return e, ok, err
		}
		return r, nil
	})
}

// Follow subscribes and returns once that stands; see Reader.
func (s *Stream) Follow(ctx context.Context, from From) (*Reader[Event], error) {
	r, _, err := s.open(ctx, from)
	return r, err
}

// open subscribes; next is the offset of the first event that will come.
func (s *Stream) open(ctx context.Context, from From) (r *Reader[Event], next int64, err error) {
	var p position
	from(&p)
	id := "go-" + randomID()
	sub := &subject{command: "stream.consume", line: []any{"SFOLLOW", s.name, p.word},
		path: "/stream/" + url.PathEscape(s.name) + "/ws/" + id + "?" + p.name + "=" +
			strconv.FormatInt(p.value, 10)}
	if p.word != "NEW" {
		sub.line = append(sub.line, p.value)
	}
	sub.line = append(sub.line, "ID", id)
	f, opened, err := s.c.openFeed(ctx, sub)
	if err != nil {
		return nil, 0, err
	}
	next = toInt(member(opened, "from_offset"))
	return &Reader[Event]{f, sub.command, s.decoder()}, next, nil
}

// decoder reads events. Those below the last one are left out.
func (s *Stream) decoder() func(p pushed) (Event, bool, error) {
	gap := int64(0)
	return func(p pushed) (e Event, ok bool, err error) {
		text := p.text
		if len(p.words) == 3 {
			text = toBytes(p.words[2])
		}
		e.Room = s.name
		var kind string
		var from, to, seconds int64
		err = members(text, func(name, value []byte) {
			switch string(name) {
			case "type":
				kind = jsonText(value)
			case "offset":
				e.Offset = jsonInt(value)
			case "event":
				e.Name = jsonText(value)
			case "data":
				e.Data = own(value)
			case "timestamp":
				seconds = jsonInt(value)
			case "from":
				from = jsonInt(value)
			case "to":
				to = jsonInt(value)
			}
		})
		switch {
		case err != nil:
			return e, false, err
		case kind == "gap":
			gap += to - from
			return e, false, nil
		case kind == "error":
			return e, false, failure(text)
		case kind != "event":
			return e, false, nil
		}
		e.Time = time.Unix(seconds, 0)
		e.Gap, gap = gap, 0
		return e, true, nil
	}
}

// KeyEvent is a change of a key.
type KeyEvent struct {
	// Key is empty for flush and swap, after which all keys may be different.
	Key string
	// Event is set, del, expired, evicted, expire, persist, append, setrange, incrby, decrby, flush
	// or swap.
	Event   string
	Version int64
	// Value is what the key holds now, nil if the event has none or it was left out.
	Value []byte
	// Truncated says that the value was left out: it is large, or no text. Read the key.
	Truncated bool
	// LSN is the number of the change in the server's journal; 0: it keeps none.
	LSN int64
	// Lost says that changes before this one may be missing, because the connection was lost and
	// the server keeps no journal: read the keys again.
	Lost bool
	id   string
}

// WatchOption says how keys are watched.
type WatchOption func(*watching)

type watching struct {
	from string
	bare bool
}

// FromLSN begins behind a record of the journal, as kv.scan names one: list the keys, then watch
// from there, and no change is missed. ErrGone: the journal does not reach back so far.
func FromLSN(n int64) WatchOption {
	return func(w *watching) { w.from = strconv.FormatInt(n, 10) }
}

// WithoutValues leaves values out.
func WithoutValues() WatchOption { return func(w *watching) { w.bare = true } }

// Watch yields how keys change, without an end, on a connection of its own. In patterns * is any
// text without a dot; # alone is every key. When the connection breaks it opens another one and, if
// the server keeps a journal, goes on behind the last change that was yielded: ErrGone says that
// the journal no longer reaches back, so the keys have to be read again. Over resp:// there can be
// one pattern.
func (kv *KV) Watch(
	ctx context.Context, patterns []string, options ...WatchOption,
) iter.Seq2[KeyEvent, error] {
	var w watching
	for _, o := range options {
		o(&w)
	}
	lost := false
	skip := lsnCount{}
	return follow(ctx, kv.c, func(again bool) (*Reader[KeyEvent], error) {
		r, lsn, err := kv.watch(ctx, patterns, w)
		if err != nil {
			return nil, err
		}
		lost = lost || again && w.from == ""
		if w.from == "" && lsn != "" {
			w.from = lsn
		}
		decode := r.decode
		skip.begin()
		r.decode = func(p pushed) (KeyEvent, bool, error) {
			e, ok, err := decode(p)
			if !ok || e.id == "" && skip.again(e.LSN) {
				return e, false, err
			}
			switch {
			case e.LSN == 0:
			case e.id != "":
				w.from = e.id
			default: // RESP does not say which change of its record it is: read all of it again
				w.from = strconv.FormatInt(e.LSN-1, 10)
			}
			e.Lost, lost = lost, false
			return e, true, nil
		}
		return r, nil
	})
}

// lsnCount counts the changes of the newest record that came, so that they are left out when they
// come again.
type lsnCount struct{ lsn, seen, left int64 }

func (c *lsnCount) begin() { c.left = c.seen }

func (c *lsnCount) again(lsn int64) bool {
	switch {
	case lsn == 0:
		return false
	case lsn == c.lsn && c.left > 0:
		c.left--
		return true
	case lsn != c.lsn:
		c.lsn, c.seen, c.left = lsn, 0, 0
	}
	c.seen++
	return false
}

// WatchReader watches and returns once that stands; see Reader.
func (kv *KV) WatchReader(
	ctx context.Context, patterns []string, options ...WatchOption,
) (*Reader[KeyEvent], error) {
	var w watching
	for _, o := range options {
		o(&w)
	}
	r, _, err := kv.watch(ctx, patterns, w)
	return r, err
}

// watch subscribes; lsn is where it begins, "" without a journal.
func (kv *KV) watch(
	ctx context.Context, patterns []string, w watching,
) (r *Reader[KeyEvent], lsn string, err error) {
	s := &subject{command: "kv.watch",
		fields: []field{{"to", "keys"}, {"keys", patterns}}}
	if w.from != "" {
		s.fields = append(s.fields, field{"from_lsn", w.from})
	}
	if w.bare {
		s.fields = append(s.fields, field{"mode", "notify"})
	}
	if len(patterns) == 1 {
		mode := "value"
		if w.bare {
			mode = "notify"
		}
		s.line = []any{"KV.WATCH", patterns[0], mode}
		if w.from != "" {
			s.line = append(s.line, "FROM", w.from)
		}
	}
	f, opened, err := kv.c.openFeed(ctx, s)
	if err != nil {
		return nil, "", err
	}
	if v := member(opened, "lsn"); v != nil {
		lsn = strconv.FormatInt(toInt(v), 10)
	}
	return &Reader[KeyEvent]{f, s.command, decodeKeyEvent}, lsn, nil
}

func decodeKeyEvent(p pushed) (e KeyEvent, ok bool, err error) {
	if len(p.words) == 3 {
		err = e.read(toBytes(p.words[2]))
		return e, err == nil && toText(p.words[0]) == "message", err
	}
	m, ok, err := decodeTopic(p)
	if err != nil || !ok {
		return e, false, err
	}
	err = e.read(m.Payload)
	if e.LSN != 0 {
		e.id = m.ID
	}
	return e, err == nil, err
}

// read reads the payload of a watch's message.
func (e *KeyEvent) read(text []byte) error {
	return members(text, func(name, value []byte) {
		switch string(name) {
		case "key":
			e.Key = jsonText(value)
		case "event":
			e.Event = jsonText(value)
		case "version":
			e.Version = jsonInt(value)
		case "value":
			e.Value = []byte(jsonText(value))
		case "truncated":
			e.Truncated = string(value) == "true"
		case "lsn":
			e.LSN = jsonInt(value)
		}
	})
}

// TopicMessage is a message of a topic.
type TopicMessage struct {
	ID      string // "" over resp://
	Topic   string
	Payload json.RawMessage // JSON text
	Time    time.Time       // as exact as seconds; zero over resp://
	// Lost says that messages before this one may be missing, because the connection was lost.
	Lost bool
}

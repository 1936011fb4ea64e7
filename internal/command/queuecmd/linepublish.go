package queuecmd

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/command/lines"
	"github.com/synapdb/synap/internal/command/plan"
	"github.com/synapdb/synap/internal/store/queue"
)

const (
	publishWords = "name payload [priority [max-retries]] [PRIORITY priority] " +
		"[RETRIES max-retries] [DELAY milliseconds|AT unix-time-milliseconds] " +
		"[TTL milliseconds] [DEDUP dedup-id] [HEADERS json] [IFVERSION key version]"
	manyWords = "name payload [payload ...]"
)

func publishLines() []*command.Row {
	return []*command.Row{{
		Name: "QPUBLISH", Arity: -3, Queue: 1, Flags: grows, Words: publishWords,
		Guard:   guardOf,
		Summary: "Adds a message to a queue and returns its id.",
		Run:     publishLine,
	}, {
		Name: "QMPUBLISH", Aliases: []string{"QPUBLISHM"}, Arity: -3, Queue: 1,
		Flags: command.Write | command.Grows, Words: manyWords,
		Summary: "Adds many messages at once and returns their ids, or errors once it is full.",
		Run:     publishManyLine,
	}}
}

// putLine is a QPUBLISH: what goes beyond a message.
type putLine struct {
	delay, at, ttl int64
	delayed, dated bool // delay or at was given
	guarded        bool
	key            []byte
	version        int64
}

// read reads the words behind the payload into m and p.
func (p *putLine) read(words [][]byte, m *queue.Message) error {
	m.Priority, m.MaxRetries = -1, -1
	if len(words) == 0 {
		return nil
	}
	l := line{lines.Reader{Words: words, Row: "QPUBLISH", Usage: publishWords}}
	if n, given := l.bareNumber("priority"); given {
		m.Priority = highest(n)
		if n, given = l.bareNumber("max-retries"); given {
			m.MaxRetries = int(min(n, mostRetries))
		}
	}
	for l.More() {
		switch {
		case l.Is("PRIORITY"):
			m.Priority = highest(l.Number("PRIORITY"))
		case l.Is("RETRIES"):
			m.MaxRetries = int(min(l.Number("RETRIES"), mostRetries))
		case !p.dated && l.Is("DELAY"):
			p.delay, p.delayed = l.Number("DELAY"), true
		case !p.delayed && l.Is("AT"):
			p.at, p.dated = l.Number("AT"), true
		case l.Is("TTL"):
			p.ttl = l.Number("TTL")
		case l.Is("DEDUP"):
			m.Dedup = l.Word()
		case l.Is("HEADERS"):
			m.Headers = l.Word()
		case l.Is("IFVERSION"):
			p.key, p.version, p.guarded = l.Word(), l.Number("the version of IFVERSION"), true
		default:
			l.Bad()
		}
	}
	return l.Err
}

func highest(priority int64) int { return int(min(priority, queue.Priorities-1)) }

// guardOf finds the key of IFVERSION. A line with a fault has none: it will not run.
func guardOf(argv [][]byte) []byte {
	var p putLine
	var m queue.Message
	if len(argv) < 4 || p.read(argv[3:], &m) != nil || !p.guarded {
		return nil
	}
	if p.key == nil {
		return []byte{}
	}
	return p.key
}

func publishLine(c *command.Ctx, argv [][]byte) error {
	s := borrow()
	defer s.giveBack()
	m := &s.message
	m.Payload = argv[2]
	if err := checkPayload(c, m.Payload); err != nil {
		return err
	}
	var p putLine
	if err := p.read(argv[3:], m); err != nil {
		return err
	}
	if len(m.Headers) > 0 {
		var err error
		if m.Headers, err = compact(m.Headers); err != nil {
			return err
		}
	}
	if err := when(c.Now, m, p.delay, p.at, p.ttl); err != nil {
		return err
	}
	if p.guarded {
		if err := command.CheckKey(p.key); err != nil {
			return err
		}
		if err := plan.CheckVersion(c.Tx, c.DB, p.key, p.version); err != nil {
			return err
		}
	}
	if err := room(c); err != nil {
		return err
	}
	done, err := c.Queues.Publish(argv[1], m)
	if err != nil {
		return err
	}
	s.replyID(c.Reply, done.ID)
	return nil
}

// compact takes the white space out of a JSON object.
func compact(object []byte) ([]byte, error) {
	var b bytes.Buffer
	if !utf8.Valid(object) || json.Compact(&b, object) != nil || b.Bytes()[0] != '{' {
		return nil, errHeaders
	}
	return b.Bytes(), nil
}

func publishManyLine(c *command.Ctx, argv [][]byte) error {
	for _, payload := range argv[2:] {
		if err := checkPayload(c, payload); err != nil {
			return err
		}
	}
	if err := room(c); err != nil {
		return err
	}
	s := borrow()
	defer s.giveBack()
	var d batchDone
	for i, payload := range argv[2:] {
		s.message = queue.Message{Payload: payload, Priority: -1, MaxRetries: -1}
		if err := d.put(c, s, argv[1], i == len(argv)-3); err != nil {
			return err
		}
	}
	c.Reply.Array(len(s.done))
	for _, one := range s.done {
		if one.taken {
			s.replyID(c.Reply, one.id)
		} else {
			c.Reply.Error(d.why)
		}
	}
	return nil
}

package crash

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
)

const fleeting = "fleeting" // the room that is made again and again

var lasting = []string{"hall", "small"}

// halls is what the speakers know of the rooms.
type halls struct {
	mu         sync.Mutex
	rooms      map[string]*hall
	kept       map[string]bool // keys of batches that were answered
	generation uint64          // the last that a room was seen with
}

// hall is what is known of one room.
type hall struct {
	most    int // events kept
	heard   map[uint64]string
	asked   map[string]string // texts that nobody has answered, and the keys of their batches
	cursors map[string]*cursor
}

// cursor is where a consumer's cursor may be: where it was put last, or was asked to be since.
type cursor struct {
	set   string
	asked []string
}

func newHalls() *halls {
	h := &halls{rooms: map[string]*hall{}, kept: map[string]bool{}}
	for name, most := range map[string]int{"hall": 20_000, "small": 50, fleeting: 0} {
		h.rooms[name] = &hall{most: most, heard: map[uint64]string{}, asked: map[string]string{},
			cursors: map[string]*cursor{}}
	}
	return h
}

// saying notes a text that is about to be published, in a batch with a key if that is not empty.
func (h *halls) saying(room, text, key string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.rooms[room].asked[text] = key
}

func (h *halls) said(room, text string, offset uint64) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	r := h.rooms[room]
	delete(r.asked, text)
	if other, twice := r.heard[offset]; twice {
		return fmt.Errorf("room %s: offset %d is given twice, to %.40q and %.40q", room, offset,
			other, text)
	}
	r.heard[offset] = text
	return nil
}

func (h *halls) dealt(key string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.kept[key] = true
}

func (h *halls) moving(room, consumer string, offset uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := h.rooms[room].cursors[consumer]
	if c == nil {
		c = &cursor{}
		h.rooms[room].cursors[consumer] = c
	}
	c.asked = append(c.asked, fmt.Sprint(offset))
}

func (h *halls) moved(room, consumer string, offset uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := h.rooms[room].cursors[consumer]
	c.set, c.asked = fmt.Sprint(offset), c.asked[1:]
}

// born notes the generation of a room that was just made.
func (h *halls) born(generation uint64) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if generation <= h.generation {
		return fmt.Errorf("a room of generation %d after one of %d", generation, h.generation)
	}
	h.generation = generation
	return nil
}

// remade compares the room that is made anew with what was seen of it.
func (h *halls) remade(found *finding) error {
	if found.absent { // the last answer may be that to its deletion
		return nil
	}
	if found.Generation < h.generation {
		return fmt.Errorf("it has generation %d, not %d", found.Generation, h.generation)
	}
	h.generation = found.Generation
	return nil
}

// finding is a room as a server shows it.
type finding struct {
	absent     bool
	Generation uint64
	Min        uint64   `json:"min_offset"`
	Next       uint64   `json:"next_offset"`
	texts      []string // of the events from Min on
	cursors    map[string]string
}

// room reads a whole room.
func (c *caller) room(name string) (*finding, error) {
	f := &finding{cursors: map[string]string{}}
	err := c.call("stream.stats", object{"room": name}, f)
	if no := (refusal{}); errors.As(err, &no) && strings.Contains(no.text, "not found") {
		f.absent = true
		return f, nil
	}
	for next := f.Min; err == nil && next < f.Next; {
		var page struct {
			Events []struct {
				Offset uint64
				Value  string
			}
			Next uint64 `json:"next_offset"`
		}
		err = c.call("stream.history", object{"room": name, "from_offset": next,
			"limit": 10_000}, &page)
		for _, e := range page.Events {
			if e.Offset != next {
				return nil, fmt.Errorf("offset %d follows on %d", e.Offset, next)
			}
			f.texts = append(f.texts, e.Value)
			next++
		}
		if err == nil && page.Next != next {
			return nil, fmt.Errorf("the next offset is %d, not %d", page.Next, next)
		}
	}
	var info struct {
		Consumers []struct {
			Consumer string
			Offset   uint64
		}
	}
	if err == nil {
		err = c.call("stream.info", object{"room": name}, &info)
	}
	for _, one := range info.Consumers {
		f.cursors[one.Consumer] = strconv.FormatUint(one.Offset, 10)
	}
	return f, err
}

// deals are the keys of batches. Those that were answered must be there.
func (h *halls) deals(c *caller) (map[string]bool, error) {
	var reply struct{ Keys []string }
	if err := c.call("kv.keys", object{"prefix": "deal:"}, &reply); err != nil {
		return nil, err
	}
	there := map[string]bool{}
	for _, key := range reply.Keys {
		there[key] = true
	}
	for key := range h.kept {
		if !there[key] {
			return nil, fmt.Errorf("the key %s of a batch is gone", key)
		}
	}
	for key := range there {
		h.kept[key] = true
	}
	return there, nil
}

// settle compares what a server holds after a kill with what may be, and takes it as the truth.
func (r *hall) settle(found *finding, deals map[string]bool) error {
	if found.absent {
		return errors.New("it is gone")
	}
	// What an atomic batch pushes out goes by a record of its own.
	if n := len(found.texts); n < min(r.most, int(found.Next)) || n > r.most+2 {
		return fmt.Errorf("it keeps %d events of %d", n, found.Next)
	}
	places := map[string]uint64{}
	for i, text := range found.texts {
		offset := found.Min + uint64(i)
		if _, twice := places[text]; twice {
			return fmt.Errorf("%.40q is there twice", text)
		}
		places[text] = offset
		key, asked := r.asked[text]
		switch known, heard := r.heard[offset]; {
		case heard && known != text:
			return fmt.Errorf("offset %d has %.40q, not %.40q", offset, text, known)
		case !heard && !asked:
			return fmt.Errorf("%.40q at %d was never asked for, or refused", text, offset)
		case asked && key != "" && !deals[key]:
			return fmt.Errorf("half of a batch: %.40q is there, %s is not", text, key)
		}
	}
	for offset := range r.heard {
		if offset >= found.Next {
			return fmt.Errorf("offset %d was answered, and the next one is %d", offset, found.Next)
		}
	}
	if err := r.unanswered(places, found, deals); err != nil {
		return err
	}
	clear(r.asked)
	clear(r.heard)
	for text, offset := range places {
		r.heard[offset] = text
	}
	return r.settleCursors(found)
}

// unanswered looks at batches whose key is there: so must be their events, unless the room was full
// since.
func (r *hall) unanswered(
	places map[string]uint64, found *finding, deals map[string]bool,
) error {
	for text, key := range r.asked {
		if _, there := places[text]; key != "" && deals[key] && !there && found.Min == 0 {
			return fmt.Errorf("half of a batch: %s is there, %.40q is not", key, text)
		}
	}
	return nil
}

func (r *hall) settleCursors(found *finding) error {
	for consumer, c := range r.cursors {
		at := found.cursors[consumer]
		fine := at == c.set
		for _, asked := range c.asked {
			fine = fine || at == asked
		}
		if !fine {
			return fmt.Errorf("the cursor of %s is at %q, not at %q or one of %v", consumer, at,
				c.set, c.asked)
		}
		c.set, c.asked = at, nil
	}
	return nil
}

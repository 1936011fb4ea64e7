package queuecmd

import (
	"encoding/hex"
	"strconv"
	"sync"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/store/queue"
)

// keepItems is how many messages an idle scratch has room for.
const keepItems = 256

// scratch is what a command needs for the moment. It is pooled, not of a session: few commands run
// at once, and many sessions are connected.
type scratch struct {
	views   []queue.View
	ids     []queue.ID
	done    []result
	message queue.Message
	deliver queue.Deliver
	lease   queue.Lease
	text    [64]byte
}

// result is what became of one message of many.
type result struct {
	id    queue.ID
	taken bool
	err   error
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

func borrow() *scratch { return scratches.Get().(*scratch) }

// giveBack forgets all that was borrowed: it belongs to stores and requests.
func (s *scratch) giveBack() {
	clear(s.views)
	clear(s.done)
	s.views, s.ids, s.done = s.views[:0], s.ids[:0], s.done[:0]
	s.message, s.deliver, s.lease = queue.Message{}, queue.Deliver{}, queue.Lease{}
	if cap(s.views) > keepItems || cap(s.ids) > keepItems || cap(s.done) > keepItems {
		s.views, s.ids, s.done = nil, nil, nil
	}
	scratches.Put(s)
}

func (s *scratch) replyID(r command.Reply, id queue.ID) {
	r.Text(queue.AppendID(s.text[:0], id))
}

// replyToken writes a token as 16 hex digits.
func (s *scratch) replyToken(r command.Reply, token uint64) {
	r.Text(appendToken(s.text[:0], token))
}

func appendToken(dst []byte, token uint64) []byte {
	var bytes [8]byte
	for i := range bytes {
		bytes[i] = byte(token >> (56 - 8*i))
	}
	return hex.AppendEncode(dst, bytes[:])
}

// parseToken reads what replyToken wrote. 0 is none: it would match every delivery.
func parseToken(text []byte) (uint64, error) {
	if len(text) != 16 {
		return 0, errToken
	}
	token, err := strconv.ParseUint(string(text), 16, 64)
	if err != nil || token == 0 {
		return 0, errToken
	}
	return token, nil
}

package rediscmd

import (
	"bytes"
	"container/list"
	"sync"
)

// Bounds of what unfinished scans may keep.
const (
	maxCursors     = 4096
	maxCursorBytes = 16 << 20
)

// cursors remembers where unfinished scans stand. A scan holds at most two cursors: the one last
// handed out, and the one before it, so that a client that lost a reply may ask again. Over the
// bounds the oldest is dropped; asking for it is an error, since starting again would double keys
// and going on from elsewhere would lose some.
type cursors struct {
	count, bytes int // bounds
	mu           struct {
		sync.Mutex
		byID  map[uint64]*list.Element
		age   list.List // of *cursor, oldest first
		bytes int
		last  uint64
	}
}

type cursor struct {
	id, before uint64 // before is the cursor this one continues, 0 if none
	db         uint8
	key        []byte // the last key that was looked at
}

func newCursors(count, bytes int) *cursors {
	t := &cursors{count: count, bytes: bytes}
	t.mu.byID = map[uint64]*list.Element{}
	return t
}

// resume is the key after which cursor id goes on in db. Its predecessor is forgotten: the client
// has got this one.
func (t *cursors) resume(id uint64, db uint8) (key []byte, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	element := t.mu.byID[id]
	if element == nil || element.Value.(*cursor).db != db {
		return nil, false
	}
	at := element.Value.(*cursor)
	t.drop(t.mu.byID[at.before])
	return at.key, true
}

// handOut makes a cursor that continues the scan of cursor before (0: a new one) after key.
func (t *cursors) handOut(before uint64, db uint8, key []byte, now int64) uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.mu.last = max(t.mu.last+1, firstID(now))
	at := &cursor{id: t.mu.last, before: before, db: db, key: bytes.Clone(key)}
	t.mu.byID[at.id] = t.mu.age.PushBack(at)
	t.mu.bytes += len(key)
	for len(t.mu.byID) > t.count || t.mu.bytes > t.bytes {
		t.drop(t.mu.age.Front())
	}
	return at.id
}

// firstID is the smallest cursor to hand out at now (ms since the Unix epoch). Cursors grow with
// time, so that those of a server before a restart are unknown to the one after it, and stay
// below 2^53, because some clients read them as doubles.
func firstID(now int64) uint64 { return uint64(now/1000) << 20 }

func (t *cursors) drop(element *list.Element) {
	if element == nil {
		return
	}
	at := t.mu.age.Remove(element).(*cursor)
	delete(t.mu.byID, at.id)
	t.mu.bytes -= len(at.key)
}

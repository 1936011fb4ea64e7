package queue

import (
	"sync/atomic"
	"unsafe"

	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/store/slab"
)

// Everything that grows with messages lies in blocks of the shard's arena, none of it in Go's
// heap. The top byte of a block's first 8 says what it is, for compaction.
//
//	message | kind, number | seq | created | next, prev | aux, queue | payload, headers length |
//	        | retries, most | priority, state, form, reason | headers | payload |
//	aux     | kind, bits, message | at | timer next, prev | due | expires | (short ones end)
//	        | token | conn | mate next, prev | holder |
//	page    | kind, used, number | next, prev | 64 refs of messages |
//	memory  | kind, queue | at | timer next, prev | number | order | chain, older |
//	        | newer, length | id |
//
// A ready message of 100 bytes without options takes one block of 160, and 4.7 bytes of a page.
const (
	messageKind = iota
	auxKind
	pageKind
	dedupKind

	kindAt   = 56
	numbered = 1<<48 - 1 // the bits of a message's or page's number

	messageBytes = int(unsafe.Sizeof(message{}))
	largeForm    = 0x80 // bit of form: the payload has a mapping of its own, number inline
	formMask     = 0x7F
	largeInline  = 4
)

// message is the header of a message's block.
type message struct {
	id         uint64 // number; its kind is 0
	seq        uint64
	created    int64
	next, prev slab.Ref // neighbours in the list of its state
	aux        slab.Ref // 0 = none: not leased, not delayed, lives until taken
	queue      uint32   // slot in the shard
	payload    uint32   // length
	headers    uint32   // length
	retries    uint16
	most       uint16 // retries it survives
	priority   uint8
	state      uint8 // effect.MessageState
	form       uint8
	reason     uint8
}

// large is a payload too large for a block. It is counted by reference so that an export can copy
// it without the lock, and that it moves between queues as it is.
type large struct {
	bytes []byte
	refs  atomic.Int32
}

func (l *large) retain() { l.refs.Add(1) }

func (l *large) release() {
	if l.refs.Add(-1) == 0 {
		slab.Unmap(l.bytes)
	}
}

func newLarge(payload []byte) (*large, error) {
	b, err := slab.Map(len(payload))
	if err != nil {
		return nil, err
	}
	copy(b, payload)
	l := &large{bytes: b}
	l.refs.Store(1)
	return l, nil
}

func (sh *shard) message(ref slab.Ref) *message { return (*message)(sh.arena.Ptr(ref)) }

func kindOf(first uint64) uint64 { return first >> kindAt }

// at is a view of n bytes of the block behind the header, from off on.
func (m *message) at(off, n int) []byte {
	return unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(m), messageBytes+off)), n)
}

func (m *message) isLarge() bool { return m.form&largeForm != 0 }

func (m *message) headerBytes() []byte { return m.at(0, int(m.headers)) }

// largeNumber is where a large payload stands in the shard's table.
func (m *message) largeNumber() *[largeInline]byte {
	return (*[largeInline]byte)(m.at(int(m.headers), largeInline))
}

func (sh *shard) largeOf(m *message) *large {
	b := m.largeNumber()
	return sh.large[uint32(b[0])|uint32(b[1])<<8|uint32(b[2])<<16|uint32(b[3])<<24]
}

func (sh *shard) payload(m *message) []byte {
	if m.isLarge() {
		return sh.largeOf(m).bytes
	}
	return m.at(int(m.headers), int(m.payload))
}

// blockBytes is the size of a message's block before it is rounded to a class.
func (m *message) blockBytes() int {
	if m.isLarge() {
		return messageBytes + int(m.headers) + largeInline
	}
	return messageBytes + int(m.headers) + int(m.payload)
}

// cost is the memory of a message, its aux and its share of pages excepted.
func (m *message) cost() int64 {
	n := int64(slab.Fit(m.blockBytes()))
	if m.isLarge() {
		n += int64(m.payload)
	}
	return n
}

// newMessage makes the block of the message that e puts, known to nothing yet. A large payload is
// taken from shared if that is not nil. It fails when the system has no memory.
func (sh *shard) newMessage(q *queue, e *effect.Queue, shared *large) (slab.Ref, error) {
	if err := sh.open(); err != nil {
		return 0, err
	}
	size := messageBytes + len(e.Headers) + len(e.Payload)
	form := uint8(e.Form)
	if size > slab.MaxBlock {
		if shared == nil {
			var err error
			if shared, err = newLarge(e.Payload); err != nil {
				return 0, err
			}
		} else {
			shared.retain()
		}
		size, form = messageBytes+len(e.Headers)+largeInline, form|largeForm
	}
	ref := sh.arena.Alloc(size)
	m := sh.message(ref)
	*m = message{
		id: e.Message, seq: e.Seq, created: e.Created, queue: q.slot,
		payload: uint32(len(e.Payload)), headers: uint32(len(e.Headers)),
		retries: uint16(e.Retries), most: uint16(e.MaxRetry),
		priority: e.Priority, form: form, reason: uint8(e.Reason),
	}
	copy(m.headerBytes(), e.Headers)
	if form&largeForm != 0 {
		sh.keepLarge(m, shared)
	} else {
		copy(m.at(len(e.Headers), len(e.Payload)), e.Payload)
	}
	q.stats.Bytes += m.cost()
	return ref, nil
}

func (sh *shard) keepLarge(m *message, l *large) {
	n := len(sh.large)
	if last := len(sh.freeLarge) - 1; last >= 0 {
		n = int(sh.freeLarge[last])
		sh.freeLarge = sh.freeLarge[:last]
		sh.large[n] = l
	} else {
		sh.large = append(sh.large, l)
	}
	*m.largeNumber() = [largeInline]byte{byte(n), byte(n >> 8), byte(n >> 16), byte(n >> 24)}
	sh.largeBytes += int64(m.payload)
}

// freeMessage frees a message that nothing knows any more, with its aux.
func (sh *shard) freeMessage(q *queue, ref slab.Ref, m *message) {
	q.stats.Bytes -= m.cost()
	if m.aux != 0 {
		sh.freeAux(q, m)
	}
	if m.isLarge() {
		b := m.largeNumber()
		n := uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24
		sh.large[n].release()
		sh.large[n] = nil
		sh.freeLarge = append(sh.freeLarge, n)
		sh.largeBytes -= int64(m.payload)
	}
	sh.arena.Free(ref)
}

// view is the message as readers see it, valid while the shard is locked.
func (sh *shard) view(q *queue, m *message) View {
	v := View{
		ID: ID{q.set.Incarnation, m.id}, Payload: sh.payload(m), Headers: m.headerBytes(),
		Form: effect.PayloadForm(m.form & formMask), State: effect.MessageState(m.state),
		Reason: effect.Reason(m.reason), Priority: int(m.priority), Retries: int(m.retries),
		MaxRetries: int(m.most), Created: m.created,
	}
	if m.aux == 0 {
		return v
	}
	a := sh.aux(m.aux)
	v.Expires = a.expires
	switch v.State {
	case effect.Leased:
		v.Due, v.Token, v.Consumer = a.due, a.token, q.holderAt(a.holder).name
	case effect.Delayed:
		v.Due = a.due
	}
	return v
}

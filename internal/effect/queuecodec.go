package effect

import (
	"encoding/binary"
	"fmt"
	"math"
)

// The bytes of an effect over queues; see codec.go for what holds them. v is an unsigned varint, s
// a signed one, what stands in brackets is there if bits say so. Times called "after" are counted
// from created.
//
//	QueueSet    | kind 1 | nameLen v | name | bits 1 | incarnation 8 | created s | message v |
//	            | seq v | maxDepth v | ackDeadline v | maxRetries v | priority 1 | prefetch v |
//	            | base v | cap v | backoff v | jitter v | ttl v | dedupWindow v |
//	            | deadLetterLen v | deadLetter |
//	QueueDelete | kind 1 | nameLen v | name |
//	QueuePut    | kind 1 | nameLen v | name | bits 1 | reason 4 bits, priority 4 bits |
//	            | message v | seq v | created s | retries v | maxRetry v | [expires s, after] |
//	            | [due s, after] | [token 8 | consumerLen v | consumer] |
//	            | [dedupUntil s, after | dedupLen v | dedup] |
//	            | headersLen v | payloadLen v | headers | payload |
//	QueueLease  | kind 1 | nameLen v | name | message v | push 1 | token 8 | due s |
//	            | consumerLen v | consumer |
//	QueueReturn | kind 1 | nameLen v | name | message v | reason 4 bits, bits 4 | seq v |
//	            | retries v | [expires s] | [due s] |
//	QueueRemove | kind 1 | nameLen v | name | message v | reason 1 |
//	QueueDead   | kind 1 | nameLen v | name | message v | reason 1 | seq v | retries v |
//	QueuePurge  | kind 1 | nameLen v | name | state 1 | seq v |
//	QueueDedup  | kind 1 | nameLen v | name | message v | dedupUntil s | dedupLen v | dedup |
//
//	bits of QueueSet:    0 paused, 1 drop oldest, 2 single active
//	bits of QueuePut:    0-1 state, 2-3 form, 4 has expires, 5 has dedup, 6 push
//	bits of QueueReturn: 0-1 state, 2 has expires
//
// Due is there for states Delayed and Leased, token and consumer for Leased. In QueueSet message
// and seq are the highest that the queue has given, so that none is given twice. A QueuePut of a
// short message takes about 20 bytes beyond name and payload, a QueueLease 19 beyond names, a
// QueueRemove 5.

// AppendQueue appends the bytes of e, whose kind must be one over queues, to dst. It keeps nothing
// of e, and leaves out fields that e.Kind does not use.
func AppendQueue(dst []byte, e *Queue) []byte {
	dst = AppendQueueHead(dst, e, len(e.Payload))
	if e.Kind != QueuePut {
		return dst
	}
	return append(dst, e.Payload...)
}

// AppendQueueHead is AppendQueue without the payload, of payloadLen bytes, which the caller
// appends: e.Payload is not looked at. For kinds that have no payload it is all.
func AppendQueueHead(dst []byte, e *Queue, payloadLen int) []byte {
	dst = append(dst, byte(e.Kind))
	dst = appendBytes(dst, e.Name)
	switch e.Kind {
	case QueueSet:
		return appendSettings(dst, e)
	case QueuePut:
		return appendPut(dst, e, payloadLen)
	case QueueLease:
		dst = binary.AppendUvarint(dst, e.Message)
		dst = append(dst, bit(e.Push, 0))
		dst = binary.LittleEndian.AppendUint64(dst, e.Token)
		dst = binary.AppendVarint(dst, e.Due)
		return appendBytes(dst, e.Consumer)
	case QueueReturn:
		dst = binary.AppendUvarint(dst, e.Message)
		dst = append(dst, byte(e.Reason)<<4|byte(e.State)|bit(e.Expires != 0, 2))
		dst = binary.AppendUvarint(dst, e.Seq)
		dst = binary.AppendUvarint(dst, uint64(e.Retries))
		if e.Expires != 0 {
			dst = binary.AppendVarint(dst, e.Expires)
		}
		if e.State.timed() {
			dst = binary.AppendVarint(dst, e.Due)
		}
		return dst
	case QueueRemove:
		dst = binary.AppendUvarint(dst, e.Message)
		return append(dst, byte(e.Reason))
	case QueueDead:
		dst = binary.AppendUvarint(dst, e.Message)
		dst = append(dst, byte(e.Reason))
		dst = binary.AppendUvarint(dst, e.Seq)
		return binary.AppendUvarint(dst, uint64(e.Retries))
	case QueuePurge:
		dst = append(dst, byte(e.State))
		return binary.AppendUvarint(dst, e.Seq)
	case QueueDedup:
		dst = binary.AppendUvarint(dst, e.Message)
		dst = binary.AppendVarint(dst, e.DedupUntil)
		return appendBytes(dst, e.Dedup)
	}
	return dst // QueueDelete
}

func appendSettings(dst []byte, e *Queue) []byte {
	s := &e.Settings
	dst = append(dst, bit(s.Paused, 0)|bit(s.DropOldest, 1)|bit(s.SingleActive, 2))
	dst = binary.LittleEndian.AppendUint64(dst, s.Incarnation)
	dst = binary.AppendVarint(dst, s.Created)
	dst = binary.AppendUvarint(dst, e.Message)
	dst = binary.AppendUvarint(dst, e.Seq)
	dst = binary.AppendUvarint(dst, uint64(s.MaxDepth))
	dst = binary.AppendUvarint(dst, uint64(s.AckDeadline))
	dst = binary.AppendUvarint(dst, uint64(s.MaxRetries))
	dst = append(dst, s.Priority)
	for _, n := range [...]uint64{
		uint64(s.Prefetch), uint64(s.BackoffBase), uint64(s.BackoffCap), uint64(s.BackoffMilli),
		uint64(s.JitterMilli), uint64(s.TTL), uint64(s.DedupWindow), uint64(len(s.DeadLetter)),
	} {
		dst = binary.AppendUvarint(dst, n)
	}
	return append(dst, s.DeadLetter...)
}

func appendPut(dst []byte, e *Queue, payloadLen int) []byte {
	dst = append(dst, byte(e.State)|byte(e.Form)<<2|bit(e.Expires != 0, 4)|
		bit(len(e.Dedup) > 0, 5)|bit(e.Push, 6))
	dst = append(dst, byte(e.Reason)<<4|e.Priority)
	dst = binary.AppendUvarint(dst, e.Message)
	dst = binary.AppendUvarint(dst, e.Seq)
	dst = binary.AppendVarint(dst, e.Created)
	dst = binary.AppendUvarint(dst, uint64(e.Retries))
	dst = binary.AppendUvarint(dst, uint64(e.MaxRetry))
	if e.Expires != 0 {
		dst = binary.AppendVarint(dst, e.Expires-e.Created)
	}
	if e.State.timed() {
		dst = binary.AppendVarint(dst, e.Due-e.Created)
	}
	if e.State == Leased {
		dst = binary.LittleEndian.AppendUint64(dst, e.Token)
		dst = appendBytes(dst, e.Consumer)
	}
	if len(e.Dedup) > 0 {
		dst = binary.AppendVarint(dst, e.DedupUntil-e.Created)
		dst = appendBytes(dst, e.Dedup)
	}
	dst = binary.AppendUvarint(dst, uint64(len(e.Headers)))
	dst = binary.AppendUvarint(dst, uint64(payloadLen))
	return append(dst, e.Headers...)
}

// DecodeQueue reads the first effect of b, which must be one over queues; rest is what follows it.
// Slices are views of b. Any b is safe; what it may name (states, sizes, times) is for the store
// to check. The error is ErrMalformed.
func DecodeQueue(b []byte) (e Queue, rest []byte, err error) {
	r := reader{b: b}
	e.Kind = Kind(r.byte())
	e.Name = r.bytes(r.number())
	switch e.Kind {
	case QueueSet:
		r.settings(&e)
	case QueueDelete:
	case QueuePut:
		r.put(&e)
	case QueueLease:
		e.Message = r.whole()
		e.Push = r.flags(1)&1 != 0
		e.Token = r.fixed()
		e.Due = r.signed()
		e.Consumer = r.bytes(r.number())
		e.State = Leased
	case QueueReturn:
		e.Message = r.whole()
		bits := r.flags(0xF7)
		e.Reason, e.State = Reason(bits>>4), MessageState(bits&3)
		e.Seq = r.whole()
		e.Retries = r.version()
		if bits&4 != 0 {
			e.Expires = r.signed()
		}
		if e.State.timed() {
			e.Due = r.signed()
		}
	case QueueRemove:
		e.Message = r.whole()
		e.Reason = Reason(r.byte())
	case QueueDead:
		e.Message = r.whole()
		e.Reason = Reason(r.byte())
		e.Seq = r.whole()
		e.Retries = r.version()
		e.State = DeadLetter
	case QueuePurge:
		e.State = MessageState(r.byte())
		e.Seq = r.whole()
	case QueueDedup:
		e.Message = r.whole()
		e.DedupUntil = r.signed()
		e.Dedup = r.bytes(r.number())
	default:
		r.bad = true
	}
	if r.bad {
		return Queue{}, nil, fmt.Errorf("%w: kind %d, %d bytes", ErrMalformed, e.Kind, len(b))
	}
	return e, r.b, nil
}

func (r *reader) settings(e *Queue) {
	s := &e.Settings
	bits := r.flags(7)
	s.Paused, s.DropOldest, s.SingleActive = bits&1 != 0, bits&2 != 0, bits&4 != 0
	s.Incarnation = r.fixed()
	s.Created = r.signed()
	e.Message = r.whole()
	e.Seq = r.whole()
	s.MaxDepth = r.span()
	s.AckDeadline = r.span()
	s.MaxRetries = r.version()
	s.Priority = r.byte()
	s.Prefetch = r.version()
	s.BackoffBase = r.span()
	s.BackoffCap = r.span()
	s.BackoffMilli = r.version()
	s.JitterMilli = r.version()
	s.TTL = r.span()
	s.DedupWindow = r.span()
	s.DeadLetter = string(r.bytes(r.number()))
}

func (r *reader) put(e *Queue) {
	bits := r.flags(0x7F)
	e.State, e.Form, e.Push = MessageState(bits&3), PayloadForm(bits>>2&3), bits&(1<<6) != 0
	class := r.byte()
	e.Reason, e.Priority = Reason(class>>4), class&15
	e.Message = r.whole()
	e.Seq = r.whole()
	e.Created = r.signed()
	e.Retries = r.version()
	e.MaxRetry = r.version()
	if bits&(1<<4) != 0 {
		e.Expires = e.Created + r.signed()
	}
	if e.State.timed() {
		e.Due = e.Created + r.signed()
	}
	if e.State == Leased {
		e.Token = r.fixed()
		e.Consumer = r.bytes(r.number())
	}
	if bits&(1<<5) != 0 {
		e.DedupUntil = e.Created + r.signed()
		e.Dedup = r.bytes(r.number())
	}
	headers, payload := r.number(), r.number()
	e.Headers = r.bytes(headers)
	e.Payload = r.bytes(payload)
}

// timed says whether messages in the state have a Due.
func (s MessageState) timed() bool { return s == Delayed || s == Leased }

func appendBytes(dst, b []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(b)))
	return append(dst, b...)
}

func bit(set bool, at uint) byte {
	if set {
		return 1 << at
	}
	return 0
}

// flags takes a byte of which only the bits of known may be set.
func (r *reader) flags(known byte) byte {
	c := r.byte()
	if c&^known != 0 {
		r.bad = true
	}
	return c
}

func (r *reader) whole() uint64 { return r.unsigned(math.MaxUint64) }

// span takes a length of time, or a count, that is not negative.
func (r *reader) span() int64 { return int64(r.unsigned(math.MaxInt64)) }

func (r *reader) fixed() uint64 {
	if len(r.b) < 8 {
		r.bad = true
		return 0
	}
	v := binary.LittleEndian.Uint64(r.b)
	r.b = r.b[8:]
	return v
}

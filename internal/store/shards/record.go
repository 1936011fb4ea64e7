package shards

import "unsafe"

// keptScratch bounds the buffer that a shard keeps between records, in bytes.
const keptScratch = 256 << 10

// Record is the effects of a transaction, encoded. Its buffer is lent by a locked shard:
// transactions, of which every connection has one, hold no memory of their own. The zero value is
// empty and has no buffer.
type Record struct {
	Bytes  []byte // to be appended to after Borrow
	lender *[]byte
}

// Borrow makes scratch the buffer, if there is none yet. Its shard stays locked until GiveBack.
func (r *Record) Borrow(scratch *[]byte) {
	if !r.Lent() {
		r.lender, r.Bytes = scratch, (*scratch)[:0]
	}
}

// Lent says whether there is a buffer.
func (r *Record) Lent() bool { return r.lender != nil }

// GiveBack empties the record and returns the buffer, unless that has grown too large to be kept.
func (r *Record) GiveBack() {
	if !r.Lent() {
		return
	}
	if cap(r.Bytes) <= keptScratch {
		*r.lender = r.Bytes[:0]
	} else {
		*r.lender = nil
	}
	r.lender, r.Bytes = nil, nil
}

// keptBytes bounds each slice that a transaction keeps between uses.
const keptBytes = 2 << 10

// Emptied forgets what a slice of a transaction holds, and the slice if it has grown.
func Emptied[T any](s []T) []T {
	var one T
	if cap(s)*int(unsafe.Sizeof(one)) > keptBytes {
		return nil
	}
	clear(s)
	return s[:0]
}

package plan

import (
	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/store/kv"
)

// Window turns start and end, both inclusive and counted from the end when negative, into the
// half-open range [from, to) of something with length elements. Empty ranges give from == to.
func Window(start, end, length int64) (from, to int64) {
	if start < 0 && end < 0 && start > end {
		return 0, 0
	}
	if start < 0 {
		start = max(start+length, 0)
	}
	if end < 0 {
		end = max(end+length, 0)
	}
	end = min(end, length-1)
	if start > end {
		return 0, 0
	}
	return start, end + 1
}

// GetRange is the part of value from start to end, as Window reads them. It is a view.
func GetRange(value []byte, start, end int64) []byte {
	from, to := Window(start, end, int64(len(value)))
	return value[from:to]
}

// Append puts tail behind the value of key, creating it if absent, and returns the new length
// in bytes. Cost: the tail's length. Error: ErrTooLarge.
func Append(tx *kv.Tx, db uint8, key, tail []byte) (int, error) {
	e, found := tx.Peek(db, key)
	length := 0
	if found {
		length = e.Len()
	}
	if length+len(tail) > kv.MaxValueBytes {
		return 0, ErrTooLarge
	}
	return patch(tx, target{db, key, e, found, effect.ByAppend}, length, tail), nil
}

// SetRange overwrites the bytes from offset (0 or more) on, filling a gap with zeros, and returns
// the new length in bytes. An empty part changes nothing and creates no key. Error: ErrTooLarge.
func SetRange(tx *kv.Tx, db uint8, key []byte, offset int64, part []byte) (int, error) {
	e, found := tx.Peek(db, key)
	if len(part) == 0 {
		if found {
			return e.Len(), nil
		}
		return 0, nil
	}
	if offset > kv.MaxValueBytes-int64(len(part)) {
		return 0, ErrTooLarge
	}
	return patch(tx, target{db, key, e, found, effect.BySetRange}, int(offset), part), nil
}

// target is a key to be patched, by which command, and its entry if it was found.
type target struct {
	db    uint8
	key   []byte
	entry kv.Entry
	found bool
	cause effect.Cause
}

// patch overwrites bytes of a key and returns the new length. The value is a string afterwards: if
// it was flagged as JSON, it is stored anew without the flag, because its bytes need not be JSON
// text any longer. That happens once; later patches are in place.
func patch(tx *kv.Tx, t target, offset int, part []byte) int {
	length := offset + len(part)
	if t.found {
		length = max(length, t.entry.Len())
	}
	if !t.found || t.entry.Flags() == 0 {
		tx.Apply(effect.Effect{
			Kind: effect.Patch, DB: t.db, Offset: offset, Key: t.key, Value: part, Cause: t.cause,
		})
		return length
	}
	whole := make([]byte, length)
	copy(whole, t.entry.Value())
	copy(whole[offset:], part)
	tx.Apply(effect.Effect{
		Kind: effect.Set, DB: t.db, Deadline: t.entry.Deadline(), Key: t.key, Value: whole,
		Cause: t.cause,
	})
	return length
}

package plan

import (
	"math"
	"strconv"

	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/store/kv"
)

// maxIntBytes is the length of the longest signed 64-bit decimal number.
const maxIntBytes = 20

// Int reads a signed 64-bit decimal number in its only canonical spelling: no plus sign, spaces,
// leading zeros or minus zero. What Int accepts, strconv.AppendInt writes back byte for byte.
func Int(b []byte) (int64, bool) {
	negative := len(b) > 0 && b[0] == '-'
	digits := b
	if negative {
		digits = b[1:]
	}
	if len(digits) == 0 || len(b) > maxIntBytes {
		return 0, false
	}
	if digits[0] == '0' {
		return 0, len(b) == 1
	}
	var n uint64
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
		if n > math.MaxUint64/10 {
			return 0, false
		}
		d := uint64(c - '0')
		if n = n*10 + d; n < d {
			return 0, false
		}
	}
	if negative {
		return int64(-n), n <= 1<<63
	}
	return int64(n), n <= math.MaxInt64
}

// Incr adds delta to the number under key, an absent key being 0, and returns the sum. The
// deadline stays; the value becomes a number to JSON readers. cause is ByIncrBy or ByDecrBy.
// Errors: ErrNotInteger, ErrOverflow.
func Incr(
	tx *kv.Tx, db uint8, key []byte, delta int64, cause effect.Cause,
) (int64, error) {
	var old, deadline int64
	if e, found := tx.Peek(db, key); found {
		n, ok := Int(e.Value())
		if !ok {
			return 0, ErrNotInteger
		}
		old, deadline = n, e.Deadline()
	}
	sum := old + delta
	if (sum > old) != (delta > 0) && delta != 0 {
		return 0, ErrOverflow
	}
	var text [maxIntBytes]byte
	tx.Apply(effect.Effect{
		Kind: effect.Set, DB: db, Flags: effect.JSON, Deadline: deadline, Key: key,
		Value: strconv.AppendInt(text[:0], sum, 10), Cause: cause,
	})
	return sum, nil
}

package kv

import (
	"fmt"

	"github.com/synapdb/synap/internal/effect"
)

// ReplayRecord applies a record of the journal, written at timeMillis, exactly: versions and
// deadlines are those recorded, nothing expires that is not said to. It is not recorded again. rest
// begins with the first effect over another store: those over keys come first. What comes before
// it changes nothing and is an error if it is malformed or names what the store can't hold.
//
// Applied in order from any point before a state was exported, records lead to the same state
// as live: but for Swap (see Swaps), an effect that the exported state already contains does no
// harm, since a later effect on the same bytes follows or the effect says what is there anyway.
func (s *Store) ReplayRecord(timeMillis int64, payload []byte) (rest []byte, err error) {
	var t Tx
	s.Begin(&t, timeMillis)
	t.Replay()
	for rest = payload; len(rest) > 0 && rest[0] < effect.FirstQueue; {
		e, more, err := effect.Decode(rest)
		if err != nil {
			return nil, err
		}
		if err := storable(&e); err != nil {
			return nil, err
		}
		switch e.Kind {
		case effect.Flush, effect.FlushAll, effect.Swap:
			t.DeclareAll()
		default:
			t.Declare(e.DB, e.Key)
		}
		rest = more
	}
	t.Lock()
	for own := payload[:len(payload)-len(rest)]; len(own) > 0; {
		var e effect.Effect
		e, own, _ = effect.Decode(own) // it was well-formed above
		t.Apply(e)
	}
	t.Unlock()
	return rest, nil
}

// storable says why an effect from outside can't be applied.
func storable(e *effect.Effect) error {
	if e.DB >= Databases || e.Other >= Databases {
		return fmt.Errorf("%w: database %d or %d", effect.ErrMalformed, e.DB, e.Other)
	}
	if !valid(e) || e.Flags > flagMask>>flagShift {
		return fmt.Errorf("%w: key of %d, value of %d bytes at %d, flags %d",
			effect.ErrMalformed, len(e.Key), len(e.Value), e.Offset, e.Flags)
	}
	return nil
}

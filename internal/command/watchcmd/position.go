package watchcmd

import (
	"bytes"
	"math"
	"strconv"

	"github.com/synapdb/synap/internal/errs"
)

// Position is a place in the journal: behind part Place of record LSN.
type Position struct {
	LSN   uint64
	Place int
}

// wholeRecord is the Place behind all parts of a record.
const wholeRecord = math.MaxInt

var errPosition = errs.Value("the place to watch from must be the lsn of a list of keys, " +
	"or the message_id of an event")

// ParsePosition reads "lsn", which is behind that record, or the id of a message: "lsn-place".
func ParsePosition(text []byte) (Position, error) {
	number, part, both := bytes.Cut(text, []byte{'-'})
	lsn, err := strconv.ParseUint(string(number), 10, 63)
	if err != nil {
		return Position{}, errPosition
	}
	if !both {
		return Position{lsn, wholeRecord}, nil
	}
	place, err := strconv.ParseUint(string(part), 10, 31)
	if err != nil {
		return Position{}, errPosition
	}
	return Position{lsn, int(place)}, nil
}

// first is the number of the first record that has something behind p.
func (p Position) first() uint64 {
	if p.Place == wholeRecord {
		return p.LSN + 1
	}
	return max(p.LSN, 1)
}

// covers says whether part place of a record is not behind p.
func (p Position) covers(lsn uint64, place int) bool {
	return lsn < p.LSN || lsn == p.LSN && place <= p.Place
}

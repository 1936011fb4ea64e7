package effect

import "strconv"

// Cause says by what sort of command an effect came about, where Kind does not tell. State does not
// depend on it. The list is append-only: causes are stored.
type Cause uint8

// The causes.
const (
	// Unsaid: Kind tells it all. A Set with a deadline was given it by the same command.
	Unsaid Cause = iota
	ByAppend
	BySetRange
	BySetBit // of BITFIELD: the first write
	ByIncrBy
	ByDecrBy
	ByIncrByFloat
	ByRenameFrom // the Delete of the old name
	ByRenameTo   // the Set of the new one, which comes before it
	ByCopyTo
	ByMoveFrom // the Delete in the old database
	ByMoveTo   // the Set in the new one, which comes before it
	ByRestore
	ByKeepTTL      // a Set that keeps the deadline that the key had
	ByBitfieldRest // a write that belongs to a BITFIELD's first, or to none that counts
)

var causeNames = [...]string{
	Unsaid: "", ByAppend: "append", BySetRange: "setrange", BySetBit: "setbit",
	ByIncrBy: "incrby", ByDecrBy: "decrby", ByIncrByFloat: "incrbyfloat",
	ByRenameFrom: "rename_from", ByRenameTo: "rename_to", ByCopyTo: "copy_to",
	ByMoveFrom: "move_from", ByMoveTo: "move_to", ByRestore: "restore", ByKeepTTL: "keepttl",
	ByBitfieldRest: "bitfield_rest",
}

// String is the name of c in listings; the number of one that a newer program wrote.
func (c Cause) String() string {
	if int(c) < len(causeNames) {
		return causeNames[c]
	}
	return strconv.Itoa(int(c))
}

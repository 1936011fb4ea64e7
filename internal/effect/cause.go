package effect

// Cause says by what sort of command an effect came about, where Kind does not tell. State does not
// depend on it. The list is append-only: causes are stored.
type Cause uint8

// The causes.
const (
	// Unsaid: Kind tells it all.
	Unsaid Cause = iota
	ByAppend
	BySetRange
	BySetBit
	ByIncrBy
	ByDecrBy
	ByIncrByFloat
	ByRenameFrom // the Delete of the old name
	ByRenameTo   // the Set of the new one
	ByCopyTo
	ByMoveFrom
	ByMoveTo
	ByRestore
)

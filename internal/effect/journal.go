package effect

// Journal is where a transaction hands its effects on, as one record: all of it counts, or nothing.
type Journal interface {
	// Append adds a record and returns its number, above all earlier ones. It copies payload,
	// never fails and never waits for a disk: the caller holds the locks of what changed, so
	// records about one thing are in the order of its changes.
	Append(timeMillis int64, payload []byte) uint64
	// Admit says why no record of so many bytes can be taken now; nil if it can. It is cheap.
	Admit(bytes int) error
}

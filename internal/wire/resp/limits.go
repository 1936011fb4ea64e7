package resp

// Limits bound one request. A zero field means its default.
type Limits struct {
	// Words is the most elements one command may have; 1,048,576 by default.
	Words int
	// BulkBytes is the longest argument (Redis' proto-max-bulk-len); 512 MiB by default,
	// no less than 1 KiB.
	BulkBytes int
	// LineBytes is the longest inline command or length line; 64 KiB by default.
	LineBytes int
	// RequestBytes is the longest command, framing included (Redis' client-query-buffer-limit);
	// 1 GiB by default.
	RequestBytes int
	// ReplyBytes bounds what one command may answer, large values excepted, which are sent from
	// where they lie; 256 MiB by default. A few kilobytes can name the same value a million
	// times.
	ReplyBytes int
}

// withDefaults fills in the zero fields.
func (l Limits) withDefaults() Limits {
	fill := func(v *int, def int) {
		if *v == 0 {
			*v = def
		}
	}
	fill(&l.Words, 1<<20)
	fill(&l.BulkBytes, 512<<20)
	fill(&l.LineBytes, 64<<10)
	fill(&l.RequestBytes, 1<<30)
	fill(&l.ReplyBytes, 256<<20)
	l.BulkBytes = max(l.BulkBytes, 1<<10)
	return l
}

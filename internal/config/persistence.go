package config

// Persistence says where and how firmly writes are kept.
type Persistence struct {
	Dir                  string
	Level                string // memory, os, disk
	FsyncIntervalMS      int
	SegmentMB            int
	SnapshotIntervalSecs int // 0 = never by time
	SnapshotJournalMB    int // 0 = never by size
	SnapshotsKeep        int
	RetainMB             int // journal kept for replicas
	RetainSecs           int // the same by age
}

var persistenceSettings = []Setting{
	{Key: "persistence.dir", Default: "./data", Flag: "data-dir",
		Doc: "Directory of the journal and the snapshots; one server at a time uses it.",
		set: text(func(c *Config) *string { return &c.Persistence.Dir })},
	{Key: "persistence.level", Kind: Choice, Default: "os", Flag: "durability",
		Choices: []string{"memory", "os", "disk"},
		Doc: "What a reply promises: memory = nothing is kept; os = written, survives the end of " +
			"the process; disk = synced, survives a power cut.",
		set: text(func(c *Config) *string { return &c.Persistence.Level })},
	{Key: "persistence.fsync_interval_ms", Kind: Whole, Default: "1000", Min: 10, Max: 60_000,
		Doc: "Level os: how often the journal is synced, and the most that a power cut can cost.",
		set: whole(func(c *Config) *int { return &c.Persistence.FsyncIntervalMS })},
	{Key: "persistence.segment_mb", Kind: Megabytes, Default: "64", Min: 1, Max: 1024,
		Doc: "Size of one journal file; the next one is always prepared beside it.",
		set: whole(func(c *Config) *int { return &c.Persistence.SegmentMB })},
	{Key: "persistence.snapshot_interval_secs", Kind: Whole, Default: "3600", Max: 365 * day,
		Doc: "Seconds between snapshots, if anything changed; 0 = not by time.",
		set: whole(func(c *Config) *int { return &c.Persistence.SnapshotIntervalSecs })},
	{Key: "persistence.snapshot_journal_mb", Kind: Megabytes, Default: "256", Max: 1 << 20,
		Doc: "Journal, at least as much as the last snapshot's size, after which the next is " +
			"made, to keep restarts short; 0 = not by size.",
		set: whole(func(c *Config) *int { return &c.Persistence.SnapshotJournalMB })},
	{Key: "persistence.snapshots_keep", Kind: Whole, Default: "2", Min: 1, Max: 1000,
		Doc: "Snapshots kept; the journal reaches back to the oldest.",
		set: whole(func(c *Config) *int { return &c.Persistence.SnapshotsKeep })},
	{Key: "persistence.retain_mb", Kind: Megabytes, Default: "0", Max: 1 << 20,
		Doc: "Journal kept beyond that for readers such as replicas, at most.",
		set: whole(func(c *Config) *int { return &c.Persistence.RetainMB })},
	{Key: "persistence.retain_secs", Kind: Whole, Default: "0", Max: 365 * day,
		Doc: "The same by age; 0 = size alone decides.",
		set: whole(func(c *Config) *int { return &c.Persistence.RetainSecs })},
}

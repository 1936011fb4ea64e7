package config

// Stream bounds the store of rooms and says what rooms are made with when their maker leaves it
// out.
type Stream struct {
	MaxEvents        int // 0 = no bound
	MaxBytes         int // 0 = no bound
	RetentionSecs    int // 0 = no bound
	HardEvents       int
	AutoCreate       bool
	InactiveRoomSecs int // 0 = rooms stay until they are deleted
	CompactionSecs   int
	Shards           int // power of two, 0 = 8
}

// The bounds are those of the settings of one room.
const (
	mostEvents     = 1_000_000_000
	mostRoomBytes  = 1 << 40
	mostRetention  = 3660 * day
	mostCompaction = 3600
)

var streamSettings = []Setting{
	{Key: "stream.max_events", Kind: Whole, Default: "10000", Max: mostEvents,
		Doc: "Events a room keeps, the newest; more while a subscriber has not read them. " +
			"0 = no bound.",
		set: whole(func(c *Config) *int { return &c.Stream.MaxEvents })},
	{Key: "stream.hard_events", Kind: Whole, Default: "100000", Min: 1, Max: mostEvents,
		Doc: "Events a room keeps at most for subscribers that have not read them.",
		set: whole(func(c *Config) *int { return &c.Stream.HardEvents })},
	{Key: "stream.max_bytes", Kind: Whole, Default: "0", Max: mostRoomBytes,
		Doc: "Bytes of encoded events a room keeps; 0 = no bound.",
		set: whole(func(c *Config) *int { return &c.Stream.MaxBytes })},
	{Key: "stream.retention_secs", Kind: Whole, Default: "3600", Max: mostRetention,
		Doc: "Seconds that a room keeps an event; 0 = no bound.",
		set: whole(func(c *Config) *int { return &c.Stream.RetentionSecs })},
	{Key: "stream.auto_create", Kind: Truth, Default: "false",
		Doc: "Whether the first event makes its room; otherwise there must be one.",
		set: truth(func(c *Config) *bool { return &c.Stream.AutoCreate })},
	{Key: "stream.inactive_room_secs", Kind: Whole, Default: "0", Max: mostRetention,
		Doc: "Seconds after which a room goes that nobody reads, writes or is connected to; " +
			"0 = rooms stay until they are deleted.",
		set: whole(func(c *Config) *int { return &c.Stream.InactiveRoomSecs })},
	{Key: "stream.compaction_secs", Kind: Whole, Default: "60", Min: 1, Max: mostCompaction,
		Doc: "Seconds between two looks for events that are too old and for inactive rooms.",
		set: whole(func(c *Config) *int { return &c.Stream.CompactionSecs })},
	{Key: "stream.shards", Kind: Whole, Default: "0", Max: 256, PowerOf2: true,
		Doc: "Parts of the store of rooms with a lock each; 0 = 8.",
		set: whole(func(c *Config) *int { return &c.Stream.Shards })},
}

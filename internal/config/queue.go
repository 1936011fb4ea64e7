package config

// Queue bounds the queue store and says what queues are made with when their maker leaves it out.
type Queue struct {
	MaxDepth             int // 0 = no bound
	Overflow             string
	AckDeadlineSecs      int
	DefaultMaxRetries    int
	DefaultPriority      int
	PrefetchLimit        int // 0 = no bound
	BackoffBaseMS        int // 0 = failed messages are ready again at once
	BackoffFactor        int
	BackoffCapMS         int
	BackoffJitterPercent int
	TTLSecs              int // 0 = messages live until taken
	DedupWindowSecs      int
	Shards               int // power of two, 0 = 16
}

// The bounds are those of the settings of one queue.
const (
	mostDepth    = 1_000_000_000_000
	mostRetries  = 65_535
	mostPrefetch = 1_000_000
	mostSecs     = 30 * day
	mostMillis   = mostSecs * 1000
)

var queueSettings = []Setting{
	{Key: "queue.max_depth", Kind: Whole, Default: "100000", Max: mostDepth,
		Doc: "Ready and delayed messages a queue may hold; 0 = no bound.",
		set: whole(func(c *Config) *int { return &c.Queue.MaxDepth })},
	{Key: "queue.overflow", Kind: Choice, Default: "reject",
		Choices: []string{"reject", "drop_oldest"},
		Doc:     "What a full queue does: refuse the new message, or remove the oldest.",
		set:     text(func(c *Config) *string { return &c.Queue.Overflow })},
	{Key: "queue.ack_deadline_secs", Kind: Whole, Default: "30", Min: 1, Max: mostSecs,
		Doc: "Seconds a consumer has to acknowledge a message before others get it.",
		set: whole(func(c *Config) *int { return &c.Queue.AckDeadlineSecs })},
	{Key: "queue.default_max_retries", Kind: Whole, Default: "3", Max: mostRetries,
		Doc: "Failed deliveries a message survives; after one more it is a dead letter.",
		set: whole(func(c *Config) *int { return &c.Queue.DefaultMaxRetries })},
	{Key: "queue.default_priority", Kind: Whole, Default: "5", Max: 9,
		Doc: "Priority of messages that bring none; higher is served first.",
		set: whole(func(c *Config) *int { return &c.Queue.DefaultPriority })},
	{Key: "queue.prefetch_limit", Kind: Whole, Default: "0", Max: mostPrefetch,
		Doc: "Messages one consumer may hold without acknowledging them; 0 = no bound.",
		set: whole(func(c *Config) *int { return &c.Queue.PrefetchLimit })},
	{Key: "queue.backoff_base_ms", Kind: Whole, Default: "0", Max: mostMillis,
		Doc: "Delay of a message's first retry; 0 = all retries are at once.",
		set: whole(func(c *Config) *int { return &c.Queue.BackoffBaseMS })},
	{Key: "queue.backoff_factor", Kind: Whole, Default: "2", Min: 1, Max: 100,
		Doc: "How many times longer each further delay is.",
		set: whole(func(c *Config) *int { return &c.Queue.BackoffFactor })},
	{Key: "queue.backoff_cap_ms", Kind: Whole, Default: "60000", Min: 1, Max: mostMillis,
		Doc: "The longest such delay.",
		set: whole(func(c *Config) *int { return &c.Queue.BackoffCapMS })},
	{Key: "queue.backoff_jitter_percent", Kind: Whole, Default: "0", Max: 100,
		Doc: "Share of such a delay that is random, so that retries don't come all at once.",
		set: whole(func(c *Config) *int { return &c.Queue.BackoffJitterPercent })},
	{Key: "queue.ttl_secs", Kind: Whole, Default: "0", Max: 365 * day,
		Doc: "Seconds that a message waits at most; 0 = until it is taken.",
		set: whole(func(c *Config) *int { return &c.Queue.TTLSecs })},
	{Key: "queue.dedup_window_secs", Kind: Whole, Default: "300", Min: 1, Max: mostSecs,
		Doc: "Seconds during which a second message with the same dedup_id is left out.",
		set: whole(func(c *Config) *int { return &c.Queue.DedupWindowSecs })},
	{Key: "queue.shards", Kind: Whole, Default: "0", Max: 256, PowerOf2: true,
		Doc: "Parts of the queue store with a lock each; 0 = 16.",
		set: whole(func(c *Config) *int { return &c.Queue.Shards })},
}

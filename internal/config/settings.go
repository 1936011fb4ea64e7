package config

import (
	"fmt"
	"strings"
)

// Kind is the type of a setting.
type Kind uint8

// The kinds of setting.
const (
	Text Kind = iota // any text
	Whole
	Truth
	Choice    // one of Setting.Choices
	Megabytes // a whole number of MiB; 512mb and 2gb are understood too
)

// Setting is one row of the table that defaults, checks, documentation, environment names and
// flags are derived from.
type Setting struct {
	Key      string // as in the YAML file: section.name
	Kind     Kind
	Default  string
	Min, Max int64 // Whole, Megabytes
	Choices  []string
	PowerOf2 bool   // 0 is allowed beside them
	Letters  string // a Text of no others, or empty
	Flag     string // "" = none
	Doc      string
	set      func(c *Config, text string, n int64)
}

// Env is the setting's environment variable; the same with _FILE names a file that holds it.
func (s *Setting) Env() string {
	return "SYNAP_" + strings.ToUpper(strings.ReplaceAll(s.Key, ".", "_"))
}

// Section and Name are the two halves of the key.
func (s *Setting) Section() string { return s.Key[:strings.IndexByte(s.Key, '.')] }

// Name is the key without its section.
func (s *Setting) Name() string { return s.Key[strings.IndexByte(s.Key, '.')+1:] }

// Expects says in words what the setting accepts.
func (s *Setting) Expects() string {
	switch s.Kind {
	case Whole:
		if s.PowerOf2 {
			return fmt.Sprintf("0 or a power of two up to %d", s.Max)
		}
		return fmt.Sprintf("a whole number from %d to %d", s.Min, s.Max)
	case Megabytes:
		return fmt.Sprintf("a size in MiB from %d to %d, or with a unit like 512mb or 2gb",
			s.Min, s.Max)
	case Truth:
		return "true or false"
	case Choice:
		return "one of " + strings.Join(s.Choices, ", ")
	default:
		if s.Letters != "" {
			return "empty, or some of the letters " + s.Letters
		}
		return "text"
	}
}

var policies = []string{"noeviction", "allkeys-lru", "allkeys-lfu", "allkeys-random",
	"volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl"}

const maxPort, day = 65535, 86_400

func text(f func(*Config) *string) func(*Config, string, int64) {
	return func(c *Config, s string, _ int64) { *f(c) = s }
}

func whole(f func(*Config) *int) func(*Config, string, int64) {
	return func(c *Config, _ string, n int64) { *f(c) = int(n) }
}

func truth(f func(*Config) *bool) func(*Config, string, int64) {
	return func(c *Config, _ string, n int64) { *f(c) = n == 1 }
}

// Settings is the table, in the order of `config init`.
var Settings = append(serverSettings, append(protocolSettings, append(kvSettings,
	append(queueSettings, append(streamSettings, append(persistenceSettings,
		loggingSettings...)...)...)...)...)...)

var serverSettings = []Setting{
	{Key: "server.host", Default: "0.0.0.0", Flag: "host",
		Doc: "Address of the HTTP port. Peers elsewhere are refused unless allow_insecure is set.",
		set: text(func(c *Config) *string { return &c.Server.Host })},
	{Key: "server.port", Kind: Whole, Default: "15500", Max: maxPort, Flag: "port",
		Doc: "HTTP port; 0 = any free port, named in the banner and in --ports-file.",
		set: whole(func(c *Config) *int { return &c.Server.Port })},
	{Key: "server.resp_host", Default: "127.0.0.1", Flag: "resp-host",
		Doc: "Address of the Redis protocol port.",
		set: text(func(c *Config) *string { return &c.Server.RESPHost })},
	{Key: "server.resp_port", Kind: Whole, Default: "6379", Max: maxPort, Flag: "resp-port",
		Doc: "Redis protocol port; 0 = any free port.",
		set: whole(func(c *Config) *int { return &c.Server.RESPPort })},
	{Key: "server.max_connections", Kind: Whole, Default: "100000", Min: 1, Max: 10_000_000,
		Doc: "Open connections on all ports together; more are refused with an explanation.",
		set: whole(func(c *Config) *int { return &c.Server.MaxConnections })},
	{Key: "server.max_connections_per_address", Kind: Whole, Default: "0", Max: 10_000_000,
		Doc: "Open connections of one peer address on all ports together; more are refused; " +
			"0 = no limit of their own.",
		set: whole(func(c *Config) *int { return &c.Server.MaxConnectionsPerAddress })},
	{Key: "server.connection_timeout_secs", Kind: Whole, Default: "60", Min: 1, Max: day,
		Doc: "Seconds for a first request, for the rest of half a request, for a slow reader.",
		set: whole(func(c *Config) *int { return &c.Server.ConnectionTimeoutSecs })},
	{Key: "server.idle_timeout_secs", Kind: Whole, Default: "0", Max: 365 * day,
		Doc: "Seconds without a request after which a connection is closed; 0 = never.",
		set: whole(func(c *Config) *int { return &c.Server.IdleTimeoutSecs })},
	{Key: "server.websocket_ping_secs", Kind: Whole, Default: "30", Max: day,
		Doc: "Seconds of silence after which a WebSocket is pinged, and closed after as many " +
			"more; 0 = never.",
		set: whole(func(c *Config) *int { return &c.Server.WebSocketPingSecs })},
	{Key: "server.websocket_compression", Kind: Truth, Default: "false",
		Doc: "Compress WebSocket messages of 128 bytes or more (permessage-deflate) for clients " +
			"that offer it.",
		set: truth(func(c *Config) *bool { return &c.Server.WebSocketCompression })},
	{Key: "server.loops", Kind: Whole, Default: "0", Max: 1024, Flag: "loops",
		Doc: "Event loops; 0 = one per core. Few connections are served best by few loops.",
		set: whole(func(c *Config) *int { return &c.Server.Loops })},
	{Key: "server.allow_insecure", Kind: Truth, Default: "false", Flag: "allow-insecure",
		Doc: "Serve peers of other machines without credentials: they may read and write all.",
		set: truth(func(c *Config) *bool { return &c.Server.AllowInsecure })},
	{Key: "server.shutdown_grace_secs", Kind: Whole, Default: "10", Max: day,
		Flag: "shutdown-grace",
		Doc:  "Seconds that requests in flight get after SIGTERM.",
		set:  whole(func(c *Config) *int { return &c.Server.ShutdownGraceSecs })},
	{Key: "server.output_buffer_mb", Kind: Megabytes, Default: "64", Min: 1, Max: 4096,
		Doc: "Unsent replies one connection may pile up before it is closed.",
		set: whole(func(c *Config) *int { return &c.Server.OutputBufferMB })},
}

var protocolSettings = []Setting{
	{Key: "protocol.http2", Kind: Truth, Default: "true",
		Doc: "HTTP/2 over cleartext with prior knowledge, beside HTTP/1.1.",
		set: truth(func(c *Config) *bool { return &c.Protocol.HTTP2 })},
	{Key: "protocol.http2_max_concurrent_streams", Kind: Whole, Default: "1000", Min: 1,
		Max: 100_000, Doc: "Streams one HTTP/2 connection may have open.",
		set: whole(func(c *Config) *int { return &c.Protocol.HTTP2MaxConcurrentStreams })},
	{Key: "protocol.http2_initial_window_size", Kind: Whole, Default: "1048576", Min: 65_535,
		Max: 1 << 30, Doc: "HTTP/2 flow-control window per stream and connection, in bytes.",
		set: whole(func(c *Config) *int { return &c.Protocol.HTTP2InitialWindowSize })},
	{Key: "protocol.compression", Kind: Truth, Default: "true",
		Doc: "Compress HTTP replies (gzip, zstd) for clients that accept it.",
		set: truth(func(c *Config) *bool { return &c.Protocol.Compression })},
	{Key: "protocol.compression_threshold", Kind: Whole, Default: "1024", Min: 64, Max: 1 << 30,
		Doc: "Replies of fewer bytes are not compressed.",
		set: whole(func(c *Config) *int { return &c.Protocol.CompressionThreshold })},
	{Key: "protocol.format", Kind: Choice, Default: "json", Choices: []string{"json", "msgpack"},
		Doc: "Format of HTTP replies to clients that name none.",
		set: text(func(c *Config) *string { return &c.Protocol.Format })},
	{Key: "protocol.max_body_mb", Kind: Megabytes, Default: "16", Min: 1, Max: 1024,
		Doc: "Largest HTTP request body; a bigger one is answered with 413.",
		set: whole(func(c *Config) *int { return &c.Protocol.MaxBodyMB })},
	{Key: "protocol.batch_max_items", Kind: Whole, Default: "10000", Min: 1, Max: 10_000_000,
		Doc: "Commands in one batch or MULTI.",
		set: whole(func(c *Config) *int { return &c.Protocol.BatchMaxItems })},
	{Key: "protocol.batch_max_bytes", Kind: Whole, Default: "67108864", Min: 1024, Max: 1 << 30,
		Doc: "Bytes of one batch or MULTI.",
		set: whole(func(c *Config) *int { return &c.Protocol.BatchMaxBytes })},
}

var kvSettings = []Setting{
	{Key: "kv_store.max_memory_mb", Kind: Megabytes, Default: "4096", Max: 16 << 20,
		Flag: "max-memory", Doc: "Memory for keys, queues and their indexes; 0 = unlimited.",
		set: whole(func(c *Config) *int { return &c.KVStore.MaxMemoryMB })},
	{Key: "kv_store.eviction_policy", Kind: Choice, Default: "noeviction", Choices: policies,
		Flag: "eviction", Doc: "Which keys make room when memory is full.",
		set: text(func(c *Config) *string { return &c.KVStore.EvictionPolicy })},
	{Key: "kv_store.eviction_samples", Kind: Whole, Default: "5", Min: 1, Max: 64,
		Doc: "Keys compared for each eviction: more is more exact and slower.",
		set: whole(func(c *Config) *int { return &c.KVStore.EvictionSamples })},
	{Key: "kv_store.shards", Kind: Whole, Default: "0", Max: 256, PowerOf2: true,
		Doc: "Parts of the store with a lock each; 0 = four per core.",
		set: whole(func(c *Config) *int { return &c.KVStore.Shards })},
	{Key: "kv_store.allow_flush_commands", Kind: Truth, Default: "false",
		Doc: "Allow flushing the store over HTTP. The Redis protocol always may.",
		set: truth(func(c *Config) *bool { return &c.KVStore.AllowFlushCommands })},
	{Key: "kv_store.max_value_bytes", Kind: Whole, Default: "536870912", Min: 1024,
		Max: 512 << 20, Doc: "Largest value.",
		set: whole(func(c *Config) *int { return &c.KVStore.MaxValueBytes })},
	{Key: "kv_store.notify_keyspace_events", Letters: "KEg$lshzxetdnA",
		Doc: "Redis' keyspace notifications: K or E for the topics, and classes of events, " +
			"such as KEA; empty = none.",
		set: text(func(c *Config) *string { return &c.KVStore.NotifyKeyspaceEvents })},
}

var loggingSettings = []Setting{
	{Key: "logging.level", Kind: Choice, Default: "info", Flag: "log-level",
		Choices: []string{"debug", "info", "warn", "error"},
		Doc:     "The least important message that is logged.",
		set:     text(func(c *Config) *string { return &c.Logging.Level })},
	{Key: "logging.format", Kind: Choice, Default: "auto", Flag: "log-format",
		Choices: []string{"auto", "json", "text"},
		Doc:     "auto = text on a terminal, JSON lines elsewhere.",
		set:     text(func(c *Config) *string { return &c.Logging.Format })},
}

// Find returns the setting with this key, or nil.
func Find(key string) *Setting {
	for i := range Settings {
		if Settings[i].Key == key {
			return &Settings[i]
		}
	}
	return nil
}

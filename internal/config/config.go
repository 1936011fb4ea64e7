// Package config turns defaults, a file, the environment and flags into one checked Config.
//
// Receives: a YAML file, SYNAP_* variables, flag values.
// Hands on: a Config, where each value came from, and errors that say what to write instead.
// Never does: open a port, log, or know what a setting is good for beyond its bounds.
package config

// Config is every setting of the server, checked against its bounds.
type Config struct {
	Server      Server
	Protocol    Protocol
	KVStore     KVStore
	Queue       Queue
	Stream      Stream
	Persistence Persistence
	Logging     Logging
}

// Server says where to listen and what a connection may cost.
type Server struct {
	Host                     string
	Port                     int // 0 = any free port
	RESPHost                 string
	RESPPort                 int // 0 = any free port
	MaxConnections           int
	MaxConnectionsPerAddress int // 0 = no limit
	ConnectionTimeoutSecs    int
	IdleTimeoutSecs          int // 0 = never
	WebSocketPingSecs        int // 0 = never
	WebSocketCompression     bool
	Loops                    int // 0 = one per core
	AllowInsecure            bool
	ShutdownGraceSecs        int
	OutputBufferMB           int
}

// Protocol bounds and shapes requests and replies.
type Protocol struct {
	HTTP2                     bool
	HTTP2MaxConcurrentStreams int
	HTTP2InitialWindowSize    int // bytes
	Compression               bool
	CompressionThreshold      int    // bytes
	Format                    string // json or msgpack
	MaxBodyMB                 int
	BatchMaxItems             int
	BatchMaxBytes             int
}

// KVStore bounds the key-value store.
type KVStore struct {
	MaxMemoryMB        int // 0 = unlimited
	EvictionPolicy     string
	EvictionSamples    int
	Shards             int // power of two, 0 = 4 per core
	AllowFlushCommands bool
	MaxValueBytes      int
	// NotifyKeyspaceEvents are the letters of Redis' notify-keyspace-events.
	NotifyKeyspaceEvents string
}

// Logging says what is logged and how.
type Logging struct {
	Level  string // debug, info, warn, error
	Format string // auto, json, text
}

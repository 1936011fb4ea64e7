package command

import "fmt"

// Setting is one parameter of CONFIG GET and CONFIG SET.
type Setting struct {
	Name string
	Get  func() string
	// Set is nil for parameters that only a restart can change. Its error says what was wrong.
	Set func(string) error
}

// Settings are the parameters that CONFIG knows, by name. Immutable once made.
type Settings struct{ List []Setting }

// Find returns the setting called name (lower case), or nil.
func (s *Settings) Find(name string) *Setting {
	for i := range s.List {
		if s.List[i].Name == name {
			return &s.List[i]
		}
	}
	return nil
}

// ServerInfo describes the process to INFO and /info. Immutable once made.
type ServerInfo struct {
	Version    string
	Commit     string
	RunID      string // 40 hex digits
	Executable string
	ConfigFile string
	Started    int64 // ms since the Unix epoch
	HTTPPort   int
	RESPPort   int
	Loops      int
	// Refused is the number of connections refused since start. Optional, like all below.
	Refused func() int64
	// RefusedPeer is how many of them were refused for their address.
	RefusedPeer func() int64
	// MaxClients is how many connections were asked for at the start; the limit of open files may
	// allow fewer. 0 = unknown.
	MaxClients int
	// Process reads what the machine knows about the process. It may be slow (files of /proc).
	Process func() ProcessStats
	// Counters are those of all loops, for INFO commandstats.
	Counters func() []*Counters
	// ResetStats zeroes counters that live outside store and Counters (refused, bytes …).
	ResetStats func()
	// OpsPerSec is the present rate of commands.
	OpsPerSec func() int64
}

// ProcessStats is a reading of the operating system's books, and of the sockets' traffic.
type ProcessStats struct {
	PID          int
	RSS          int64 // resident bytes
	UserMicros   int64 // CPU time in user mode, in microseconds
	SystemMicros int64 // CPU time in the kernel, in microseconds
	NetIn        int64 // bytes received since start or ResetStats
	NetOut       int64 // bytes sent since start or ResetStats
}

// HumanBytes writes bytes as people read them, and as Redis does: 512B, 1.50K, 2.00G.
func HumanBytes(n int64) string {
	if n < 1<<10 {
		return fmt.Sprintf("%dB", n)
	}
	value, unit := float64(n)/(1<<10), 0
	for value >= 1<<10 && unit < 4 {
		value /= 1 << 10
		unit++
	}
	return fmt.Sprintf("%.2f%c", value, "KMGTP"[unit])
}

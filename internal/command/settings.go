package command

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
	// ResetStats zeroes counters that live outside the store (connections refused, bytes …).
	Refused func() int64 // connections refused since start
}

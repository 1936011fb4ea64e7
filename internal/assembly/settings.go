package assembly

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/store/kv"
)

// policies are the eviction policies in Redis' spelling, by kv.Policy.
var policies = []string{
	kv.NoEviction: "noeviction", kv.AllKeysLRU: "allkeys-lru", kv.AllKeysLFU: "allkeys-lfu",
	kv.AllKeysRandom: "allkeys-random", kv.VolatileLRU: "volatile-lru",
	kv.VolatileLFU: "volatile-lfu", kv.VolatileRandom: "volatile-random",
	kv.VolatileTTL: "volatile-ttl",
}

func policyByName(name string) (kv.Policy, bool) {
	i := slices.Index(policies, strings.ToLower(name))
	return kv.Policy(max(i, 0)), i >= 0
}

// levels are Redis' log levels and ours.
var levels = []struct {
	name  string
	level slog.Level
}{
	{"debug", slog.LevelDebug}, {"verbose", slog.LevelInfo}, {"notice", slog.LevelInfo},
	{"warning", slog.LevelWarn}, {"nothing", slog.LevelError},
	{"info", slog.LevelInfo}, {"warn", slog.LevelWarn}, {"error", slog.LevelError},
}

// settings are the parameters of CONFIG GET and CONFIG SET.
func (in *Instance) settings() *command.Settings {
	list := slices.Concat(in.memorySettings(), in.connectionSettings(), in.fixedSettings())
	slices.SortFunc(list, func(a, b command.Setting) int { return strings.Compare(a.Name, b.Name) })
	return &command.Settings{List: list}
}

func (in *Instance) memorySettings() []command.Setting {
	store := in.engine.Store
	return []command.Setting{
		{Name: "maxmemory",
			Get: func() string { n, _ := store.MemoryLimit(); return strconv.FormatInt(n, 10) },
			Set: func(text string) error {
				n, err := parseBytes(text)
				if err != nil {
					return err
				}
				_, policy := store.MemoryLimit()
				store.SetMemoryLimit(n, policy)
				return nil
			}},
		{Name: "maxmemory-policy",
			Get: func() string { _, p := store.MemoryLimit(); return policies[p] },
			Set: func(text string) error {
				policy, ok := policyByName(text)
				if !ok {
					return errors.New("argument(s) must be one of the following: " +
						strings.Join(policies, ", "))
				}
				limit, _ := store.MemoryLimit()
				store.SetMemoryLimit(limit, policy)
				return nil
			}},
		{Name: "maxmemory-samples",
			Get: constant(strconv.Itoa(in.config.KVStore.EvictionSamples))},
		in.engine.Watches.KeyspaceSetting(),
	}
}

func (in *Instance) connectionSettings() []command.Setting {
	s := in.server
	return []command.Setting{
		{Name: "timeout",
			Get: func() string { return strconv.Itoa(int(s.IdleTimeout() / time.Second)) },
			Set: func(text string) error {
				n, err := whole(text, 0, 1<<31-1)
				if err == nil {
					s.SetIdleTimeout(time.Duration(n) * time.Second)
				}
				return err
			}},
		{Name: "maxclients",
			Get: func() string { return strconv.Itoa(s.MaxConnections()) },
			Set: func(text string) error {
				n, err := whole(text, 1, 1<<31-1)
				if err != nil {
					return err
				}
				before := s.MaxConnections()
				if room := s.SetMaxConnections(int(n)); room < int(n) {
					s.SetMaxConnections(before)
					return fmt.Errorf("the limit of open files allows only %d clients", room)
				}
				return nil
			}},
		{Name: "maxclients-per-address",
			Get: func() string { return strconv.Itoa(s.MaxPerAddress()) },
			Set: func(text string) error {
				n, err := whole(text, 0, 1<<31-1)
				if err == nil {
					s.SetMaxPerAddress(int(n))
				}
				return err
			}},
		{Name: "loglevel", Get: in.logLevel, Set: in.setLogLevel},
	}
}

// fixedSettings are those that only a restart can change, and those that describe in Redis' words
// what Synap is. The latter accept the value they have: clients set them blindly.
func (in *Instance) fixedSettings() []command.Setting {
	protected := "yes"
	if in.config.Server.AllowInsecure {
		protected = "no"
	}
	list := []command.Setting{
		{Name: "port", Get: constant(strconv.Itoa(in.engine.Server.RESPPort))},
		{Name: "bind", Get: constant(in.config.Server.RESPHost)},
		{Name: "databases", Get: constant(strconv.Itoa(kv.Databases))},
		{Name: "io-threads", Get: constant(strconv.Itoa(in.server.Loops()))},
		{Name: "proto-max-bulk-len", Get: constant(strconv.Itoa(in.config.KVStore.MaxValueBytes))},
		{Name: "protected-mode", Get: constant(protected)},
		{Name: "requirepass", Get: constant("")},
	}
	described := in.persistenceInWords()
	described["cluster-enabled"], described["lazyfree-lazy-user-del"] = "no", "no"
	for name, value := range described {
		list = append(list, command.Setting{Name: name, Get: constant(value),
			Set: func(text string) error {
				if text != value {
					return fmt.Errorf("only %q is possible while the server runs", value)
				}
				return nil
			}})
	}
	return list
}

// persistenceInWords describes persistence by the parameters that Redis has for its own.
func (in *Instance) persistenceInWords() map[string]string {
	if in.data == nil {
		return map[string]string{"save": "", "appendonly": "no", "appendfsync": "no"}
	}
	p := &in.config.Persistence
	words := map[string]string{"save": "", "appendonly": "yes", "appendfsync": "everysec",
		"dir": in.data.Dir()}
	if p.Level == "disk" {
		words["appendfsync"] = "always"
	}
	if p.SnapshotIntervalSecs > 0 {
		words["save"] = strconv.Itoa(p.SnapshotIntervalSecs) + " 1"
	}
	return words
}

func constant(v string) func() string { return func() string { return v } }

// logLevel is the level in Redis' words.
func (in *Instance) logLevel() string {
	switch level := in.level.Level(); {
	case level <= slog.LevelDebug:
		return "debug"
	case level <= slog.LevelInfo:
		return "notice"
	case level <= slog.LevelWarn:
		return "warning"
	default:
		return "nothing"
	}
}

func (in *Instance) setLogLevel(text string) error {
	for _, l := range levels {
		if strings.EqualFold(l.name, text) {
			in.level.Set(l.level)
			return nil
		}
	}
	return errors.New("argument(s) must be one of the following: " +
		"debug, verbose, notice, warning, nothing")
}

func whole(text string, least, most int64) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, errors.New("argument couldn't be parsed into an integer")
	}
	if n < least || n > most {
		return 0, fmt.Errorf("argument must be between %d and %d inclusive", least, most)
	}
	return n, nil
}

// parseBytes reads a size as Redis does: k, m, g are powers of 1000, kb, mb, gb of 1024.
func parseBytes(text string) (int64, error) {
	lower := strings.ToLower(text)
	digits := strings.TrimRight(lower, "bgkm")
	unit := map[string]int64{"": 1, "b": 1, "k": 1000, "kb": 1 << 10, "m": 1e6, "mb": 1 << 20,
		"g": 1e9, "gb": 1 << 30}[lower[len(digits):]]
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || unit == 0 || n < 0 || n > (1<<62)/unit {
		return 0, errors.New("argument must be a memory value")
	}
	return n * unit, nil
}

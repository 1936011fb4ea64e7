package cli

import (
	"fmt"
	"log/slog"
	"net"
	"os"
	"strconv"
	"strings"

	"github.com/synapdb/synap/internal/assembly"
	"github.com/synapdb/synap/internal/config"
)

// logger logs to stderr: text for people on a terminal, JSON lines for machines elsewhere.
func (a *app) logger(l *config.Loaded) (*slog.Logger, *slog.LevelVar) {
	level := new(slog.LevelVar)
	setLevel(level, l)
	options := &slog.HandlerOptions{Level: level}
	if l.Logging.Format == "text" || l.Logging.Format == "auto" && a.stdTTY {
		return slog.New(slog.NewTextHandler(a.err, options)), level
	}
	return slog.New(slog.NewJSONHandler(a.err, options)), level
}

// announce says that the server serves: a banner on a terminal, one log line elsewhere.
func (a *app) announce(l *config.Loaded, in *assembly.Instance, log *slog.Logger) {
	auth := "off, loopback only"
	if l.Server.AllowInsecure {
		auth = "OFF, open to every peer that reaches the ports"
	}
	if !a.stdTTY {
		log.Info("serving", "version", a.build.Version, "commit", a.build.Commit,
			"pid", os.Getpid(), "http", address(l.Server.Host, in.HTTPPort()),
			"resp", address(l.Server.RESPHost, in.RESPPort()), "loops", in.Loops(),
			"data", assembly.Data(&l.Persistence), "auth", auth, "config", l.Summary())
		return
	}
	memory := "unlimited"
	if mb := l.KVStore.MaxMemoryMB; mb > 0 {
		memory = fmt.Sprintf("%d MiB, %s", mb, l.KVStore.EvictionPolicy)
	}
	rows := [][2]string{
		{"HTTP", localURL(l.Server.Host, in.HTTPPort())},
		{"RESP", "redis-cli -h " + reachable(l.Server.RESPHost) + " -p " +
			strconv.Itoa(in.RESPPort())},
		{"Data", dataRow(&l.Persistence)},
		{"Memory", memory},
		{"Auth", auth},
		{"Loops", strconv.Itoa(in.Loops())},
		{"Config", l.Summary()},
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Synap %s (%s)  PID %d\n", a.build.Version, a.build.Commit, os.Getpid())
	for _, row := range rows {
		fmt.Fprintf(&b, "%-9s %s\n", row[0], row[1])
	}
	b.WriteString("Ctrl-C ends the server.\n")
	fmt.Fprint(a.err, b.String()) //nolint:errcheck // stderr is all there is
}

// dataRow says to a person what happens to the data.
func dataRow(p *config.Persistence) string {
	if p.Level == "memory" {
		return "in-memory — LOST on exit (keep it with --durability os)"
	}
	return assembly.Data(p)
}

func address(host string, port int) string { return net.JoinHostPort(host, strconv.Itoa(port)) }

func reachable(host string) string {
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		return "127.0.0.1"
	}
	return host
}

// listenLoopback opens a port that only this machine reaches.
func listenLoopback(addr string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("--pprof: %w; it takes something like 127.0.0.1:6060", err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("--pprof: %s is not a loopback address; profiles show memory, "+
			"so they are served only to this machine", host)
	}
	return net.Listen("tcp", addr)
}

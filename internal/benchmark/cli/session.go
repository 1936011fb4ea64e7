package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/term"

	synap "github.com/synapdb/synap/client"
	"github.com/synapdb/synap/internal/benchmark/probe"
	"github.com/synapdb/synap/internal/benchmark/result"
	"github.com/synapdb/synap/internal/benchmark/show"
	"github.com/synapdb/synap/internal/benchmark/spawn"
	"github.com/synapdb/synap/internal/benchmark/target"
)

// session is one invocation: the server it loads, and what it found.
type session struct {
	*app
	server  target.Server
	at      string         // its URL
	spawned *spawn.Process // nil: somebody else's
	metrics *probe.Metrics // nil: the server has none that are known
	about   result.Server
	report  result.Report
	live    *show.Live
}

// open finds or starts the server.
func (a *app) open(ctx context.Context) (*session, error) {
	s, err := a.prepare()
	if err != nil {
		return nil, err
	}
	if err := s.connect(ctx); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// prepare makes a session that has no server yet.
func (a *app) prepare() (*session, error) {
	if err := a.flags.check(); err != nil {
		return nil, usage(err)
	}
	if a.flags.target != "" {
		if err := target.Can(a.flags.target, a.workload); err != nil {
			return nil, usage(err)
		}
	}
	s := &session{app: a}
	s.live = show.NewLive(a.err, show.LiveOptions{Terminal: a.terminal, Quiet: a.flags.quiet,
		Width: func() int { return width(a.err) },
		Color: a.terminal && !a.flags.noColor && os.Getenv("NO_COLOR") == ""})
	s.report = result.Report{Version: result.Version, Started: time.Now(),
		Command:     commandLine(os.Args),
		Environment: probe.Environment(a.build.Version + " " + a.build.Commit)}
	return s, nil
}

// width is how many columns a terminal has now; 0: it is none.
func width(w io.Writer) int {
	f, ok := w.(*os.File)
	if !ok {
		return 0
	}
	columns, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return columns
}

// connect opens the target, and asks what it is.
func (s *session) connect(ctx context.Context) (err error) {
	if s.at, err = s.find(ctx); err != nil {
		return err
	}
	if err := reachable(ctx, s.at); err != nil {
		return err
	}
	pid := 0
	if s.spawned != nil {
		pid = s.spawned.PID()
	}
	if s.flags.target != "" {
		s.server, err = target.OpenPeer(target.Peer{URL: s.at, Durability: s.flags.durability,
			Depth: s.flags.pipeline})
	} else {
		var synapServer *target.Synap // nil in an interface would not be nil
		if synapServer, err = target.NewSynap(s.at, pid, s.clientOptions()...); err == nil {
			s.server = synapServer
		}
	}
	if err != nil {
		return usage(err)
	}
	return s.ask(ctx)
}

// ask asks the server what it is.
func (s *session) ask(ctx context.Context) (err error) {
	asking, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if s.about, err = s.server.About(asking); err != nil {
		return failure{fmt.Errorf("%s did not say what it is: %w", withoutSecrets(s.at), err),
			ExitUnreachable}
	}
	s.about.Spawned = s.spawned != nil
	if s.about.Protocol != "resp" && s.about.Name == "synap" {
		s.about.Format = s.flags.format
	}
	s.report.Environment.CoLocated = s.spawned != nil || s.server.PID() != 0 ||
		probe.Here(hostOf(s.at))
	s.findMetrics()
	return nil
}

func (s *session) clientOptions() []synap.Option {
	format := synap.MessagePack
	if s.flags.format == "json" {
		format = synap.JSON
	}
	return []synap.Option{synap.WithFormat(format), synap.WithTimeout(0),
		synap.WithRetry(synap.Retry{Attempts: 1}),
		synap.WithPoolSize(max(s.flags.connections, synap.DefaultPoolSize))}
}

// findMetrics knows where a Synap server tells of itself.
func (s *session) findMetrics() {
	u, err := url.Parse(s.at)
	if err != nil || s.about.Name != "synap" {
		return
	}
	token, _ := u.User.Password()
	if token == "" {
		token = os.Getenv("SYNAP_TOKEN")
	}
	switch u.Scheme {
	case "http", "https":
	case "ws":
		u.Scheme = "http"
	case "wss":
		u.Scheme = "https"
	default:
		port := defaultPort // of HTTP, which RESP does not tell
		if s.spawned != nil {
			port = s.spawned.Ports["http"]
		}
		u.Scheme, u.Host = "http", net.JoinHostPort(u.Hostname(), strconv.Itoa(port))
		if s.spawned == nil {
			return // another server may have that port
		}
	}
	s.metrics = probe.NewMetrics(u.Scheme+"://"+u.Host, token)
	s.metrics.Latest(true) // the first reading of a run needs one to compare with
}

// find returns the URL of the server, which is started if it has to be.
func (s *session) find(ctx context.Context) (string, error) {
	f := &s.flags
	switch {
	case f.target != "":
		return f.target, nil
	case f.url != "":
		return withProtocol(f.url, f.protocol)
	case !f.spawn && answers(ctx, net.JoinHostPort("localhost", strconv.Itoa(defaultPort))) == nil:
		return withProtocol(synap.DefaultURL, f.protocol)
	}
	var err error
	if s.spawned, err = spawn.Synap(ctx, spawn.Options{Binary: f.serverBin,
		Durability: f.durability}); err != nil {
		return "", failure{err, ExitUnreachable}
	}
	if !f.spawn && !f.quiet {
		s.say("no server on port %d: started one of its own, with temporary data", defaultPort)
	}
	if f.protocol == "resp" {
		return "resp://" + s.spawned.Addr("resp"), nil
	}
	return withProtocol("http://"+s.spawned.Addr("http"), f.protocol)
}

// Ports where servers listen who were told nothing.
const (
	defaultPort     = 15500
	defaultRESPPort = 6379
)

// withProtocol is a URL spoken to in another protocol.
func withProtocol(at, protocol string) (string, error) {
	u, err := url.Parse(at)
	if err != nil || u.Hostname() == "" {
		return "", usage(fmt.Errorf("--url %q is no URL, such as http://localhost:%d",
			at, defaultPort))
	}
	switch u.Scheme {
	case "http", "https", "ws", "wss", "resp", "redis":
	default:
		return "", usage(fmt.Errorf("--url %s: it must begin with http://, https://, ws://, "+
			"wss:// or resp://", withoutSecrets(at)))
	}
	encrypted := u.Scheme == "https" || u.Scheme == "wss"
	switch {
	case protocol == "" || protocol == u.Scheme || protocol == "resp" && u.Scheme == "redis":
	case protocol == "resp" && (u.Port() == "" || u.Port() == strconv.Itoa(defaultPort)):
		u.Scheme, u.Host = "resp", net.JoinHostPort(u.Hostname(), strconv.Itoa(defaultRESPPort))
	case protocol == "resp" || u.Scheme == "resp" || u.Scheme == "redis":
		return "", usage(fmt.Errorf("--protocol %s and --url %s speak of different ports: "+
			"give the URL of that protocol", protocol, withoutSecrets(at)))
	case encrypted:
		u.Scheme = protocol + "s"
	default:
		u.Scheme = protocol
	}
	if u.Port() == "" && !encrypted {
		port := defaultPort
		if u.Scheme == "resp" || u.Scheme == "redis" {
			port = defaultRESPPort
		}
		u.Host = net.JoinHostPort(u.Hostname(), strconv.Itoa(port))
	}
	return u.String(), nil
}

// withoutSecrets is a URL that may be shown.
func withoutSecrets(at string) string {
	u, err := url.Parse(at)
	if err != nil {
		return "the URL" // whatever it holds
	}
	u.User = nil
	return u.String()
}

// commandLine is what was typed, without the credentials of URLs.
func commandLine(args []string) []string {
	line := make([]string, len(args))
	for i, arg := range args {
		name, at, isFlag := strings.Cut(arg, "=")
		if !isFlag || !strings.HasPrefix(name, "--") {
			name, at = "", arg
		}
		if strings.Contains(at, "://") && strings.Contains(at, "@") {
			at = withoutSecrets(at)
		}
		if line[i] = at; name != "" {
			line[i] = name + "=" + at
		}
	}
	return line
}

func hostOf(at string) string {
	u, err := url.Parse(at)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// reachable says what to do when nobody listens at a URL.
func reachable(ctx context.Context, at string) error {
	u, err := url.Parse(at)
	if err != nil {
		return usage(errors.New("the URL can't be read")) // it may hold a password
	}
	if u.Port() == "" {
		return nil // whoever connects knows which it is
	}
	if err := answers(ctx, u.Host); err != nil {
		return failure{fmt.Errorf("no server answers at %s: %w\n"+
			"start it there, or leave out --url: then a server is started for the benchmark",
			u.Host, err), ExitUnreachable}
	}
	return nil
}

// answers fails if nobody listens there.
func answers(ctx context.Context, address string) error {
	d := net.Dialer{Timeout: 2 * time.Second}
	c, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	_ = c.Close() // nothing was said
	return nil
}

// close ends the server if it is our own.
func (s *session) close() error {
	var err error
	if s.metrics != nil {
		s.metrics.Close()
	}
	if s.server != nil {
		err = s.server.Close()
	}
	if s.spawned != nil {
		err = errors.Join(err, s.spawned.Stop())
	}
	if err != nil {
		return failure{err, ExitError}
	}
	return nil
}

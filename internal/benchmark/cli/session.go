package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"time"

	synap "github.com/synapdb/synap/client"
	"github.com/synapdb/synap/internal/benchmark/load"
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
	spawned *spawn.Process // nil: somebody else's
	about   result.Server
	report  result.Report
}

// open finds or starts the server.
func (a *app) open(ctx context.Context) (*session, error) {
	if err := a.flags.check(); err != nil {
		return nil, usage(err)
	}
	s := &session{app: a}
	s.report = result.Report{Version: result.Version, Started: time.Now(), Command: os.Args,
		Environment: probe.Environment(a.build.Version + " " + a.build.Commit)}
	at, err := s.find(ctx)
	if err != nil {
		return nil, err
	}
	pid := 0
	if s.spawned != nil {
		pid = s.spawned.PID()
	}
	format := synap.MessagePack
	if a.flags.format == "json" {
		format = synap.JSON
	}
	s.server, err = target.NewSynap(at, pid, synap.WithFormat(format),
		synap.WithTimeout(0), synap.WithRetry(synap.Retry{Attempts: 1}))
	if err != nil {
		return nil, errors.Join(usage(err), s.close())
	}
	return s, nil
}

// find returns the URL of the server, which is started if it has to be.
func (s *session) find(ctx context.Context) (string, error) {
	f := &s.flags
	if f.url != "" {
		return withProtocol(f.url, f.protocol)
	}
	if !f.spawn && answers(ctx, net.JoinHostPort("localhost", strconv.Itoa(defaultPort))) {
		return withProtocol(synap.DefaultURL, f.protocol)
	}
	var err error
	if s.spawned, err = spawn.Synap(ctx, spawn.Options{Binary: f.serverBin,
		Durability: f.durability}); err != nil {
		return "", failure{err, ExitUnreachable}
	}
	if !f.spawn && !f.quiet {
		s.say("no server on port %d: started one of its own", defaultPort)
	}
	if f.protocol == "resp" {
		return "resp://" + s.spawned.Addr("resp"), nil
	}
	return withProtocol("http://"+s.spawned.Addr("http"), f.protocol)
}

const (
	defaultPort     = 15500
	defaultRESPPort = 6379
)

// withProtocol is a URL spoken to in another protocol.
func withProtocol(at, protocol string) (string, error) {
	u, err := url.Parse(at)
	if err != nil || u.Host == "" {
		return "", usage(fmt.Errorf("--url %q is no URL", at))
	}
	switch {
	case protocol == "" || protocol == u.Scheme:
	case protocol == "resp" && u.Port() == strconv.Itoa(defaultPort):
		u.Scheme, u.Host = "resp", net.JoinHostPort(u.Hostname(), strconv.Itoa(defaultRESPPort))
	case protocol == "resp" || u.Scheme == "resp":
		return "", usage(fmt.Errorf("--protocol %s and --url %s speak of different ports: "+
			"give the URL of that protocol", protocol, at))
	default:
		u.Scheme = protocol
	}
	return u.String(), nil
}

// answers says whether somebody listens there.
func answers(ctx context.Context, address string) bool {
	d := net.Dialer{Timeout: time.Second}
	c, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return false
	}
	_ = c.Close() // nothing was said
	return true
}

// close ends the server if it is our own.
func (s *session) close() error {
	var err error
	if s.server != nil {
		err = s.server.Close()
	}
	if s.spawned != nil {
		err = errors.Join(err, s.spawned.Stop())
	}
	return err
}

// plan is what the common flags say; operations is the default.
func (f *flags) plan(operations int64, number int) load.Plan {
	p := load.Plan{Connections: f.connections, Pipeline: f.pipeline, Operations: operations,
		Duration: time.Duration(f.duration), Warmup: time.Duration(f.warmup), Rate: f.rate,
		Seed: f.seed + uint64(number)}
	if p.Duration > 0 {
		p.Operations = 0
	}
	return p
}

// probe reads the server's process, if it is here, and this one.
func (s *session) probe() load.Reading {
	r := load.Reading{ServerCPU: -1, ServerRSS: -1, ServerGC: -1, ClientCPU: probe.OwnCPU()}
	if pid := s.server.PID(); pid != 0 {
		if cpu, err := probe.CPU(pid); err == nil {
			r.ServerCPU = cpu
		}
		if rss, err := probe.Resident(pid); err == nil {
			r.ServerRSS = rss
		}
	}
	return r
}

// finish prints what was found and says how it ends.
func (s *session) finish(failed error) error {
	delivered := s.deliver(func() { show.Table(s.out, &s.report) })
	switch {
	case failed != nil || delivered != nil:
		return errors.Join(failed, delivered)
	case s.faulty():
		return failure{errors.New("something happened that must not: see the faults above"),
			ExitError}
	}
	return nil
}

func (s *session) faulty() bool {
	for i := range s.report.Runs {
		if s.report.Runs[i].Faults.Any() {
			return true
		}
	}
	return false
}

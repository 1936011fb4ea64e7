package server

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/synapdb/synap/internal/clock"
	"github.com/synapdb/synap/internal/run"
)

// Server is a set of doors and the loops behind them: Listen, Start, Drain. Its counters may be
// read from any goroutine.
type Server struct {
	opts      Options
	protocols Protocols
	clock     clock.Clock
	log       *slog.Logger
	listeners []net.Listener
	engine    engine
	general   *http.Server
	lane      *run.Set
	handed    *inbox
	quit      chan struct{} // closed by Drain
	tasks     *run.Group    // acceptors, sweeper, general server
	below     *run.Group    // slow lane, loops: they outlive the tasks

	maxOpen                atomic.Int64
	peers                  addresses
	idle                   atomic.Int64 // ms, 0 = never
	open, total, refused   atomic.Int64
	refusedPeer            atomic.Int64 // of refused, for their address
	refusing               atomic.Int64 // being told
	handedOver, slowClosed atomic.Int64
	away                   atomic.Int64 // connections at the general server
	handlers               atomic.Int64 // of the general server, running
	draining               atomic.Bool
	cut                    atomic.Bool // the time of what is left is over
	mu                     struct {
		sync.Mutex
		loops []*loop
	}
}

// Listen opens the doors without admitting anybody yet: peers wait in the kernel's queue. Its
// error says which port is at fault and what to do.
func Listen(o Options) (*Server, error) {
	o.setDefaults()
	if o.Loops <= 0 {
		o.Loops = runtime.GOMAXPROCS(0)
	}
	s := &Server{
		opts: o, clock: o.Clock, log: o.Log, handed: newInbox(), quit: make(chan struct{}),
		tasks: run.New(), below: run.New(),
	}
	s.idle.Store(o.IdleTimeout.Milliseconds())
	s.maxOpen.Store(int64(raiseFileLimit(o.MaxConnections)))
	s.peers.limit.Store(int64(o.MaxPerAddress))
	for i := range s.opts.Doors {
		ln, err := listen(&s.opts.Doors[i])
		if err != nil {
			s.closeListeners()
			return nil, err
		}
		s.listeners = append(s.listeners, ln)
	}
	return s, nil
}

func listen(d *Door) (net.Listener, error) {
	addr := net.JoinHostPort(d.Host, strconv.Itoa(d.Port))
	ln, err := net.Listen("tcp", addr)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("the %s port %d on %s is in use by another process; "+
			"stop that one, or choose another port%s (0 = any free one)", d.Name, d.Port, d.Host,
			d.choice())
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("the %s port %d may not be opened by this user; "+
			"choose one above 1023%s", d.Name, d.Port, d.choice())
	case err != nil:
		return nil, fmt.Errorf("the %s port could not be opened on %s: %w; check the host "+
			"and port settings", d.Name, addr, err)
	}
	d.Port = ln.Addr().(*net.TCPAddr).Port
	return ln, nil
}

func (d *Door) choice() string {
	if d.Choose == "" {
		return ""
	}
	return " with " + d.Choose
}

// Doors are the open doors, with the ports that were chosen.
func (s *Server) Doors() []Door { return s.opts.Doors }

// Loops is the number of event loops.
func (s *Server) Loops() int { return s.opts.Loops }

// Start begins to serve. Failed tells of a task that ended by itself; Drain ends serving.
func (s *Server) Start(p Protocols) error {
	s.protocols = p
	if room := s.MaxConnections(); room < s.opts.MaxConnections {
		s.log.Warn("the limit of open files is below server.max_connections and could not be "+
			"raised: fewer connections are possible; raise it with ulimit -n or LimitNOFILE",
			"wanted", s.opts.MaxConnections, "possible", room)
	}
	eng, err := startEngine(s, s.opts.Loops)
	if err != nil {
		s.closeListeners()
		return fmt.Errorf("event loops: %w", err)
	}
	s.engine = eng
	ended := make(chan struct{})
	s.below.Go("event loops", func() error { <-ended; return eng.stop() },
		func() { close(ended) })
	s.lane = s.below.Set("slow lane")
	s.general = s.generalServer()
	s.tasks.Go("general HTTP", func() error {
		_ = s.general.Serve(s.handed) // returns only after the inbox is closed
		return nil
	}, func() { _ = s.general.Close() })
	s.tasks.Loop("sweeper", s.sweeper)
	for i, ln := range s.listeners {
		for range min(s.opts.Loops, maxAcceptors) {
			s.tasks.Go("accept "+s.opts.Doors[i].Name,
				func() error { return s.accept(ln, &s.opts.Doors[i]) },
				func() { _ = ln.Close() })
		}
	}
	return nil
}

// maxAcceptors bounds the goroutines per door that admit connections; each waits for the loop
// that takes its connection.
const maxAcceptors = 4

// Failed yields the first error of a task that ended by itself.
func (s *Server) Failed() <-chan error { return s.tasks.Failed() }

// Draining says whether the end has begun: readiness probes should fail.
func (s *Server) Draining() bool { return s.draining.Load() }

// SetIdleTimeout changes the idle timeout of a running server; 0 = never.
func (s *Server) SetIdleTimeout(d time.Duration) { s.idle.Store(d.Milliseconds()) }

// IdleTimeout is the present idle timeout; 0 = never.
func (s *Server) IdleTimeout() time.Duration {
	return time.Duration(s.idle.Load()) * time.Millisecond
}

// MaxConnections is the present bound of open connections.
func (s *Server) MaxConnections() int { return int(s.maxOpen.Load()) }

// SetMaxConnections changes the bound as far as the limit of open files allows and returns it.
func (s *Server) SetMaxConnections(n int) int {
	room := raiseFileLimit(n)
	s.maxOpen.Store(int64(room))
	return room
}

// MaxPerAddress is the present bound of open connections per peer address; 0 = none.
func (s *Server) MaxPerAddress() int { return int(s.peers.limit.Load()) }

// SetMaxPerAddress changes the bound for connections to come; 0 = none.
func (s *Server) SetMaxPerAddress(n int) { s.peers.limit.Store(int64(n)) }

func (s *Server) closeListeners() {
	for _, ln := range s.listeners {
		_ = ln.Close()
	}
}

func (s *Server) addLoop(l *loop) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.loops = append(s.mu.loops, l)
}

func (s *Server) allLoops() []*loop {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mu.loops[:len(s.mu.loops):len(s.mu.loops)]
}

//go:build unix && (!linux || gnet)

package server

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"sync"

	"github.com/panjf2000/gnet/v2"
)

// gnetEngine runs the event loops with gnet. It uses gnet's client side, which is its loops
// without its listeners: a listener of gnet (2.10) ends the whole engine when accept fails for
// want of file descriptors, can't be closed before the connections are, and does not say which
// port it chose.
type gnetEngine struct {
	gnet.BuiltinEventEngine
	server *Server
	client *gnet.Client
	mu     struct {
		sync.Mutex
		loops map[gnet.EventLoop]*loop
	}
}

// startEngine runs the event loops with gnet, as on every Unix but Linux. On Linux the build tag
// gnet chooses it, so that one suite tests both engines.
func startEngine(s *Server, loops int) (engine, error) { return startGnet(s, loops) }

func startGnet(s *Server, loops int) (*gnetEngine, error) {
	e := &gnetEngine{server: s}
	e.mu.loops = map[gnet.EventLoop]*loop{}
	client, err := gnet.NewClient(e, gnet.WithOptions(gnet.Options{
		NumEventLoop:  loops,
		ReadBufferCap: readBytes,
		Logger:        gnetLog{s.log},
	}))
	if err != nil {
		return nil, err
	}
	e.client = client
	return e, client.Start()
}

func (e *gnetEngine) stop() error { return e.client.Stop() }

func (e *gnetEngine) adopt(tc *net.TCPConn, c *conn) error {
	if c.loop == nil {
		_, err := e.client.EnrollContext(tc, c)
		return err
	}
	defer tc.Close() //nolint:errcheck // gnet copies the descriptor
	el := c.loop.poller.(*gnetLoop).EventLoop
	result, err := el.Enroll(gnet.NewContext(context.Background(), c), tc)
	if err != nil {
		return err
	}
	return (<-result).Err
}

// loop finds what belongs to a gnet loop, or makes it.
func (e *gnetEngine) loop(el gnet.EventLoop) *loop {
	e.mu.Lock()
	defer e.mu.Unlock()
	l := e.mu.loops[el]
	if l == nil {
		p := &gnetLoop{EventLoop: el}
		l = newLoop(e.server, p)
		p.loop = l
		e.mu.loops[el] = l
		e.server.addLoop(l)
	}
	return l
}

// OnOpen is gnet's notice of a connection on its loop.
func (e *gnetEngine) OnOpen(gc gnet.Conn) ([]byte, gnet.Action) {
	c := gc.Context().(*conn)
	l := c.loop
	if l == nil {
		l = e.loop(gc.EventLoop())
	}
	s := &gnetSocket{Conn: gc, c: c}
	gc.SetContext(s)
	return nil, s.during(func() { l.opened(c, s); l.flush() })
}

// OnTraffic is gnet's notice of bytes read. gnet does not tell when a round ends, so every
// connection's replies are flushed at once.
func (e *gnetEngine) OnTraffic(gc gnet.Conn) gnet.Action {
	s := gc.Context().(*gnetSocket)
	fresh, err := gc.Next(-1)
	if err != nil || len(fresh) == 0 || s.c == nil {
		return gnet.None
	}
	l := s.c.loop
	return s.during(func() { s.c.round(fresh); l.flush() })
}

// OnClose is gnet's notice of a connection's end.
func (e *gnetEngine) OnClose(gc gnet.Conn, _ error) gnet.Action {
	if s := gc.Context().(*gnetSocket); s.c != nil {
		s.c.loop.closed(s.c)
	}
	return gnet.None
}

type gnetLoop struct {
	gnet.EventLoop
	loop *loop
}

// post flushes after each task, as after each connection: gnet does not tell when a round ends.
func (p *gnetLoop) post(f func()) bool {
	run := gnet.RunnableFunc(func(context.Context) error {
		f()
		p.loop.flush()
		return nil
	})
	return p.Execute(context.Background(), run) == nil
}

// gnetSocket is a connection of gnet's. gnet does not expect its callbacks to close it, so a
// drop during one is reported by the callback's result.
type gnetSocket struct {
	gnet.Conn
	c       *conn // nil once parted
	inside  bool  // a callback is running
	dropped bool
}

func (s *gnetSocket) during(f func()) gnet.Action {
	s.inside = true
	f()
	s.inside = false
	if s.dropped {
		return gnet.Close
	}
	return gnet.None
}

func (s *gnetSocket) drop() {
	if s.inside {
		s.dropped = true
	} else {
		_ = s.EventLoop().Close(s.Conn)
	}
}

func (s *gnetSocket) forget() { s.c = nil }

// deafen does nothing: gnet reads whatever comes.
func (s *gnetSocket) deafen(bool) {}

// gnetLog passes on what gnet finds wrong.
type gnetLog struct{ log *slog.Logger }

func (gnetLog) Debugf(string, ...any) {}
func (gnetLog) Infof(string, ...any)  {}

func (g gnetLog) Warnf(format string, args ...any) {
	g.log.Debug("event loop: " + fmt.Sprintf(format, args...))
}

func (g gnetLog) Errorf(format string, args ...any) {
	g.log.Warn("event loop: " + fmt.Sprintf(format, args...))
}

func (g gnetLog) Fatalf(format string, args ...any) {
	g.log.Error("event loop: " + fmt.Sprintf(format, args...))
}

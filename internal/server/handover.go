package server

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/synapdb/synap/internal/wire"
)

// handed is a connection on its way through the general HTTP server: it replays the bytes the
// codec did not consume, and bounds how long a peer may take to read.
type handed struct {
	net.Conn
	first   []byte
	patient time.Duration
	once    sync.Once
	done    func()
}

// Read returns the replayed bytes first.
func (h *handed) Read(p []byte) (int, error) {
	if len(h.first) > 0 {
		n := copy(p, h.first)
		if h.first = h.first[n:]; len(h.first) == 0 {
			h.first = nil
		}
		return n, nil
	}
	return h.Conn.Read(p)
}

// Write fails when the peer takes less than a quarter MiB per timeout.
func (h *handed) Write(p []byte) (int, error) {
	total := 0
	for {
		if err := h.SetWriteDeadline(after(h.patient)); err != nil {
			return total, err
		}
		n, err := h.Conn.Write(p[:min(len(p), patience)])
		total += n
		p = p[n:]
		if err != nil || len(p) == 0 {
			return total, err
		}
	}
}

// Close closes the connection and stops counting it.
func (h *handed) Close() error {
	h.once.Do(h.done)
	return h.Conn.Close()
}

// handOver gives the connection to the general HTTP server.
func (c *conn) handOver(tc *net.TCPConn) {
	s := c.server
	c.lane.Store(nil)
	h := &handed{Conn: tc, first: c.in, patient: s.opts.ConnectionTimeout}
	from := c.from // without c, which holds what the loops needed
	h.done = func() { s.away.Add(-1); s.discount(from) }
	codec := c.codec
	if !c.loop.post(codec.Closed) {
		codec.Closed()
	}
	select {
	case s.handed.conns <- h:
		s.handedOver.Add(1)
		s.away.Add(1) // not earlier: until then Drain must keep the inbox open
	case <-s.handed.closed:
		_ = tc.Close()
		s.discount(from)
	}
}

// inbox is the listener of the general HTTP server.
type inbox struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newInbox() *inbox {
	return &inbox{conns: make(chan net.Conn), closed: make(chan struct{})}
}

// Accept waits for the next handed-over connection.
func (i *inbox) Accept() (net.Conn, error) {
	select {
	case c := <-i.conns:
		return c, nil
	case <-i.closed:
		return nil, net.ErrClosed
	}
}

// Close ends Accept.
func (i *inbox) Close() error {
	i.once.Do(func() { close(i.closed) })
	return nil
}

// Addr is a placeless address: connections come from all doors.
func (i *inbox) Addr() net.Addr { return &net.TCPAddr{} }

func (s *Server) generalServer() *http.Server {
	o := &s.opts
	srv := &http.Server{
		Handler:           s.bounded(s.protocols.General),
		ReadHeaderTimeout: o.ConnectionTimeout,
		IdleTimeout:       o.IdleTimeout,
		MaxHeaderBytes:    o.MaxHeaderBytes,
		BaseContext: func(net.Listener) context.Context {
			return wire.WithQuit(context.Background(), s.quit)
		},
		ErrorLog:  slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
		Protocols: new(http.Protocols),
	}
	srv.Protocols.SetHTTP1(true)
	if o.HTTP2.Enabled {
		srv.Protocols.SetUnencryptedHTTP2(true)
		srv.HTTP2 = &http.HTTP2Config{
			MaxConcurrentStreams:          o.HTTP2.MaxStreams,
			MaxReceiveBufferPerStream:     o.HTTP2.Window,
			MaxReceiveBufferPerConnection: max(o.HTTP2.Window, 1<<16),
		}
	}
	return srv
}

// bounded limits how long a request's body may take, as the loops do for half requests, and
// counts running handlers for Drain.
func (s *Server) bounded(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.handlers.Add(1)
		defer s.handlers.Add(-1)
		if s.cut.Load() {
			return // Drain may have seen no handler, and returned
		}
		if r.Body != http.NoBody {
			d := s.opts.ConnectionTimeout
			if r.ContentLength > 0 {
				d += time.Duration(r.ContentLength/slowestBytes) * time.Second
			} else {
				d *= 2 // the length is unknown
			}
			// A connection that can't be given a deadline is already broken.
			_ = http.NewResponseController(w).SetReadDeadline(after(d))
		}
		if r.ProtoMajor == 2 {
			p := &patientWriter{w, http.NewResponseController(w), s.opts.ConnectionTimeout}
			defer p.bound() // net/http flushes the rest when the handler has returned
			w = p
		}
		h.ServeHTTP(w, r)
	})
}

// patientWriter bounds how long the peer of an HTTP/2 stream may take to open its window: the
// connection may well go on, so handed notices nothing. Its streams end in RST_STREAM.
type patientWriter struct {
	http.ResponseWriter
	control *http.ResponseController
	patient time.Duration
}

var _ http.Flusher = (*patientWriter)(nil)

// bound sets the deadline of what is written next. A stream that has none is a test's.
func (p *patientWriter) bound() { _ = p.control.SetWriteDeadline(after(p.patient)) }

// Write fails when the peer takes less than windowBytes per timeout. It leaves a deadline behind
// for what is buffered.
func (p *patientWriter) Write(b []byte) (int, error) {
	total := 0
	for {
		p.bound()
		n, err := p.ResponseWriter.Write(b[:min(len(b), windowBytes)])
		total += n
		b = b[n:]
		if err != nil || len(b) == 0 {
			return total, err
		}
	}
}

// windowBytes is what a stream's peer must take within one timeout.
const windowBytes = 32 << 10

// FlushError sends what is buffered. After that the stream may be silent for as long as it likes.
func (p *patientWriter) FlushError() error {
	p.bound()
	if err := p.control.Flush(); err != nil {
		return err
	}
	return p.control.SetWriteDeadline(time.Time{})
}

// Flush is FlushError for those who don't care.
func (p *patientWriter) Flush() { _ = p.FlushError() }

// Unwrap is for http.ResponseController.
func (p *patientWriter) Unwrap() http.ResponseWriter { return p.ResponseWriter }

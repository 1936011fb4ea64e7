package target

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/gobwas/ws"
	"golang.org/x/sys/unix"
)

// Idler is a Server that can hold idle connections.
type Idler interface {
	// Idle opens n connections that only are there: WebSockets, or plain ones of RESP.
	Idle(ctx context.Context, n int) (Idle, error)
}

// Idle is a crowd of idle connections. One goroutine uses it.
type Idle interface {
	// Care answers what the server asked, which has to be done every few seconds, and says how many
	// are still open.
	Care() (open int)
	Close() error
}

// idleConn is one of them. It has no goroutine and no buffer: there may be 100 000.
type idleConn struct {
	*net.TCPConn
	raw  syscall.RawConn
	rest []byte // the beginning of a frame; mostly nil
}

type idleCrowd struct {
	conns []*idleConn // nil: closed by the server
	plain bool        // they speak no WebSocket
	buf   [1 << 10]byte
}

// idleOpening is how many are opened at once: the server's backlog is not endless.
const idleOpening = 32

// Idle is part of Idler.
func (s *Synap) Idle(ctx context.Context, n int) (Idle, error) {
	if s.url.Scheme == "https" || s.url.Scheme == "wss" {
		return nil, fmt.Errorf("%w: idle connections over %s", ErrUnsupported, s.url.Scheme)
	}
	crowd := &idleCrowd{conns: make([]*idleConn, n),
		plain: s.url.Scheme == "resp" || s.url.Scheme == "redis"}
	var next, opened atomic.Int64
	errs := make([]error, idleOpening)
	var all sync.WaitGroup
	for g := range errs {
		all.Go(func() {
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				if crowd.conns[i], errs[g] = s.openIdle(ctx, crowd.plain); errs[g] != nil {
					next.Store(int64(n)) // the others end, too
					return
				}
				opened.Add(1)
			}
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		_ = crowd.Close() // of no use
		return nil, fmt.Errorf("idle connection %d of %d: %w", opened.Load()+1, n,
			firstOf(errs))
	}
	return crowd, nil
}

func firstOf(errs []error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Synap) openIdle(ctx context.Context, plain bool) (_ *idleConn, err error) {
	c, err := s.dial(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w at %s: %w", ErrUnreachable, s.url.Host, err)
	}
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return nil, errors.Join(errors.New("no TCP"), c.Close())
	}
	idle := &idleConn{TCPConn: tcp}
	if !plain {
		idle.rest, err = upgrade(ctx, tcp, s.url.Host, s.token)
	}
	if err == nil {
		idle.raw, err = tcp.SyscallConn()
	}
	if err == nil && !idle.frames() {
		err = errors.New("the server ends it at once")
	}
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return idle, nil
}

// handshakes must be done in this time.
const handshakes = 10 * time.Second

// upgrade makes a connection a WebSocket. rest is what the server said at once.
func upgrade(ctx context.Context, c net.Conn, host, token string) (rest []byte, err error) {
	stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	_ = c.SetDeadline(time.Now().Add(handshakes)) // an open connection has deadlines
	request := fmt.Appendf(nil, "GET /api/v1/ws HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\n"+
		"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"+
		"Sec-WebSocket-Key: YmVuY2htYXJrIG9ubHkgIQ==\r\n", host)
	if token != "" {
		request = fmt.Appendf(request, "Authorization: Bearer %s\r\n", token)
	}
	if _, err := c.Write(append(request, "\r\n"...)); err != nil {
		return nil, err
	}
	in := bufio.NewReaderSize(c, 1<<10)
	reply, err := http.ReadResponse(in, nil)
	if err != nil {
		return nil, err
	}
	if reply.StatusCode != http.StatusSwitchingProtocols {
		text, _ := io.ReadAll(io.LimitReader(reply.Body, 500)) // the status says enough
		return nil, errors.Join(fmt.Errorf("the server answers %s: %s", reply.Status, text),
			reply.Body.Close())
	}
	if n := in.Buffered(); n > 0 {
		rest = make([]byte, n)
		_, _ = io.ReadFull(in, rest) // it is there
	}
	return rest, c.SetDeadline(time.Time{})
}

// Care is part of Idle.
func (i *idleCrowd) Care() (open int) {
	for n, c := range i.conns {
		if c == nil {
			continue
		}
		if i.care(c) {
			open++
			continue
		}
		_ = c.Close() // it is over already
		i.conns[n] = nil
	}
	return open
}

// care reads what is there without waiting for more; false: the connection has ended.
func (i *idleCrowd) care(c *idleConn) bool {
	for {
		n := 0
		var failed error
		err := c.raw.Read(func(fd uintptr) bool {
			n, failed = unix.Read(int(fd), i.buf[:])
			return true
		})
		switch {
		case err != nil, failed == nil && n == 0:
			return false
		case errors.Is(failed, unix.EAGAIN):
			return true
		case errors.Is(failed, unix.EINTR):
			continue
		case failed != nil, i.plain: // nothing was asked, so nothing is to be said
			return false
		}
		if c.rest = append(c.rest, i.buf[:n]...); !c.frames() {
			return false
		}
	}
}

// frames answers the pings among what came. All frames that come are short: nobody subscribed.
func (c *idleConn) frames() bool {
	for len(c.rest) >= 2 {
		size := int(c.rest[1])
		if size > 125 {
			return false
		}
		if len(c.rest) < 2+size {
			return true
		}
		switch op := ws.OpCode(c.rest[0] & 0x0f); op {
		case ws.OpPing:
			_ = c.SetWriteDeadline(time.Now().Add(time.Second)) // as above
			pong := ws.MaskFrameInPlace(ws.NewPongFrame(c.rest[2 : 2+size]))
			if ws.WriteFrame(c, pong) != nil {
				return false
			}
		case ws.OpPong:
		default:
			return false
		}
		c.rest = c.rest[2+size:]
	}
	if len(c.rest) == 0 {
		c.rest = nil
	}
	return true
}

// Close closes them all.
func (i *idleCrowd) Close() error {
	for _, c := range i.conns {
		if c != nil {
			_ = c.Close() // nothing is on its way
		}
	}
	return nil
}

//go:build linux && !gnet

package server

import (
	"errors"
	"net"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/synapdb/synap/internal/run"
)

// startEngine runs the event loops: with epoll itself here, with gnet elsewhere. At 50 unpipelined
// connections on one loop a request cost 10.6 µs of CPU with gnet, flushed per connection, and
// 8.4 µs here, flushed per round (one run each, redis-server 8.1 and 8.2 µs beside them). The
// profile of gnet showed a second epoll_wait per round and a yield to the scheduler in between.
func startEngine(s *Server, loops int) (engine, error) { return startEpoll(s, loops) }

// epollEngine is a set of loops, each a goroutine with an epoll descriptor.
type epollEngine struct {
	loops []*epollLoop
	tasks *run.Group
}

func startEpoll(s *Server, loops int) (*epollEngine, error) {
	spareProcessors(loops)
	e := &epollEngine{tasks: run.New()}
	for range loops {
		p, err := newEpollLoop(s)
		if err != nil {
			return nil, errors.Join(err, e.stop())
		}
		e.loops = append(e.loops, p)
		s.addLoop(p.loop)
		e.tasks.Go("event loop", p.turn, p.end)
	}
	return e, nil
}

func (e *epollEngine) stop() error { return e.tasks.Close(contextWithin(lastWait)) }

// adopt copies the descriptor: Go's own poller keeps the original, which is then closed.
func (e *epollEngine) adopt(tc *net.TCPConn, c *conn) error {
	defer tc.Close() //nolint:errcheck // the copy lives on
	fd, err := dupSocket(tc)
	if err != nil {
		return err
	}
	p := e.loops[0]
	if c.loop != nil {
		p = c.loop.poller.(*epollLoop)
	} else {
		for _, other := range e.loops[1:] {
			if other.count.Load() < p.count.Load() {
				p = other
			}
		}
	}
	p.count.Add(1)
	s := &epollSocket{
		loop: p, fd: fd, c: c, local: tc.LocalAddr(), remote: tc.RemoteAddr(),
	}
	if !p.post(func() { p.register(s) }) {
		p.count.Add(-1)
		_ = unix.Close(fd)
		return net.ErrClosed
	}
	return nil
}

func dupSocket(tc *net.TCPConn) (fd int, err error) {
	raw, err := tc.SyscallConn()
	if err != nil {
		return -1, err
	}
	fd = -1
	var failed error
	err = raw.Control(func(old uintptr) {
		fd, failed = unix.FcntlInt(old, unix.F_DUPFD_CLOEXEC, 0)
	})
	return fd, errors.Join(err, failed)
}

// epollLoop is one event loop. A round of it: wait for ready sockets; for each one read, feed;
// flush all replies; run posted tasks.
type epollLoop struct {
	loop   *loop
	fd     int
	wakeFd int
	buffer [readBytes]byte
	// sockets are by descriptor. A closed one is nil at once, and its number can't come back
	// before the round's tasks, so an event never reaches a socket it is not for.
	sockets []*epollSocket
	count   atomic.Int64 // connections, for balancing
	mu      struct {
		sync.Mutex
		tasks []func()
		armed bool // wakeFd is written
		ended bool
	}
}

const (
	readEvents = unix.EPOLLIN | unix.EPOLLRDHUP
	// eventsPerRound bounds a round, and with it how long a reply waits for the others.
	eventsPerRound = 256
)

func newEpollLoop(s *Server) (*epollLoop, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	wake, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	if err != nil {
		_ = unix.Close(fd)
		return nil, os.NewSyscallError("eventfd", err)
	}
	p := &epollLoop{fd: fd, wakeFd: wake}
	p.loop = newLoop(s, p)
	event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(wake)}
	if err := unix.EpollCtl(fd, unix.EPOLL_CTL_ADD, wake, &event); err != nil {
		_ = unix.Close(fd)
		_ = unix.Close(wake)
		return nil, os.NewSyscallError("epoll_ctl", err)
	}
	return p, nil
}

// turn is the loop itself.
func (p *epollLoop) turn() error {
	var events [eventsPerRound]unix.EpollEvent
	for {
		n, err := p.wait(events[:])
		if err != nil {
			return os.NewSyscallError("epoll_wait", err)
		}
		woken := false
		for i := range events[:n] {
			fd := int(events[i].Fd)
			if fd == p.wakeFd {
				woken = true
			} else if s := p.sockets[fd]; s != nil {
				p.read(s)
			}
		}
		if p.loop.woken.some.Load() {
			p.loop.feedWoken() // who waited for what this round wrote shares its commit
		}
		p.loop.flush()
		if woken && !p.runTasks() {
			p.close()
			return nil
		}
	}
}

// napMillis is how long a loop waits without telling Go's scheduler. The notice itself is cheap,
// but the scheduler's monitor then takes the loop's processor away every 20 µs, and the loop
// comes back on another thread: measured at 50 unpipelined connections, 10 % of the CPU time for
// the monitor alone. The price is a processor kept from other goroutines for so long after the
// last request, so there must be more processors than loops: see spareProcessors.
const napMillis = 2

// wait waits for ready sockets: at first with the processor in hand, then, when nothing comes,
// like any system call. A collection does not wait for the nap: its signal interrupts it.
func (p *epollLoop) wait(events []unix.EpollEvent) (int, error) {
	for {
		n, _, errno := syscall.RawSyscall6(syscall.SYS_EPOLL_PWAIT, uintptr(p.fd),
			uintptr(unsafe.Pointer(unsafe.SliceData(events))), uintptr(len(events)),
			napMillis, 0, 0)
		if errno == 0 && n > 0 {
			return int(n), nil
		}
		if errno != 0 && errno != syscall.EINTR {
			return 0, errno
		}
		slept, err := unix.EpollWait(p.fd, events, -1)
		if !errors.Is(err, unix.EINTR) {
			return slept, err
		}
	}
}

// spareProcessors makes sure that goroutines beside the loops always find a processor of Go's
// scheduler, unless the operator chose their number.
func spareProcessors(loops int) {
	if os.Getenv("GOMAXPROCS") == "" && runtime.GOMAXPROCS(0) < loops+spare {
		runtime.GOMAXPROCS(loops + spare)
	}
}

// spare is the number of processors that are never a loop's.
const spare = 2

// read takes what the socket has, at most one buffer: the rest is the next round's.
func (p *epollLoop) read(s *epollSocket) {
	n, err := readSocket(s.fd, p.buffer[:])
	switch {
	case n > 0:
		s.c.round(p.buffer[:n])
	case !errors.Is(err, unix.EAGAIN): // the end, or an error
		s.drop()
	}
}

// post has f run after the present round. A loop that is waiting is woken.
func (p *epollLoop) post(f func()) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mu.ended {
		return false
	}
	p.mu.tasks = append(p.mu.tasks, f)
	if !p.mu.armed {
		p.mu.armed = true
		p.wake()
	}
	return true
}

func (p *epollLoop) wake() {
	one := [8]byte{1}
	_, _ = unix.Write(p.wakeFd, one[:]) // it can only fail when it is awake already
}

// runTasks runs what was posted; false means that the loop is to end.
func (p *epollLoop) runTasks() bool {
	var scrap [8]byte
	_, _ = unix.Read(p.wakeFd, scrap[:])
	p.mu.Lock()
	tasks, ended := p.mu.tasks, p.mu.ended
	p.mu.tasks, p.mu.armed = nil, false
	p.mu.Unlock()
	for _, f := range tasks {
		f()
	}
	p.loop.flush()
	return !ended
}

func (p *epollLoop) register(s *epollSocket) {
	for s.fd >= len(p.sockets) {
		p.sockets = append(p.sockets, make([]*epollSocket, max(64, len(p.sockets)))...)
	}
	p.sockets[s.fd] = s
	p.loop.opened(s.c, s)
	if p.sockets[s.fd] != s {
		return // it left at once
	}
	s.watched = true
	if err := s.control(unix.EPOLL_CTL_ADD); err != nil {
		p.loop.server.log.Warn("a connection could not be watched", "error", err)
		s.drop()
	}
}

// end makes turn return after the present round.
func (p *epollLoop) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mu.ended = true
	p.wake()
}

func (p *epollLoop) close() {
	for _, s := range p.sockets {
		if s != nil {
			s.drop()
		}
	}
	_ = unix.Close(p.fd)
	_ = unix.Close(p.wakeFd)
}

// epollSocket is a connection's socket on its loop.
type epollSocket struct {
	loop          *epollLoop
	fd            int
	c             *conn // nil once parted
	local, remote net.Addr
	watched, deaf bool
}

// control tells the kernel what to watch the socket for. Its end is always of interest: what is
// still unread then is read after all.
func (s *epollSocket) control(op int) error {
	event := unix.EpollEvent{Events: readEvents, Fd: int32(s.fd)}
	if s.deaf {
		event.Events = unix.EPOLLRDHUP
	}
	return unix.EpollCtl(s.loop.fd, op, s.fd, &event)
}

func (s *epollSocket) deafen(on bool) {
	if s.deaf == on {
		return
	}
	s.deaf = on
	if s.watched {
		_ = s.control(unix.EPOLL_CTL_MOD) // it can only fail for want of memory: it reads on then
	}
}

// Fd is the file descriptor.
func (s *epollSocket) Fd() int { return s.fd }

// Dup copies the file descriptor.
func (s *epollSocket) Dup() (int, error) {
	return unix.FcntlInt(uintptr(s.fd), unix.F_DUPFD_CLOEXEC, 0)
}

// LocalAddr is this end's address.
func (s *epollSocket) LocalAddr() net.Addr { return s.local }

// RemoteAddr is the peer's address.
func (s *epollSocket) RemoteAddr() net.Addr { return s.remote }

func (s *epollSocket) forget() { s.c = nil }

func (s *epollSocket) drop() {
	p := s.loop
	if p.sockets[s.fd] != s {
		return
	}
	p.sockets[s.fd] = nil
	p.count.Add(-1)
	// A copy of the descriptor may live on, so closing alone would not end the watch. It is not
	// there yet when the connection leaves while it is being registered.
	_ = unix.EpollCtl(p.fd, unix.EPOLL_CTL_DEL, s.fd, nil)
	_ = unix.Close(s.fd)
	if s.c != nil {
		p.loop.closed(s.c)
	}
}

// readSocket reads from a non-blocking socket. Go's scheduler is not told: the call returns at
// once, and the notice would cost a tenth of it.
func readSocket(fd int, b []byte) (int, error) {
	return rawTransfer(syscall.SYS_READ, fd, b)
}

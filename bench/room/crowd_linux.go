package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/synapdb/synap/bench/process"
)

const (
	// perSource is how many connections one address makes.
	perSource = 10_000
	// firstMembers connect before memory is looked at, and it is looked at once more at firstLook.
	firstMembers, firstLook = 100, 1000
	// dialers connect at a time.
	dialers = 32
	// memberBytes is the longest value that one of a crowd reads: what it has not read whole.
	memberBytes = 1024
)

// member is one of a crowd: a WebSocket without a goroutine or buffer of Go's network, so that what
// is measured is the server.
type member struct {
	fd   int
	half []byte // of a frame
	at   int    // the event it waits for
}

// crowd opens connections that all follow one room, or topic, of which nothing is heard, and looks
// at the server's memory; then all are told something, again and again.
func crowd(out *strings.Builder, o options) error {
	o.rooms = 1
	if err := create(&o); err != nil {
		return err
	}
	all := make([]member, o.subscribers)
	for i := range all {
		all[i].fd = -1
	}
	defer func() {
		for i := range all {
			_ = unix.Close(all[i].fd)
		}
	}()
	if err := o.grow(out, all); err != nil {
		return err
	}
	return o.tell(out, all)
}

// grow connects everybody, and looks at the server's memory on the way. The first ones are left
// out: they pay for what the server has only once.
func (o *options) grow(out *strings.Builder, all []member) error {
	from := min(len(all)/10, firstMembers)
	if err := o.gather(all, 0, from); err != nil {
		return err
	}
	empty, err := process.Resident(o.pid)
	if err != nil {
		return err
	}
	last, first := empty, from
	for _, to := range []int{firstLook, len(all)} {
		if to <= from || to > len(all) {
			continue
		}
		begun := time.Now()
		if err := o.gather(all, from, to); err != nil {
			return err
		}
		took := time.Since(begun)
		now, err := process.Resident(o.pid)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "connections %d: connected %.0f/s; %.0f bytes each since the first %d, "+
			"%.0f since %d\n", to, float64(to-from)/took.Seconds(),
			float64(now-empty)/float64(to-first), first, float64(now-last)/float64(to-from), from)
		from, last = to, now
	}
	return nil
}

// tell publishes each event when all have the one before.
func (o *options) tell(out *strings.Builder, all []member) error {
	watch, err := newWatch(all)
	if err != nil {
		return err
	}
	defer watch.close()
	p, err := newPublisher(o)
	if err != nil {
		return err
	}
	defer func() { _ = p.Close() }()
	late := make([]time.Duration, 0, len(all)*o.events)
	before, err := process.CPU(o.pid)
	if err != nil {
		return err
	}
	begun := time.Now()
	for number := range o.events {
		p.add(o.room(0), number, time.Now().UnixNano())
		if err := p.flush(); err != nil {
			return err
		}
		if late, err = watch.everybody(o, number, late); err != nil {
			return err
		}
		if err := p.answers(number, 1); err != nil {
			return err
		}
	}
	took := time.Since(begun)
	after, err := process.CPU(o.pid)
	if err != nil {
		return err
	}
	slices.Sort(late)
	at := func(part float64) time.Duration {
		return late[int(part*float64(len(late)-1))].Round(10 * time.Microsecond)
	}
	fmt.Fprintf(out, "told %d times: median %v p95 %v p99 %v worst %v, %.0f deliveries/s, "+
		"server cpu-us/delivery %.2f\n", o.events, at(0.5), at(0.95), at(0.99), at(1),
		float64(len(late))/took.Seconds(),
		float64((after-before).Microseconds())/float64(len(late)))
	return nil
}

// gather connects some.
func (o *options) gather(all []member, from, end int) error {
	host, port, err := net.SplitHostPort(o.addr)
	if err != nil {
		return err
	}
	to := unix.SockaddrInet4{Addr: [4]byte(net.ParseIP(host).To4())}
	if to.Port, err = net.LookupPort("tcp", port); err != nil {
		return err
	}
	var next atomic.Int64
	next.Store(int64(from))
	var failed atomic.Pointer[error]
	var dialing sync.WaitGroup
	hello := []byte(o.handshake(o.room(0), 0))
	for range dialers {
		dialing.Go(func() {
			for failed.Load() == nil {
				i := int(next.Add(1)) - 1
				if i >= end {
					return
				}
				if err := all[i].connect(to, hello, byte(2+i/perSource)); err != nil {
					err = fmt.Errorf("connection %d: %w", i, err)
					failed.Store(&err)
				}
			}
		})
	}
	dialing.Wait()
	if err := failed.Load(); err != nil {
		return *err
	}
	return nil
}

// connect opens a WebSocket from an address of this machine and reads the first value.
func (m *member) connect(to unix.SockaddrInet4, hello []byte, source byte) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	m.fd = fd
	wait := unix.NsecToTimeval(patience.Nanoseconds())
	// The port is chosen when it is known where to: else each address has fewer.
	if err := errors.Join(unix.SetsockoptInt(fd, unix.SOL_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1),
		unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &wait),
		unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, source}}),
		unix.Connect(fd, &to)); err != nil {
		return err
	}
	if _, err := unix.Write(fd, hello); err != nil {
		return err
	}
	var buffer [memberBytes]byte
	got := buffer[:0]
	for {
		n, err := unix.Read(fd, buffer[len(got):])
		if n <= 0 || err != nil {
			return fmt.Errorf("the handshake: %w, %q", err, got)
		}
		got = buffer[:len(got)+n]
		if head, first, whole := bytes.Cut(got, []byte("\r\n\r\n")); whole && len(first) > 2 {
			if !bytes.HasPrefix(head, []byte("HTTP/1.1 101")) {
				return fmt.Errorf("the handshake is answered %q", got)
			}
			if text, rest := cutFrame(first); text != nil && len(rest) == 0 {
				return unix.SetNonblock(fd, true)
			}
		}
	}
}

// cutFrame cuts a frame, head included, off b; nil: it is not whole.
func cutFrame(b []byte) (frame, rest []byte) {
	size := 2
	if len(b) < size {
		return nil, b
	}
	length := int(b[1])
	if length == 126 {
		if size = 4; len(b) < size {
			return nil, b
		}
		length = int(binary.BigEndian.Uint16(b[2:]))
	}
	if length > memberBytes || len(b) < size+length {
		return nil, b
	}
	return b[:size+length], b[size+length:]
}

// watch waits for a crowd.
type watch struct {
	fd     int
	all    []member
	events [512]unix.EpollEvent
	buffer [2 * memberBytes]byte
}

func newWatch(all []member) (*watch, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	w := &watch{fd: fd, all: all}
	for i := range all {
		event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(i)}
		if err := unix.EpollCtl(fd, unix.EPOLL_CTL_ADD, all[i].fd, &event); err != nil {
			w.close()
			return nil, err
		}
	}
	return w, nil
}

func (w *watch) close() { _ = unix.Close(w.fd) }

// everybody waits until everybody has an event, and appends how late each had it.
func (w *watch) everybody(o *options, number int, late []time.Duration) ([]time.Duration, error) {
	head := headOf(o.room(0))
	for missing := len(w.all); missing > 0; {
		n, err := unix.EpollWait(w.fd, w.events[:], int(patience.Milliseconds()))
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if n == 0 || err != nil {
			return late, fmt.Errorf("%d were not told: %w", missing, err)
		}
		for i := range w.events[:n] {
			m := &w.all[w.events[i].Fd]
			sent, err := w.read(m, o, head)
			if err != nil {
				return late, fmt.Errorf("connection %d: %w", w.events[i].Fd, err)
			}
			if sent != 0 {
				missing--
				late = append(late, time.Duration(time.Now().UnixNano()-sent))
			}
		}
	}
	for i := range w.all {
		if w.all[i].at != number+1 {
			return late, fmt.Errorf("connection %d is at event %d", i, w.all[i].at)
		}
	}
	return late, nil
}

// read takes what there is, at most one event; sent is 0 when it was none.
func (w *watch) read(m *member, o *options, head []byte) (sent int64, err error) {
	n, err := unix.Read(m.fd, w.buffer[copy(w.buffer[:], m.half):])
	if n <= 0 || err != nil {
		return 0, fmt.Errorf("reading ends: %w", err)
	}
	rest := w.buffer[:len(m.half)+n]
	for len(rest) > 0 {
		var frame []byte
		if frame, rest = cutFrame(rest); frame == nil {
			break
		}
		if frame[0] == pingFrame {
			if _, err := unix.Write(m.fd, pong); err != nil {
				return 0, err
			}
			continue
		}
		if frame[0] != textFrame || sent != 0 {
			return 0, fmt.Errorf("unexpected: %q", frame)
		}
		text := frame[2:]
		if frame[1] == 126 {
			text = frame[4:]
		}
		number, at, err := event(text, head, o.size, o.topics)
		if err != nil {
			return 0, err
		}
		sent = at
		if number != m.at {
			return 0, fmt.Errorf("event %d comes where %d should", number, m.at)
		}
		m.at++
	}
	m.half = append(m.half[:0], rest...)
	return sent, nil
}

package cli

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// stub is a server of few commands that answers when it is told to.
type stub struct {
	net.Listener
	// answerAt returns when the n-th GET or SET of all connections, which came at a moment, may be
	// answered. n counts from 0. nil: at once.
	answerAt func(n int, came time.Time) time.Time
	// refuse is what GET and SET are answered with, if it is not empty.
	refuse string
	// breakAfter is the number of GETs and SETs after which all connections break; 0 = never.
	breakAfter int

	mu struct {
		sync.Mutex
		conns   []net.Conn
		n       int
		deleted map[string]bool
		values  map[string]string
	}
	open sync.WaitGroup
}

// pipes is a listener without a network.
type pipes struct {
	dialed chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPipes() *pipes {
	return &pipes{dialed: make(chan net.Conn), closed: make(chan struct{})}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.dialed:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error { p.once.Do(func() { close(p.closed) }); return nil }

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }

// dial connects to a stub that listens on pipes.
func (s *stub) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	p, _ := s.Listener.(*pipes)
	mine, theirs := net.Pipe()
	select {
	case p.dialed <- theirs:
		return mine, nil
	case <-p.closed:
	case <-ctx.Done():
	}
	return nil, net.ErrClosed
}

// serve starts the stub, by TCP without a listener, and ends it with the test.
func (s *stub) serve(t *testing.T, l net.Listener) *stub {
	t.Helper()
	if s.Listener = l; l == nil {
		var err error
		if s.Listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
	}
	s.mu.deleted, s.mu.values = map[string]bool{}, map[string]string{}
	s.open.Go(func() {
		for {
			c, err := s.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.mu.conns = append(s.mu.conns, c)
			s.mu.Unlock()
			s.open.Go(func() { s.talk(c) })
		}
	})
	t.Cleanup(s.end)
	return s
}

// end closes everything.
func (s *stub) end() {
	_ = s.Close()
	s.mu.Lock()
	for _, c := range s.mu.conns {
		_ = c.Close()
	}
	s.mu.Unlock()
	s.open.Wait()
}

func (s *stub) url() string { return "resp://" + s.Addr().String() }

// talk answers one connection in order.
func (s *stub) talk(c net.Conn) {
	defer c.Close()
	r := bufio.NewReader(c)
	for {
		words, err := readWords(r)
		if err != nil {
			return
		}
		if _, err := io.WriteString(c, s.answer(c, words)); err != nil {
			return
		}
	}
}

const info = "# Server\r\nredis_version:7.7.7\r\nprocess_id:1\r\nexecutable:/stub\r\n" +
	"synap_persistence:on\r\nsynap_durability:disk\r\n"

func (s *stub) answer(c net.Conn, words []string) string {
	switch strings.ToUpper(words[0]) {
	case "HELLO":
		return "%1\r\n$6\r\nserver\r\n$5\r\nredis\r\n"
	case "INFO":
		return fmt.Sprintf("$%d\r\n%s\r\n", len(info), info)
	case "DEL":
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, key := range words[1:] {
			s.mu.deleted[key] = true
		}
		return fmt.Sprintf(":%d\r\n", len(words)-1)
	case "GET", "SET":
		return s.keyed(c, words)
	}
	return "-ERR unknown command\r\n"
}

func (s *stub) keyed(c net.Conn, words []string) string {
	came := time.Now()
	s.mu.Lock()
	n := s.mu.n
	s.mu.n++
	reply := "_\r\n"
	if len(words) > 2 {
		s.mu.values[words[1]] = words[2]
		reply = "+OK\r\n"
	} else if v, ok := s.mu.values[words[1]]; ok {
		reply = fmt.Sprintf("$%d\r\n%s\r\n", len(v), v)
	}
	s.mu.Unlock()
	if s.refuse != "" {
		reply = "-" + s.refuse + "\r\n"
	}
	if s.breakAfter > 0 && n >= s.breakAfter {
		_ = s.Close()
		_ = c.Close()
		return ""
	}
	if s.answerAt != nil {
		time.Sleep(time.Until(s.answerAt(n, came))) // the delay that is injected
	}
	return reply
}

// readWords reads one command line of RESP.
func readWords(r *bufio.Reader) ([]string, error) {
	count, err := readSize(r, '*')
	if err != nil {
		return nil, err
	}
	words := make([]string, count)
	for i := range words {
		size, err := readSize(r, '$')
		if err != nil {
			return nil, err
		}
		word := make([]byte, size+2)
		if _, err := io.ReadFull(r, word); err != nil {
			return nil, err
		}
		words[i] = string(word[:size])
	}
	return words, nil
}

func readSize(r *bufio.Reader, kind byte) (int, error) {
	line, err := r.ReadBytes('\n')
	if err != nil {
		return 0, err
	}
	if line[0] != kind {
		return 0, fmt.Errorf("%q is no line of RESP", line)
	}
	return strconv.Atoi(string(bytes.TrimSpace(line[1:])))
}

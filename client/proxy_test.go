package synap_test

import (
	"io"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	synap "github.com/synapdb/synap/client"
)

// eager tries again at once, as often as a test may need.
var eager = synap.Retry{Attempts: 1000, Least: time.Millisecond, Most: 5 * time.Millisecond}

// cutter is a proxy that cuts each connection after so many bytes of the server.
type cutter struct {
	url   string
	cuts  atomic.Int64
	to    atomic.Pointer[string] // host:port of the server
	after func() int
	lis   net.Listener
	wg    sync.WaitGroup
	mu    sync.Mutex
	open  map[net.Conn]bool // nil: it has ended
}

// proxy starts one before a server at a URL; it ends with the test.
func proxy(t testing.TB, to string, after func() int) *cutter {
	t.Helper()
	u, err := url.Parse(to)
	must(t, "url", err)
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, "listen", err)
	p := &cutter{url: u.Scheme + "://" + lis.Addr().String(), after: after, lis: lis,
		open: map[net.Conn]bool{}}
	p.to.Store(&u.Host)
	p.wg.Go(func() {
		for {
			c, err := lis.Accept()
			if err != nil {
				return
			}
			p.wg.Go(func() { p.serve(c) })
		}
	})
	t.Cleanup(func() {
		_ = lis.Close()
		p.mu.Lock()
		open := p.open
		p.open = nil
		p.mu.Unlock()
		for c := range open {
			_ = c.Close()
		}
		p.wg.Wait()
	})
	return p
}

// keep notes a connection, so that it is closed in the end. false: this is the end.
func (p *cutter) keep(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.open != nil {
		p.open[c] = true
	}
	return p.open != nil
}

func (p *cutter) leave(c net.Conn) {
	_ = c.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, c)
}

func (p *cutter) serve(c net.Conn) {
	defer p.leave(c)
	s, err := net.Dial("tcp", *p.to.Load())
	if err != nil {
		return
	}
	defer p.leave(s)
	if !p.keep(c) || !p.keep(s) {
		return
	}
	var both sync.WaitGroup
	both.Go(func() {
		_, _ = io.Copy(s, c)
		_ = s.Close()
	})
	if n, _ := io.CopyN(c, s, int64(p.after())); n > 0 {
		p.cuts.Add(1)
	}
	_ = c.Close()
	_ = s.Close()
	both.Wait()
}

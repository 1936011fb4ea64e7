package synap_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"

	synap "github.com/synapdb/synap/client"
)

// Behind a server that speaks TLS, as https:// and wss://: everything works as without.
func TestTLS(t *testing.T) {
	s := serve(t, nil)
	front := httptest.NewTLSServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(&url.URL{Scheme: "http", Host: s.http})
	}})
	defer front.Close()
	trusted := x509.NewCertPool()
	trusted.AddCert(front.Certificate())
	for _, scheme := range []string{"https", "wss"} {
		t.Run(scheme, func(t *testing.T) {
			ctx, at := t.Context(), scheme+"://"+front.Listener.Addr().String()
			_, _, err := client(t, at).KV.Get(ctx, "a")
			var unknown *tls.CertificateVerificationError
			same(t, "not trusted", errors.As(err, &unknown), true)
			c := client(t, at, synap.WithTLS(&tls.Config{RootCAs: trusted,
				MinVersion: tls.VersionTLS12}))
			_, err = c.KV.Set(ctx, "a", []byte("1\xff"))
			must(t, "set", err)
			values, err := c.KV.MGet(ctx, "a", "none", "a")
			same(t, "mget", fmt.Sprintf("%q %v", values, err), `["1\xff" "" "1\xff"] <nil>`)
			p, err := c.Pipe(ctx)
			must(t, "pipe", err)
			for range 3 {
				p.Get([]byte("a"))
			}
			got := ""
			must(t, "exec", p.Exec(ctx, func(i int, r *synap.Reply) {
				got += fmt.Sprintf("%d %q %v|", i, r.Value, r.Err)
			}))
			same(t, "pipe", got, `0 "1\xff" <nil>|1 "1\xff" <nil>|2 "1\xff" <nil>|`)
			must(t, "close", p.Close())
			room := c.Stream(scheme)
			must(t, "create", room.Create(ctx, synap.StreamOptions{}))
			_, err = room.Publish(ctx, "e", []byte(`1`))
			must(t, "publish", err)
			for e, err := range room.Subscribe(ctx) {
				must(t, "subscribe", err)
				same(t, "event", string(e.Data), "1")
				break
			}
		})
	}
}

// A proxy that the environment names is used. net/http reads the environment once, and not for
// servers of this machine by their usual names, so this runs in a process of its own.
func TestProxies(t *testing.T) {
	if at := os.Getenv("SYNAP_TEST_PROXIED"); at != "" {
		proxied(t, at)
		return
	}
	s := serve(t, nil)
	var plain, tunnels atomic.Int64
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, "listen", err)
	var all sync.WaitGroup
	defer all.Wait()
	defer lis.Close()
	all.Go(func() {
		for {
			c, err := lis.Accept()
			if err != nil {
				return
			}
			all.Go(func() { forward(c, s.http, &plain, &tunnels) })
		}
	})
	cmd := exec.Command(os.Args[0], "-test.run=^TestProxies$", "-test.timeout=30s")
	cmd.Env = append(os.Environ(), "SYNAP_TEST_PROXIED=synap.invalid:15500",
		"HTTP_PROXY=http://u:p@"+lis.Addr().String(), "http_proxy=", "NO_PROXY=", "no_proxy=")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if plain.Load() == 0 || tunnels.Load() == 0 {
		t.Errorf("%d plain connections and %d tunnels", plain.Load(), tunnels.Load())
	}
}

func proxied(t *testing.T, at string) {
	for _, scheme := range []string{"http", "ws"} {
		c := client(t, scheme+"://"+at)
		_, err := c.KV.Set(t.Context(), "a", []byte(scheme))
		must(t, "set", err)
		v, ok, err := c.KV.Get(t.Context(), "a")
		same(t, "get", fmt.Sprintf("%s %v %v", v, ok, err), scheme+" true <nil>")
	}
}

// forward is one connection of a proxy, whatever server is asked for.
func forward(c net.Conn, to string, plain, tunnels *atomic.Int64) {
	defer c.Close()
	in := bufio.NewReader(c)
	q, err := http.ReadRequest(in)
	if err != nil || q.Header.Get("Proxy-Authorization") == "" {
		return
	}
	s, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer s.Close()
	if q.Method == http.MethodConnect {
		tunnels.Add(1)
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
		var both sync.WaitGroup
		both.Go(func() {
			_, _ = io.Copy(s, in)
			_ = s.Close()
		})
		_, _ = io.Copy(c, s)
		_ = c.Close()
		both.Wait()
		return
	}
	plain.Add(1)
	q.Close = true
	if q.Write(s) == nil {
		_, _ = io.Copy(c, s)
	}
}

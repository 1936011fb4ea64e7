package synap_test

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"strconv"
	"testing"
	"time"

	"go.uber.org/goleak"

	synap "github.com/synapdb/synap/client"
	"github.com/synapdb/synap/internal/assembly"
	"github.com/synapdb/synap/internal/config"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patient bounds what a busy machine may take.
const patient = 20 * time.Second

// server is a real server in this process.
type server struct {
	http, resp string // host:port
	stop       func()
}

// serve starts one on free ports; flags are settings by key. It ends with the test.
func serve(t testing.TB, flags map[string]string) *server {
	t.Helper()
	all := map[string]string{"server.host": "127.0.0.1", "server.port": "0",
		"server.resp_port": "0", "kv_store.shards": "4", "server.loops": "2",
		"persistence.level": "memory"}
	maps.Copy(all, flags)
	l, err := config.Load(config.Sources{Environ: []string{}, Flags: all})
	if err != nil {
		t.Fatal(err)
	}
	in, err := assembly.Open(&l.Config, assembly.Build{Version: "1", Commit: "test"},
		slog.New(slog.DiscardHandler), new(slog.LevelVar))
	if err != nil {
		t.Fatal(err)
	}
	if err := in.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := &server{http: local(in.HTTPPort()), resp: local(in.RESPPort())}
	ended := false
	s.stop = func() {
		if ended {
			return
		}
		ended = true
		ctx, cancel := context.WithTimeout(context.Background(), patient)
		defer cancel()
		if err := in.Close(ctx); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(s.stop)
	return s
}

func local(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// wire is a way to speak to a server.
type wire struct {
	name, scheme string
	format       synap.Format
}

var wires = []wire{
	{"http msgpack", "http", synap.MessagePack}, {"http json", "http", synap.JSON},
	{"ws msgpack", "ws", synap.MessagePack}, {"ws json", "ws", synap.JSON},
	{"resp", "resp", synap.MessagePack},
}

// url is where a wire reaches s.
func (s *server) url(w wire) string {
	if w.scheme == "resp" {
		return "resp://" + s.resp
	}
	return w.scheme + "://" + s.http
}

// client speaks to an address or URL; it is closed with the test.
func client(t testing.TB, url string, options ...synap.Option) *synap.Client {
	t.Helper()
	c, err := synap.New(append([]synap.Option{synap.WithURL(url),
		synap.WithTimeout(patient)}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// onEveryWire runs a test over each, against servers of their own.
func onEveryWire(t *testing.T, test func(t *testing.T, s *server, c *synap.Client, w wire)) {
	for _, w := range wires {
		t.Run(w.name, func(t *testing.T) {
			s := serve(t, nil)
			test(t, s, client(t, s.url(w), synap.WithFormat(w.format)), w)
		})
	}
}

// same fails unless got is printed as want is.
func same(t testing.TB, what string, got, want any) {
	t.Helper()
	if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
		t.Errorf("%s: got %s, want %s", what, g, w)
	}
}

// must fails on an error.
func must(t testing.TB, what string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

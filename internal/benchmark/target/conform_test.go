package target_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/synapdb/synap/internal/assembly"
	"github.com/synapdb/synap/internal/benchmark/spawn"
	"github.com/synapdb/synap/internal/benchmark/target"
	"github.com/synapdb/synap/internal/config"
)

// patient bounds what a busy machine may take.
const patient = time.Minute

// within is the context of a test.
func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patient)
	t.Cleanup(cancel)
	return ctx
}

// onAll runs a test against every server that can do a workload: Synap over each of its wires, and
// each peer that is installed.
func onAll(t *testing.T, workload string, depth int, test func(t *testing.T, s target.Server)) {
	t.Helper()
	for _, wire := range []string{"http", "resp"} {
		t.Run("synap "+wire, func(t *testing.T) { test(t, synapServer(t, wire)) })
	}
	for _, name := range spawn.Peers() {
		scheme := map[string]string{"redis": "redis", "nats": "nats", "beanstalkd": "beanstalk",
			"rabbitmq": "amqp"}[name]
		if target.Can(scheme+"://h", workload) != nil {
			continue
		}
		for _, durability := range []string{"memory", "disk"} {
			t.Run(name+" "+durability, func(t *testing.T) {
				test(t, peer(t, name, durability, depth))
			})
		}
	}
}

// peer is a server that was started, or skips the test where it is not installed.
func peer(t *testing.T, name, durability string, depth int) target.Server {
	t.Helper()
	p, err := started(name, durability)
	var missing *spawn.MissingError
	if errors.As(err, &missing) {
		t.Skipf("%v (make test installs all but RabbitMQ, which is large: it is optional)", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	s, err := target.OpenPeer(target.Peer{URL: p.URL, PID: p.PID(), Durability: durability,
		Stated: p.Durability, Depth: depth})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// running are the peers of all tests: some take long to start.
var running = struct {
	sync.Mutex
	peers map[string]*spawn.Process
}{peers: map[string]*spawn.Process{}}

// started is a peer, which is started for the first test that wants it.
func started(name, durability string) (*spawn.Process, error) {
	running.Lock()
	defer running.Unlock()
	if name == "rabbitmq" {
		durability = "disk" // its queues choose
	}
	p := running.peers[name+durability]
	if p != nil {
		return p, nil
	}
	p, err := spawn.Peer(context.Background(), name, spawn.Options{Durability: durability})
	if err == nil {
		running.peers[name+durability] = p
	}
	return p, err
}

func TestMain(m *testing.M) {
	code := m.Run()
	for _, p := range running.peers {
		if err := p.Stop(); err != nil {
			fmt.Println(err)
			code = 1
		}
	}
	os.Exit(code)
}

// synapServer runs in this process.
func synapServer(t *testing.T, wire string) target.Server {
	t.Helper()
	l, err := config.Load(config.Sources{Environ: []string{}, Flags: map[string]string{
		"server.host": "127.0.0.1", "server.port": "0", "server.resp_port": "0",
		"persistence.level": "memory"}})
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
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patient)
		defer cancel()
		if err := in.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	port := in.HTTPPort()
	if wire == "resp" {
		port = in.RESPPort()
	}
	s, err := target.Open(wire+"://"+net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/synapdb/synap/test/harness"
)

// small is a run that only shows that the generator works.
func small(addr string, d dialect) options {
	return options{addr: addr, dialect: d, queue: fmt.Sprintf("q%d", time.Now().UnixNano()),
		pid: os.Getpid(), messages: 1000, workers: 5, depth: 1, size: 100}
}

// tryEveryMode runs the modes that all servers know.
func tryEveryMode(t *testing.T, o options) {
	t.Helper()
	for name, mode := range map[string]func(*strings.Builder, options) error{
		"load": load, "order": order, "scenario2": scenario2, "memory": memory,
	} {
		for _, depth := range []int{1, 32} {
			o := o
			o.depth, o.queue = depth, fmt.Sprintf("%s-%s-%d", o.queue, name, depth)
			var out strings.Builder
			if err := mode(&out, o); err != nil || out.Len() == 0 {
				t.Errorf("%s, depth %d: %v", name, depth, err)
			}
		}
	}
	var out strings.Builder
	o.messages, o.queue = 250, "many-"+o.queue
	if err := many(&out, o); err != nil {
		t.Errorf("many: %v", err)
	}
}

func TestSynap(t *testing.T) {
	s := harness.Start(t)
	o := small(s.RESP, synap{})
	o.http = s.HTTP
	tryEveryMode(t, o)
	o.batch = 64
	var out strings.Builder
	if err := load(&out, o); err != nil {
		t.Errorf("batches: %v", err)
	}
}

func TestBeanstalkd(t *testing.T) {
	path, err := exec.LookPath("beanstalkd")
	if err != nil {
		t.Skip("beanstalkd is not installed: make tools-apt")
	}
	addr := freeAddr(t)
	host, port, _ := net.SplitHostPort(addr)
	server := exec.Command(path, "-l", host, "-p", port)
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Process.Kill(); _ = server.Wait() })
	for deadline := time.Now().Add(20 * time.Second); ; {
		if c, err := net.Dial("tcp", addr); err == nil {
			_ = c.Close()
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("beanstalkd does not answer")
		}
		time.Sleep(5 * time.Millisecond) // a poll of its socket
	}
	tryEveryMode(t, small(addr, beanstalk{}))
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

func TestChecksSeeWhatIsWrong(t *testing.T) {
	for _, numbers := range [][]int{{0, 1}, {0, 1, 1}, {0, 1, 3}} {
		if each(numbers, 3) == nil {
			t.Errorf("%v passes for three messages", numbers)
		}
	}
	model := newPayload(100)
	right := newPayload(100)
	setNumber(right, 42)
	if n, err := readNumber(right, model); n != 42 || err != nil {
		t.Errorf("a payload reads back as %d, %v", n, err)
	}
	for at := range right {
		wrong := append([]byte(nil), right...)
		wrong[at] ^= 0x41
		if n, err := readNumber(wrong, model); err == nil && n == 42 {
			t.Errorf("a payload damaged at %d passes", at)
		}
	}
}

// BenchmarkScenario2 is scenario 2 of the performance specification against Synap: 50 000
// messages of uniform priorities, 5 workers, one command at a time. One iteration is one run.
func BenchmarkScenario2(b *testing.B) {
	s := harness.Start(b)
	var puts, takes float64
	for range b.N {
		o := small(s.RESP, synap{})
		o.messages = 50_000
		all, err := both(o)
		if err != nil {
			b.Fatal(err)
		}
		puts, takes = puts+all.put.rate(), takes+all.take.rate()
	}
	b.ReportMetric(puts/float64(b.N), "published/s")
	b.ReportMetric(takes/float64(b.N), "consumed+acked/s")
}

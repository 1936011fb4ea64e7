// Command queue loads a queue server the same way whichever protocol it speaks: Synap's RESP or
// that of beanstalkd. One publish phase, then one consume and acknowledge phase; every message is
// checked by its content. See bench/vs-beanstalkd.sh.
package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"time"
)

// options are the load.
type options struct {
	addr     string
	http     string // Synap's HTTP door, for figures and lists
	dialect  dialect
	queue    string
	pid      int
	messages int
	workers  int
	depth    int // commands sent before their answers are read
	batch    int // messages in one command; 0 = the ordinary commands
	size     int
}

func main() {
	var o options
	protocol := flag.String("protocol", "synap", "synap or beanstalk")
	mode := flag.String("mode", "load", "load, order, scenario2, memory or many")
	flag.StringVar(&o.addr, "addr", "", "host:port")
	flag.StringVar(&o.http, "http", "", "host:port of Synap's HTTP door, in modes memory and many")
	flag.StringVar(&o.queue, "queue", "", "queue or tube (default: a fresh one)")
	flag.IntVar(&o.pid, "pid", 0, "process id of the server, to read its CPU time and memory")
	flag.IntVar(&o.messages, "messages", 50_000, "messages, or queues in mode many")
	flag.IntVar(&o.workers, "workers", 5, "connections, each with one goroutine")
	flag.IntVar(&o.depth, "depth", 1, "commands pipelined")
	flag.IntVar(&o.batch, "batch", 0, "messages a command, Synap only; 0 = ordinary commands")
	flag.IntVar(&o.size, "size", 100, "bytes a payload")
	flag.Parse()
	if o.queue == "" {
		o.queue = fmt.Sprintf("bench-%d", time.Now().UnixNano())
	}
	var out strings.Builder
	err := run(&out, o, *protocol, *mode)
	fmt.Print(out.String())
	if err != nil {
		fmt.Fprintln(os.Stderr, "queue:", err)
		os.Exit(1)
	}
}

func run(out *strings.Builder, o options, protocol, mode string) error {
	o.dialect = dialects[protocol]
	modes := map[string]func(*strings.Builder, options) error{
		"load": load, "order": order, "scenario2": scenario2, "memory": memory, "many": many,
	}
	switch {
	case o.dialect == nil:
		return fmt.Errorf("no protocol %q", protocol)
	case modes[mode] == nil:
		return fmt.Errorf("no mode %q", mode)
	case o.size < minSize || o.messages < 1 || o.workers < 1 || o.depth < 1 || o.batch < 0:
		return fmt.Errorf("sizes must be at least %d, counts at least 1", minSize)
	}
	return modes[mode](out, o)
}

// load prints a line for each phase: its name, messages per second, server CPU µs per message.
func load(out *strings.Builder, o options) error {
	all, err := both(o)
	if err != nil {
		return err
	}
	for _, p := range []phase{all.put, all.take} {
		fmt.Fprintf(out, "%s %.0f %.3f\n", p.name, p.rate(), p.cpuPerMessage())
	}
	return nil
}

// order has one producer and one consumer, and fails unless messages come by priority, and as
// they were published inside one.
func order(out *strings.Builder, o options) error {
	o.workers = 1
	all, err := both(o)
	if err != nil {
		return err
	}
	last := [10]int{}
	current := 9
	for i, n := range all.numbers {
		p := priority(n)
		if p > current || (p == current && n < last[p]) {
			return fmt.Errorf("delivery %d: message %d of priority %d comes late", i, n, p)
		}
		current, last[p] = p, n
	}
	fmt.Fprintf(out, "order of %d messages: right\n", o.messages)
	return nil
}

// scenario2 is scenario 2 of the performance specification, its targets printed beside.
func scenario2(out *strings.Builder, o options) error {
	all, err := both(o)
	if err != nil {
		return err
	}
	row := func(what, got, target string) {
		fmt.Fprintf(out, "%-22s %14s  %s\n", what, got, target)
	}
	rate := func(p phase) string { return fmt.Sprintf("%.0f/s", p.rate()) }
	row("publish", rate(all.put), "target 50 000/s")
	row("consume and ack", rate(all.take), "target 100 000/s consumed")
	row("end to end", all.total.Round(time.Millisecond).String(), "target < 30 s")
	row("lost, or come twice", "0", "target 0, checked by content")
	if o.depth == 1 && o.batch == 0 {
		row("publish p95", all.put.latency.p95().String(), "target < 1 ms")
		row("consume p95", all.take.latency.p95().String(), "target < 0.5 ms")
		row("ack p95", all.acks.p95().String(), "target < 0.5 ms")
	}
	return nil
}

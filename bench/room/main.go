// Command room loads a server of events the same way whichever protocol it speaks: Synap, published
// to over RESP and followed over WebSockets, or NATS. Every subscriber has to get every event of
// its room, in order. See bench/vs-nats.sh.
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
	addr        string // followers: Synap's HTTP door
	resp        string // publishers: Synap's RESP door
	nats        bool
	prefix      string // of the rooms' names
	pid         int
	rooms       int
	subscribers int // of each room
	events      int // of each room
	publishers  int
	size        int
	batch       int // events sent with one write
	rate        int // events a second of all rooms; 0 = as fast as possible
	stalled     int // further subscribers of the first room, which read when the others have ended
	cuts        int // connections cut and taken up again, of each room
}

func main() {
	var o options
	protocol := flag.String("protocol", "synap", "synap or nats")
	mode := flag.String("mode", "load", "load or idle")
	flag.StringVar(&o.addr, "addr", "", "host:port, of Synap's HTTP door")
	flag.StringVar(&o.resp, "resp", "", "host:port of Synap's RESP door")
	flag.IntVar(&o.pid, "pid", 0, "process id of the server, to read its CPU time and memory")
	flag.IntVar(&o.rooms, "rooms", 1, "rooms")
	flag.IntVar(&o.subscribers, "subscribers", 50, "subscribers of each room")
	flag.IntVar(&o.events, "events", 40_000, "events of each room")
	flag.IntVar(&o.publishers, "publishers", 1, "connections that publish, each to its rooms")
	flag.IntVar(&o.size, "size", 200, "bytes of an event's data")
	flag.IntVar(&o.batch, "batch", 64, "events sent with one write")
	flag.IntVar(&o.rate, "rate", 0, "events a second, to see how late they come; 0 = no pause")
	flag.IntVar(&o.stalled, "stalled", 0, "further subscribers that read last, Synap only")
	flag.IntVar(&o.cuts, "cuts", 0, "subscribers of each room cut in the middle, Synap only")
	flag.Parse()
	o.nats = *protocol == "nats"
	o.prefix = fmt.Sprintf("bench-%d-", time.Now().UnixNano())
	var out strings.Builder
	err := run(&out, o, *mode)
	fmt.Print(out.String())
	if err != nil {
		fmt.Fprintln(os.Stderr, "room:", err)
		os.Exit(1)
	}
}

func run(out *strings.Builder, o options, mode string) error {
	switch {
	case o.size < minSize || o.rooms < 1 || o.events < 1 || o.publishers < 1 || o.batch < 1:
		return fmt.Errorf("sizes must be at least %d, counts at least 1", minSize)
	case o.nats && o.stalled+o.cuts > 0:
		return fmt.Errorf("NATS forgets who does not read")
	case mode == "load":
		return load(out, o)
	case mode == "idle":
		return idle(out, o)
	}
	return fmt.Errorf("no mode %q", mode)
}

func (o *options) room(n int) string { return fmt.Sprintf("%s%d", o.prefix, n) }

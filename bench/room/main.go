// Command room loads a server of events the same way whichever protocol it speaks: Synap, published
// to over RESP and followed over WebSockets, or NATS. Every subscriber has to get every event of
// its room, in order. See bench/vs-nats.sh.
package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"time"
)

// options are the load.
type options struct {
	addr        string // followers: Synap's HTTP door
	resp        string // publishers: Synap's RESP door
	style       style
	topics      bool   // instead of rooms: what is not read in time is lost
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
	window      int // events published and not yet read by all; 0 = no bound
	read        []atomic.Int64
	cuts        int // connections cut and taken up again, of each room
}

func main() {
	var o options
	via := flag.String("via", "ws", "how followers are told: ws, sse, resp (topics) or nats")
	kind := flag.String("kind", "room", "room or topic")
	mode := flag.String("mode", "load", "load, crowd or fill")
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
	flag.IntVar(&o.window, "window", 0, "events published and not yet read by all; 0 = no bound")
	flag.IntVar(&o.cuts, "cuts", 0, "subscribers of each room cut in the middle, Synap only")
	flag.Parse()
	o.topics = *kind == "topic"
	o.style = map[string]style{"nats": byNATS, "resp": byRESP, "sse": byEvents}[*via]
	if *via == "ws" {
		o.style = bySocket
	}
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
	case (o.style == byNATS || o.topics) && o.cuts > 0:
		return fmt.Errorf("who was cut off has missed messages")
	case o.window != 0 && o.window < o.batch+reportEvery:
		return fmt.Errorf("the window must be at least %d", o.batch+reportEvery)
	case o.style == byRESP && !o.topics:
		return fmt.Errorf("rooms are not followed over RESP here")
	case mode == "load":
		return load(out, o)
	case mode == "crowd" && o.style == bySocket:
		return crowd(out, o)
	case mode == "fill" && o.style == bySocket:
		return fill(out, o, fullServer)
	}
	return fmt.Errorf("no mode %q", mode)
}

// addressOf is where a style is spoken.
func (o *options) addressOf(s style) string {
	if s == byRESP {
		return o.resp
	}
	return o.addr
}

func (o *options) room(n int) string { return fmt.Sprintf("%s%d", o.prefix, n) }

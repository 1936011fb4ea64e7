package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/synapdb/synap/bench/process"
)

// What a filled server has. Topics are subscribed to by few connections, so that what is measured
// is not the connections.
type filling struct {
	rooms         int
	topics        int // each with one subscription
	subscriptions int // further ones, to topics that have one
	connections   int // for each of both
}

var fullServer = filling{rooms: 100_000, topics: 1_000_000, subscriptions: 100_000,
	connections: 100}

// fill says what rooms, topics and subscriptions cost, and whether publishing to one room and one
// topic costs more beside them.
func fill(out *strings.Builder, o options, to filling) error {
	o.rooms, o.subscribers, o.publishers = 1, 1, 1
	if err := o.rates(out, "empty"); err != nil {
		return err
	}
	if err := measured(out, o.pid, "room", to.rooms, func() error {
		return o.makeRooms(to.rooms)
	}); err != nil {
		return err
	}
	owners, err := o.connectMany(2 * to.connections)
	defer func() {
		for _, c := range owners {
			_ = c.Close()
		}
	}()
	if err != nil {
		return err
	}
	first, second := owners[:to.connections], owners[to.connections:]
	if err := measured(out, o.pid, "topic with a subscription", to.topics, func() error {
		return subscribeMany(first, to.topics)
	}); err != nil {
		return err
	}
	if err := measured(out, o.pid, "further subscription", to.subscriptions, func() error {
		return subscribeMany(second, to.subscriptions)
	}); err != nil {
		return err
	}
	p, err := newPublisher(&o)
	if err != nil {
		return err
	}
	defer func() { _ = p.Close() }()
	for topic, want := range map[int]string{0: ":2\r\n", to.subscriptions - 1: ":2\r\n",
		to.topics - 1: ":1\r\n"} {
		p.out = fmt.Appendf(nil, "PUBLISH %s x\r\n", fillTopic(topic))
		if err := p.flush(); err != nil {
			return err
		}
		if line, err := p.r.ReadSlice('\n'); err != nil || string(line) != want {
			return fmt.Errorf("topic %d is answered %q: %w", topic, line, err)
		}
	}
	return o.rates(out, "full")
}

// rates publishes to one room and to one topic, each with one follower.
func (o *options) rates(out *strings.Builder, when string) error {
	for _, topics := range []bool{false, true} {
		one := *o
		one.topics, one.prefix = topics, fmt.Sprintf("%s%s-", o.prefix, when)
		var text strings.Builder
		if err := load(&text, one); err != nil {
			return err
		}
		kind := map[bool]string{false: "room", true: "topic"}[topics]
		fmt.Fprintf(out, "%s server, one %s: %s\n", when, kind,
			strings.Join(strings.Split(strings.TrimSpace(text.String()), "\n"), ", "))
	}
	return nil
}

// measured says how much memory each of n things takes that make makes.
func measured(out *strings.Builder, pid int, what string, n int, create func() error) error {
	before, err := process.Resident(pid)
	if err != nil {
		return err
	}
	begun := time.Now()
	if err := create(); err != nil {
		return err
	}
	took := time.Since(begun)
	after, err := process.Resident(pid)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%d times a %s: %.0f bytes each, made in %v\n", n, what,
		float64(after-before)/float64(n), took.Round(time.Millisecond))
	return nil
}

// atOnce is how many requests are sent before their answers are read.
const atOnce = 1000

// makeRooms makes empty rooms.
func (o *options) makeRooms(n int) error {
	p, err := newPublisher(o)
	if err != nil {
		return err
	}
	defer func() { _ = p.Close() }()
	for from := 0; from < n; from += atOnce {
		to := min(n, from+atOnce)
		for i := from; i < to; i++ {
			p.out = fmt.Appendf(p.out, "SCREATE fill-%07d\r\n", i)
		}
		if err := p.flush(); err != nil {
			return err
		}
		for i := from; i < to; i++ {
			if line, err := p.r.ReadSlice('\n'); err != nil || string(line) != "+OK\r\n" {
				return fmt.Errorf("room %d is answered %q: %w", i, line, err)
			}
		}
	}
	return nil
}

func (o *options) connectMany(n int) (all []*publisher, err error) {
	for range n {
		p, err := newPublisher(o)
		if err != nil {
			return all, err
		}
		all = append(all, p)
	}
	return all, nil
}

func fillTopic(n int) string { return fmt.Sprintf("fill.%03d.%07d", n%1000, n) }

// subscribeMany subscribes connections to topics, to each of which one of them.
func subscribeMany(owners []*publisher, topics int) error {
	for from := 0; from < topics; from += atOnce {
		p := owners[from/atOnce%len(owners)]
		to := min(topics, from+atOnce)
		for i := from; i < to; i++ {
			p.out = fmt.Appendf(p.out, "SUBSCRIBE %s\r\n", fillTopic(i))
		}
		if err := p.flush(); err != nil {
			return err
		}
		for i := from; i < to; i++ {
			for range 5 { // *3, $9, subscribe, $length, topic
				if _, err := p.r.ReadSlice('\n'); err != nil {
					return err
				}
			}
			if line, err := p.r.ReadSlice('\n'); err != nil || line[0] != ':' {
				return fmt.Errorf("topic %d is answered %q: %w", i, line, err)
			}
		}
	}
	return nil
}

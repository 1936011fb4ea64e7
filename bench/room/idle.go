package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/synapdb/synap/bench/process"
)

// perSource is how many connections one address makes.
const perSource = 10_000

// idle opens connections that follow rooms of which nothing is heard, and looks at the server's
// memory; then each room tells all of them something.
func idle(out *strings.Builder, o options) error {
	if err := create(&o); err != nil {
		return err
	}
	empty, err := process.Resident(o.pid)
	if err != nil {
		return err
	}
	count := o.rooms * o.subscribers
	all := make([]*follower, count)
	begun := time.Now()
	for i := range all {
		if all[i], err = follow(&o, o.room(i%o.rooms), 0, 1+i/perSource, 256); err != nil {
			return fmt.Errorf("connection %d: %w", i, err)
		}
	}
	took := time.Since(begun)
	full, err := process.Resident(o.pid)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "connections %d, %.0f/s, %.0f bytes each beyond the server's %d MB\n", count,
		float64(count)/took.Seconds(), float64(full-empty)/float64(count), empty>>20)
	p, err := newPublisher(&o)
	if err != nil {
		return err
	}
	begun = time.Now()
	for i := range o.rooms {
		p.add(o.room(i), 0, begun.UnixNano())
	}
	if err := p.flush(); err != nil {
		return err
	}
	for i, f := range all {
		if _, _, err := f.next(); err != nil {
			return fmt.Errorf("connection %d: %w", i, err)
		}
	}
	fmt.Fprintf(out, "told all of them in %v\n", time.Since(begun).Round(time.Millisecond))
	return nil
}

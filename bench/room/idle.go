package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// perSource is how many connections one address makes.
const perSource = 10_000

// idle opens connections that follow rooms of which nothing is heard, and looks at the server's
// memory; then each room tells all of them something.
func idle(out *strings.Builder, o options) error {
	if err := create(&o); err != nil {
		return err
	}
	empty, err := resident(o.pid)
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
	full, err := resident(o.pid)
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

// cpu is the user and system time of a process so far, in the kernel's ticks of 10 ms. 0 without
// a process.
func cpu(pid int) (time.Duration, error) {
	if pid == 0 {
		return 0, nil
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	// The name in parentheses may hold anything; what follows it are numbers.
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	var ticks int64
	for _, f := range fields[11:13] {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0, err
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond, nil
}

// resident is the memory of a process in bytes, once it has stopped to change.
func resident(pid int) (int64, error) {
	last := int64(-1)
	for range 100 {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
		if err != nil {
			return 0, err
		}
		pages, err := strconv.ParseInt(strings.Fields(string(text))[1], 10, 64)
		if err != nil {
			return 0, err
		}
		if pages == last {
			break
		}
		last = pages
		time.Sleep(300 * time.Millisecond)
	}
	return last * int64(os.Getpagesize()), nil
}

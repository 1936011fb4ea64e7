package main

import (
	"fmt"
	"strings"
)

// fillDepth is how many commands are pipelined to fill a server; nobody measures that.
const fillDepth = 256

// memory prints what a queued message costs beyond its payload, and what the collector of a Go
// server did for it; then it takes all of them out again.
func memory(out *strings.Builder, o options) error {
	o.depth = fillDepth
	workers, err := connect(o)
	defer func() {
		for _, w := range workers {
			_ = w.Close()
		}
	}()
	if err != nil {
		return err
	}
	before, err := look(o)
	if err != nil {
		return err
	}
	if _, err := measure("put", o, workers, (*worker).put); err != nil {
		return err
	}
	full, err := look(o)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "messages              %d of %d bytes\n", o.messages, o.size)
	fmt.Fprintf(out, "resident              %.1f MB, before %.1f MB\n",
		float64(full.rss)/1e6, float64(before.rss)/1e6)
	fmt.Fprintf(out, "beyond payload        %.1f bytes a message   bar <= 96, specification 150\n",
		full.beyond(before, o.messages, o.size))
	full.collector(out, before)
	if _, err := measure("take", o, workers, (*worker).take); err != nil {
		return err
	}
	empty, err := look(o)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "resident when emptied %.1f MB\n", float64(empty.rss)/1e6)
	var numbers []int
	for _, w := range workers {
		numbers = append(numbers, w.numbers...)
	}
	return each(numbers, o.messages)
}

// many prints what a queue with one message costs, and how long a page of their list takes.
func many(out *strings.Builder, o options) error {
	c, err := dial(o.addr)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	before, err := look(o)
	if err != nil {
		return err
	}
	if err := fillMany(c, o); err != nil {
		return err
	}
	full, err := look(o)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "queues                %d with one message of %d bytes each\n",
		o.messages, o.size)
	fmt.Fprintf(out, "resident              %.1f MB, before %.1f MB\n",
		float64(full.rss)/1e6, float64(before.rss)/1e6)
	fmt.Fprintf(out, "a queue               %.0f bytes beyond the payload   bar <= 4096\n",
		full.beyond(before, o.messages, o.size))
	full.collector(out, before)
	if o.http == "" {
		return nil
	}
	return listAll(out, o)
}

// fillMany makes the queues, a message in each.
func fillMany(c *conn, o options) error {
	payload := newPayload(o.size)
	for n := 0; n < o.messages; {
		first := n
		for ; n < o.messages && n < first+fillDepth; n++ {
			name := fmt.Sprintf("%s-%06d", o.queue, n)
			setNumber(payload, n)
			c.out = o.dialect.appendUse(c.out, name)
			c.out = o.dialect.appendPut(c.out, name, priority(n), payload)
		}
		if err := c.flush(); err != nil {
			return err
		}
		for range n - first {
			if err := o.dialect.readUse(c.r); err != nil {
				return err
			}
			if err := o.dialect.readPut(c.r); err != nil {
				return err
			}
		}
	}
	return nil
}

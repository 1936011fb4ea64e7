package main

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/synapdb/synap/bench/process"
)

// phase is what a phase of a run came to.
type phase struct {
	name     string
	messages int
	took     time.Duration
	cpu      time.Duration // of the server
	latency  latencies
}

func (p phase) rate() float64 { return float64(p.messages) / p.took.Seconds() }

// cpuPerMessage is in µs.
func (p phase) cpuPerMessage() float64 {
	return float64(p.cpu.Nanoseconds()) / 1000 / float64(p.messages)
}

// latencies are those of single commands; only runs of depth 1 have them.
type latencies []time.Duration

func (l latencies) p95() time.Duration {
	if len(l) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(l))
	return sorted[len(sorted)*95/100].Round(time.Microsecond)
}

// result is a whole run.
type result struct {
	put, take phase
	acks      latencies
	total     time.Duration
	numbers   []int // as delivered; in order if there was one worker
}

// worker is one connection and what it did.
type worker struct {
	*conn
	options
	index   int
	payload []byte    // model, and scratch of put
	got     []message // the deliveries of one round
	numbers []int
	puts    latencies
	takes   latencies
	acks    latencies
}

// both publishes all messages, then consumes and acknowledges them, and checks them.
func both(o options) (result, error) {
	workers, err := connect(o)
	defer func() {
		for _, w := range workers {
			_ = w.Close()
		}
	}()
	if err != nil {
		return result{}, err
	}
	put, take := (*worker).put, (*worker).take
	if o.batch > 0 {
		put, take = (*worker).putMany, (*worker).takeMany
	}
	var res result
	begun := time.Now()
	if res.put, err = measure("put", o, workers, put); err != nil {
		return res, err
	}
	if res.take, err = measure("take", o, workers, take); err != nil {
		return res, err
	}
	res.total = time.Since(begun)
	for _, w := range workers {
		res.numbers = append(res.numbers, w.numbers...)
		res.put.latency = append(res.put.latency, w.puts...)
		res.take.latency = append(res.take.latency, w.takes...)
		res.acks = append(res.acks, w.acks...)
	}
	return res, each(res.numbers, o.messages)
}

func connect(o options) ([]*worker, error) {
	var all []*worker
	for i := range o.workers {
		c, err := dial(o.addr)
		if err != nil {
			return all, err
		}
		w := &worker{conn: c, options: o, index: i, payload: newPayload(o.size),
			got:     make([]message, max(o.depth, o.batch)),
			numbers: make([]int, 0, o.messages)}
		all = append(all, w)
		if err := o.dialect.open(c, o.queue); err != nil {
			return all, err
		}
	}
	return all, nil
}

// measure runs do on all workers at once.
func measure(name string, o options, workers []*worker, do func(*worker) error) (phase, error) {
	before, err := process.CPU(o.pid)
	if err != nil {
		return phase{}, err
	}
	begun := time.Now()
	failures := make([]error, len(workers))
	var group sync.WaitGroup
	for i, w := range workers {
		group.Go(func() { failures[i] = do(w) })
	}
	group.Wait()
	p := phase{name: name, messages: o.messages, took: time.Since(begun)}
	if err := errors.Join(failures...); err != nil {
		return p, fmt.Errorf("%s: %w", name, err)
	}
	after, err := process.CPU(o.pid)
	p.cpu = after - before
	return p, err
}

// put publishes the worker's share: every workers-th message.
func (w *worker) put() error {
	for n := w.index; n < w.messages; {
		begun := time.Now()
		sent := 0
		for ; sent < w.depth && n < w.messages; n += w.workers {
			setNumber(w.payload, n)
			w.out = w.dialect.appendPut(w.out, w.queue, priority(n), w.payload)
			sent++
		}
		if err := w.flush(); err != nil {
			return err
		}
		for range sent {
			if err := w.dialect.readPut(w.r); err != nil {
				return err
			}
		}
		if w.depth == 1 {
			w.puts = append(w.puts, time.Since(begun))
		}
	}
	return nil
}

// take consumes depth messages, then acknowledges them, until the queue is empty.
func (w *worker) take() error {
	for {
		begun := time.Now()
		for range w.depth {
			w.out = w.dialect.appendTake(w.out, w.queue)
		}
		if err := w.flush(); err != nil {
			return err
		}
		came := 0
		for range w.depth {
			ok, err := w.dialect.readTake(w.r, &w.got[came])
			if err != nil {
				return err
			}
			if ok {
				came++
			}
		}
		if w.depth == 1 && came == 1 {
			w.takes = append(w.takes, time.Since(begun))
		}
		if err := w.ack(came); err != nil || came < w.depth {
			return err
		}
	}
}

// ack checks and acknowledges the first n messages.
func (w *worker) ack(n int) error {
	for _, m := range w.got[:n] {
		if err := w.note(m.body); err != nil {
			return err
		}
		w.out = w.dialect.appendAck(w.out, w.queue, m.id)
	}
	begun := time.Now()
	if n == 0 {
		return nil
	}
	if err := w.flush(); err != nil {
		return err
	}
	for range n {
		if err := w.dialect.readAck(w.r); err != nil {
			return err
		}
	}
	if w.depth == 1 {
		w.acks = append(w.acks, time.Since(begun))
	}
	return nil
}

// note checks a payload and remembers that it came.
func (w *worker) note(payload []byte) error {
	n, err := readNumber(payload, w.payload)
	w.numbers = append(w.numbers, n)
	return err
}

package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/synapdb/synap/bench/process"
)

// reading is one subscriber: what it found.
type reading struct {
	late []time.Duration
	err  error
	read *atomic.Int64 // how far, now and then
}

// load subscribes everybody, publishes everything and waits until everybody has got everything.
func load(out *strings.Builder, o options) error {
	if err := create(&o); err != nil {
		return err
	}
	var all sync.WaitGroup
	readings := make([]reading, o.rooms*o.subscribers)
	o.read = make([]atomic.Int64, len(readings))
	for i := range readings {
		readings[i].read = &o.read[i]
		room := o.room(i / o.subscribers)
		f, err := follow(&o, room, 0, 0, 64<<10)
		if err != nil {
			return err
		}
		cut := i%o.subscribers < o.cuts
		all.Go(func() { readings[i].run(&o, f, room, cut, i) })
	}
	stalled := make([]*follower, o.stalled)
	for i := range stalled {
		var err error
		if stalled[i], err = follow(&o, o.room(0), 0, 0, 64<<10); err != nil {
			return err
		}
	}
	before, err := process.CPU(o.pid)
	if err != nil {
		return err
	}
	begun := time.Now()
	failed := make([]error, o.publishers)
	for i := range o.publishers {
		all.Go(func() { failed[i] = publish(&o, i) })
	}
	all.Wait()
	took := time.Since(begun)
	after, err := process.CPU(o.pid)
	failed = append(failed, err)
	failed = append(failed, o.afterwards(out, stalled))
	var late []time.Duration
	for i := range readings {
		failed = append(failed, readings[i].err)
		late = append(late, readings[i].late...)
	}
	if err := errors.Join(failed...); err != nil {
		return err
	}
	deliveries := len(readings) * o.events
	fmt.Fprintf(out, "deliveries/s %.0f\n", float64(deliveries)/took.Seconds())
	fmt.Fprintf(out, "events/s %.0f\n", float64(o.rooms*o.events)/took.Seconds())
	fmt.Fprintf(out, "cpu-us/delivery %.3f\n",
		float64((after-before).Microseconds())/float64(deliveries))
	if o.rate > 0 {
		slices.Sort(late)
		at := func(part float64) time.Duration { return late[int(part*float64(len(late)-1))] }
		fmt.Fprintf(out, "late: median %v p95 %v p99 %v worst %v\n",
			at(0.5).Round(time.Microsecond), at(0.95).Round(time.Microsecond),
			at(0.99).Round(time.Microsecond), at(1).Round(time.Microsecond))
	}
	return nil
}

// afterwards has those read who have not read so far: the followers of a room have missed nothing,
// and those of a topic were told the end.
func (o *options) afterwards(out *strings.Builder, stalled []*follower) error {
	if len(stalled) == 0 {
		return nil
	}
	full, err := process.Resident(o.pid)
	fmt.Fprintf(out, "server beside those who do not read: %d MB\n", full>>20)
	for i, f := range stalled {
		r := reading{read: new(atomic.Int64)}
		r.run(&options{events: o.events}, f, o.room(0), false, i)
		if o.topics {
			if r.err == nil {
				r.err = errors.New("who did not read lost nothing: publish more")
			} else {
				fmt.Fprintf(out, "one who did not read: %v\n", r.err)
				r.err = nil
			}
		}
		err = errors.Join(err, r.err)
	}
	return err
}

// run reads all events, in order. If it is to be cut it goes away somewhere, and comes back.
func (r *reading) run(o *options, f *follower, room string, cut bool, i int) {
	defer func() { _ = f.Close() }()
	at := -1
	if cut {
		at = (i*7919 + 1) % o.events
	}
	for want := range o.events {
		if want == at {
			_ = f.Close()
			if f, r.err = follow(o, room, want, 0, 64<<10); r.err != nil {
				return
			}
		}
		number, sent, err := f.next()
		if err == nil && number != want {
			err = fmt.Errorf("event %d comes where %d should", number, want)
		}
		if err != nil {
			r.err = fmt.Errorf("subscriber %d of %s: %w", i, room, err)
			return
		}
		if o.rate > 0 {
			r.late = append(r.late, time.Duration(time.Now().UnixNano()-sent))
		}
		if want%reportEvery == reportEvery-1 {
			r.read.Store(int64(want + 1))
		}
	}
}

// reportEvery is how many events a subscriber reads before it says so.
const reportEvery = 32

// await waits until the subscribers of a room have read so much that it may be published up to an
// event.
func (o *options) await(room, to int) error {
	if o.window == 0 {
		return nil
	}
	of := o.read[room*o.subscribers : (room+1)*o.subscribers]
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Microsecond) {
		least := int64(to)
		for i := range of {
			least = min(least, of[i].Load())
		}
		if least >= int64(to-o.window) {
			return nil
		}
		if time.Now().After(end) {
			return errors.New("subscribers have stopped to read")
		}
	}
}

// publish publishes the events of the rooms of publisher i, a batch to each in turn.
func publish(o *options, i int) error {
	p, err := newPublisher(o)
	if err != nil {
		return err
	}
	defer func() { _ = p.Close() }()
	batch, begun, sent := o.batch, time.Now(), 0
	if o.rate > 0 {
		batch = 1
	}
	answers := make(chan [2]int, 1<<16)
	done := make(chan error, 1)
	go func() {
		var err error
		for a := range answers {
			if err == nil && !p.nats {
				err = p.answers(a[0], a[1])
			}
		}
		done <- err
	}()
	for from := 0; from < o.events && err == nil; from += batch {
		n := min(batch, o.events-from)
		for room := i; room < o.rooms && err == nil; room += o.publishers {
			if o.rate > 0 {
				due := time.Duration(sent) * time.Second * time.Duration(o.publishers) /
					time.Duration(o.rate)
				time.Sleep(due - time.Since(begun))
				sent++
			}
			name := o.room(room)
			if err = o.await(room, from+n); err != nil {
				break
			}
			for k := range n {
				p.add(name, from+k, time.Now().UnixNano())
			}
			answers <- [2]int{from, n}
			err = p.flush()
		}
	}
	close(answers)
	if p.nats && err == nil {
		p.out = append(p.out, "PING\r\n"...) // the answer comes when all was read
		err = p.flush()
		for line := []byte(nil); err == nil && string(line) != "PONG\r\n"; {
			line, err = p.r.ReadSlice('\n')
		}
	}
	return errors.Join(err, <-done)
}

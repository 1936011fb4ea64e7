package main

import (
	"bufio"
	"errors"
	"fmt"
)

// Synap's commands for many messages at once. beanstalkd has none, so runs with them stand beside
// a comparison, not in it. QMPUBLISH takes no priorities: they all have the queue's.

// putMany publishes the worker's share, batch messages a command.
func (w *worker) putMany() error {
	if _, ok := w.dialect.(synap); !ok {
		return errors.New("this protocol has no commands for many messages")
	}
	for n := w.index; n < w.messages; {
		left := (w.messages - n + w.workers - 1) / w.workers
		count := min(w.batch, left)
		w.out = appendHead(w.out, '*', 2+count)
		w.out = appendWord(w.out, "QMPUBLISH")
		w.out = appendWord(w.out, w.queue)
		for range count {
			setNumber(w.payload, n)
			w.out = appendWord(w.out, w.payload)
			n += w.workers
		}
		if err := w.flush(); err != nil {
			return err
		}
		if err := readIDs(w.r, count); err != nil {
			return err
		}
	}
	return nil
}

func readIDs(r *bufio.Reader, want int) error {
	n, err := head(r, '*')
	if err == nil && n != want {
		err = fmt.Errorf("%d messages have %d ids", want, n)
	}
	for range want {
		if err != nil {
			return err
		}
		var ok bool
		var m message
		if ok, err = bulk(r, &m); err == nil && !ok {
			err = errors.New("an id is null")
		}
	}
	return err
}

// takeMany consumes batch messages with one command, and acknowledges them with another, until the
// queue is empty.
func (w *worker) takeMany() error {
	for {
		w.out = appendHead(w.out, '*', 5)
		for _, word := range []string{"QCONSUME", w.queue, "worker", "COUNT",
			fmt.Sprint(w.batch)} {
			w.out = appendWord(w.out, word)
		}
		if err := w.flush(); err != nil {
			return err
		}
		came, err := head(w.r, '*')
		if err != nil || came == 0 {
			return err
		}
		if came > w.batch {
			return fmt.Errorf("%d messages came, not %d", came, w.batch)
		}
		for i := range came {
			n, err := head(w.r, '*')
			if err == nil {
				err = delivery(w.r, &w.got[i], n)
			}
			if err == nil {
				err = w.note(w.got[i].body)
			}
			if err != nil {
				return err
			}
		}
		if err := w.ackMany(came); err != nil {
			return err
		}
	}
}

func (w *worker) ackMany(n int) error {
	w.out = appendHead(w.out, '*', 2+n)
	w.out = appendWord(w.out, "QACK")
	w.out = appendWord(w.out, w.queue)
	for _, m := range w.got[:n] {
		w.out = appendWord(w.out, m.id)
	}
	if err := w.flush(); err != nil {
		return err
	}
	if n == 1 { // one alone is answered as by the contract
		return expect(w.r, "+OK")
	}
	acked, err := head(w.r, ':')
	if err == nil && acked != n {
		err = fmt.Errorf("%d of %d messages were acknowledged", acked, n)
	}
	return err
}

package crash

import (
	"errors"
	"fmt"
	"math/rand/v2"
)

const (
	brittle        = "brittle" // the queue whose messages are dead letters soon
	brittleRetries = 1
	leaseMillis    = 1500
	mostLive       = 3000 // messages, beyond which none are published
)

var queues = []string{"jobs", "mails", brittle}

// worker publishes and consumes. What it holds it keeps when the server dies.
type worker struct {
	*storm
	*ledger
	*rand.Rand
	name   string
	serial int
	held   []*delivery
}

// invent makes a payload that never was.
func (w *worker) invent() (queue, payload string) {
	w.serial++
	payload = fmt.Sprintf("%s-%d;", w.name, w.serial)
	if w.IntN(100) == 0 { // large ones have a store of their own
		payload += string(make([]byte, 20_000))
	}
	return queues[w.IntN(len(queues))], payload
}

// pick takes one of what is held.
func (w *worker) pick() *delivery {
	i := w.IntN(len(w.held))
	d := w.held[i]
	w.held = append(w.held[:i], w.held[i+1:]...)
	return d
}

// took notes a delivery.
func (w *worker) took(d *delivery, asked int) {
	if err := w.delivered(d, asked); err != nil {
		w.t.Error(err)
	}
	w.held = append(w.held, d)
	w.acks.Add(1)
}

// resp works over the Redis protocol, a random number of commands at a time.
func (w *worker) resp(c *child) {
	p := c.dial()
	w.ended.Go(func() { p.converse(w.t, w.IntN, w.line) })
}

// line queues a command and says what to do with its answer.
func (w *worker) line(p *peer) await {
	few, at := w.room()
	switch n := w.IntN(10); {
	case n < 4 && few:
		queue, payload := w.invent()
		w.publishing(payload, queue)
		p.put("QPUBLISH", queue, payload, "PRIORITY", fmt.Sprint(w.IntN(10)))
		return func(reply string, lost bool) error {
			if lost {
				return nil
			}
			if reply[0] == '-' {
				return errors.New("QPUBLISH: " + reply)
			}
			w.published(payload)
			w.acks.Add(1)
			return nil
		}
	case n < 7 || len(w.held) == 0:
		queue := queues[w.IntN(len(queues))]
		p.put("QCONSUME", queue, w.name)
		return func(reply string, lost bool) error {
			if lost {
				w.unanswered()
				return nil
			}
			d, err := take(reply, queue)
			if d != nil {
				w.took(d, at)
			}
			return err
		}
	case n == 7:
		d := w.pick()
		p.put("QNACK", d.queue, d.id, "REQUEUE", "1")
		return refused
	case n == 8 && w.IntN(4) == 0:
		w.pick() // it lets the lease run out
		return nil
	}
	d := w.pick()
	w.acking(d.payload)
	p.put("QACK", d.queue, d.id)
	return func(reply string, lost bool) error {
		if !lost {
			w.acked(d.payload, reply != "OK")
			w.acks.Add(1)
		}
		return refused(reply, lost)
	}
}

// refused is nil if the answer to an acknowledgement is yes, or that the lease has ended.
func refused(reply string, lost bool) error {
	if lost || reply == "OK" {
		return nil
	}
	return late(errors.New(reply))
}

// web works over HTTP, a command at a time.
func (w *worker) web(c *child) {
	call := c.caller()
	w.ended.Go(func() {
		defer call.CloseIdleConnections()
		for !w.t.Failed() {
			err := w.ask(call)
			if no := (refusal{}); errors.As(err, &no) {
				w.t.Error(err)
			} else if err != nil {
				return
			}
		}
	})
}

// ask sends one command. The error is a refusal if it should not have been refused.
func (w *worker) ask(c *caller) error {
	few, at := w.room()
	switch n := w.IntN(10); {
	case n < 3 && few:
		return w.publish(c)
	case n < 6 || len(w.held) == 0:
		return w.consume(c, at)
	case n == 6:
		d := w.pick()
		return late(c.call("queue.nack", d.settle(), &struct{}{}))
	case n == 7 && w.IntN(4) == 0:
		w.pick()
		return nil
	case n == 8:
		return w.trade(c)
	}
	return w.ack(c, w.pick())
}

func (w *worker) ack(c *caller, d *delivery) error {
	w.acking(d.payload)
	err := c.call("queue.ack", d.settle(), &struct{}{})
	if err == nil || late(err) == nil {
		w.acked(d.payload, err != nil)
		w.acks.Add(1)
	}
	return late(err)
}

// settle names the delivery. Those that came over RESP have no token.
func (d *delivery) settle() object {
	o := object{"queue": d.queue, "message_id": d.id}
	if d.token != "" {
		o["token"] = d.token
	}
	return o
}

func (w *worker) publish(c *caller) error {
	queue, payload := w.invent()
	w.publishing(payload, queue)
	err := c.call("queue.publish", object{"queue": queue, "payload": payload,
		"priority": w.IntN(10)}, &struct{}{})
	if err == nil {
		w.published(payload)
		w.acks.Add(1)
	}
	return err
}

func (w *worker) consume(c *caller, at int) error {
	queue := queues[w.IntN(len(queues))]
	var got struct{ Messages []answered }
	err := c.call("queue.consume", object{"queue": queue, "consumer_id": w.name,
		"count": 1 + w.IntN(3)}, &got)
	if err != nil {
		w.unanswered()
		return err
	}
	for i := range got.Messages {
		m := &got.Messages[i]
		w.took(&delivery{queue, m.ID, m.Token, m.text(), m.RetryCount}, at)
	}
	return nil
}

// trade asks for a deal: all of it happens, or nothing.
func (w *worker) trade(c *caller) error {
	old := w.pick()
	queue, payload := w.invent()
	d := &deal{key: fmt.Sprintf("deal:%s-%d", w.name, w.serial), done: old.payload, spawn: payload}
	w.dealing(d, queue)
	item := func(command string, payload object) object {
		return object{"command": command, "payload": payload}
	}
	var reply struct {
		Results []struct {
			Success bool
			Error   string
		}
	}
	err := c.call("batch", object{"atomic": true, "commands": []object{
		item("kv.set", object{"key": d.key, "value": payload}),
		item("queue.publish", object{"queue": queue, "payload": payload}),
		item("queue.ack", old.settle()),
	}}, &reply)
	if err != nil {
		return err
	}
	happened := 0
	for _, r := range reply.Results {
		if r.Success {
			happened++
		}
	}
	if happened != 0 && happened != 3 {
		return refusal{fmt.Sprintf("an atomic batch: %+v", reply)}
	}
	w.dealt(d, happened == 0)
	w.acks.Add(1)
	if happened == 0 {
		return late(refusal{reply.Results[2].Error})
	}
	return nil
}

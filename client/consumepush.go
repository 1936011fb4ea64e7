package synap

import (
	"context"
	"time"
)

// Consume over HTTP and WebSocket is pushed to over a multiplexed socket: the server sends the next
// message as soon as there is room, without a round trip, and it gives back what was not settled at
// once and at its old place, also when this process dies.

// pushCaller sends what is to be said about the messages of one socket.
type pushCaller struct{ socket *muxSocket }

func (p pushCaller) settle(r *request) {
	// A socket that broke has given the message back.
	_, _ = p.socket.start(context.Background(), []*request{r})
}

func (p pushCaller) releases() bool { return true }

func (p pushCaller) do(
	ctx context.Context, reqs []*request,
) (payloads []any, errs []error, err error) {
	return p.socket.do(ctx, reqs)
}

// push consumes until ctx ends or the queue can't be consumed any more.
func (c *consumer) push(ctx context.Context) (err error) {
	var lost time.Time
	for tries := 1; ; tries++ {
		var opened time.Time
		opened, err = c.session(ctx)
		if !opened.IsZero() && (lost.IsZero() || time.Since(opened) > stood) {
			tries, lost = 0, time.Now()
		}
		if !c.q.c.tryAgain(ctx, err, tries, lost) {
			break
		}
	}
	c.end()
	c.lose(nil)
	c.workers.Wait()
	return err
}

// session consumes over one socket, until that breaks or ctx ends; then it waits for handlers and
// gives back what was not begun. opened is when it stood, zero if it never did.
func (c *consumer) session(ctx context.Context) (opened time.Time, err error) {
	o := *c.q.c.options
	o.format = MessagePack
	broke := make(chan error, 1)
	var socket *muxSocket
	ready := make(chan struct{}) // closed when socket is set
	dialing, cancel := c.q.c.timed(ctx)
	defer cancel()
	socket, err = dialMux(dialing, &o, func(e *envelope) {
		<-ready
		c.pushed(socket, e)
	}, func(err error) { broke <- err })
	if err != nil {
		return opened, dialFailed("queue.consume", ended(dialing, err))
	}
	close(ready)
	defer socket.Close() //nolint:errcheck // nil
	const name = "jobs"
	_, err = socket.subscribe(dialing, []field{{"to", "queue"}, {"subscription", name},
		{"queue", c.q.name}, {"consumer_id", c.q.consumer}, {"prefetch", c.prefetch}})
	if err != nil {
		return opened, named("queue.consume", err)
	}
	opened = time.Now()
	beating, still := context.WithCancel(context.WithoutCancel(ctx))
	defer still()
	beats := make(chan struct{})
	go func() { // ends with beating
		defer close(beats)
		c.heartbeat(beating, pushCaller{socket})
	}()
	select {
	case err = <-broke:
		c.lose(pushCaller{socket})
		err = failed("queue.consume", err)
	case <-ctx.Done():
		c.stop()
		c.workers.Wait()
		// It is executed behind all that was settled, and gives back the rest.
		leaving, cancel := c.q.c.timed(context.WithoutCancel(ctx))
		defer cancel()
		_, _, _ = socket.do(leaving, []*request{{command: "unsubscribe",
			fields: []field{{"subscription", name}}}}) // else closing does
	}
	still()
	<-beats
	return opened, err
}

// pushed takes what the subscription is sent.
func (c *consumer) pushed(socket *muxSocket, e *envelope) {
	if e.ended {
		socket.fail(refusal("queue.consume", e.text, e.code))
		return
	}
	v, err := readValue(e.push, MessagePack)
	if err != nil || member(v, "token") == nil {
		return
	}
	c.got(c.q.message(v), pushCaller{socket})
}

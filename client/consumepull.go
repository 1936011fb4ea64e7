package synap

import (
	"context"
	"time"
)

// Consume over RESP asks for as many messages as there are idle workers, so that each is begun at
// once and none has to be given back, which would count as a failed delivery.

// pullWait is how long one request waits for messages; Consume ends as much later.
const pullWait = time.Second

// pullCaller sends what is to be said about messages over connections of its own.
type pullCaller struct {
	client *Client
	wire   transport
}

func (p *pullCaller) settle(r *request) {
	ctx, cancel := p.client.timed(context.Background())
	defer cancel()
	_, _, _ = p.wire.do(ctx, []*request{r}) // else the lease ends, and it is delivered again
}

func (p *pullCaller) releases() bool { return false }

func (p *pullCaller) do(
	ctx context.Context, reqs []*request,
) (payloads []any, errs []error, err error) {
	return p.wire.do(ctx, reqs)
}

// pull consumes until ctx ends or the queue can't be consumed any more.
func (c *consumer) pull(ctx context.Context) (err error) {
	o := *c.q.c.options
	o.poolSize = c.concurrency + 2
	calls := &pullCaller{c.q.c, newRESPTransport(&o)}
	defer calls.wire.Close() //nolint:errcheck // nil
	source := *c.q
	source.c = &Client{options: &o, wire: calls.wire}
	beating, still := context.WithCancel(context.WithoutCancel(ctx))
	beats := make(chan struct{})
	go func() { // ends with beating
		defer close(beats)
		c.heartbeat(beating, calls)
	}()
	var lost time.Time
	for tries := 1; ; tries++ {
		count := c.free()
		if count == 0 {
			break
		}
		var all []*Message
		if all, err = source.PopBatch(context.WithoutCancel(ctx), count, pullWait); err == nil {
			tries, lost = 0, time.Now()
			for _, m := range all {
				m.queue = c.q
				c.got(m, calls)
			}
			continue
		}
		if !c.q.c.tryAgain(ctx, err, tries, lost) {
			break
		}
	}
	c.end()
	c.stop()
	c.workers.Wait()
	still()
	<-beats
	c.mu.Lock()
	waiting := c.waiting
	c.mu.Unlock()
	for _, l := range waiting { // they came when it was over
		l.cancel(nil)
		calls.settle(l.nack(0))
	}
	return err
}

// free waits until workers have nothing to do, and says how many; 0: it is over.
func (c *consumer) free() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	for !c.stopped && c.idle <= len(c.waiting) {
		c.changed.Wait()
	}
	if c.stopped {
		return 0
	}
	return c.idle - len(c.waiting)
}

package workload

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/synapdb/synap/internal/benchmark/load"
	"github.com/synapdb/synap/internal/benchmark/target"
)

// broadcaster is one connection that publishes.
type broadcaster struct {
	run   *Broadcast
	conn  target.Publisher
	index int
	posts []target.Post
	sent  []broadcastMessage // what posts are
}

func (b *Broadcast) publisher(ctx context.Context, i int) (*broadcaster, error) {
	conn, err := b.server.Publisher(ctx, b.params.Space)
	if err != nil {
		return nil, err
	}
	return &broadcaster{run: b, conn: conn, index: i}, nil
}

// Close is part of load.Work.
func (p *broadcaster) Close() error { return p.conn.Close() }

// Do is part of load.Work.
func (p *broadcaster) Do(ctx context.Context, n int, r *load.Recorder) error {
	b := p.run
	p.posts, p.sent = p.posts[:0], p.sent[:0]
	begun := time.Time{}
	if b.plan.Rate == 0 {
		if err := b.await(ctx); err != nil {
			return err
		}
		// Who waited for subscribers did not wait for the server to take a message.
		begun = time.Now()
	}
	for i := range n {
		due := begun
		if b.plan.Rate > 0 {
			due = r.Due(i)
		}
		number := b.numbers.Add(1) - 1
		p.add(number, int(number%int64(len(b.params.Names))), due)
	}
	if err := p.flush(ctx); err != nil {
		return err
	}
	for i := range p.posts {
		post := &p.posts[i]
		due := b.start.Add(p.sent[i].due)
		r.RecordLatency(broadcastOp, post.Done.Sub(due), len(post.Payload), post.Err)
	}
	return nil
}

// send publishes one message to each of n names, unmeasured.
func (p *broadcaster) send(ctx context.Context, from, n int) error {
	p.posts, p.sent = p.posts[:0], p.sent[:0]
	for i := range n {
		p.add(p.run.numbers.Add(1)-1, from+i, time.Now())
	}
	return p.flush(ctx)
}

// add appends a message.
func (p *broadcaster) add(number int64, name int, due time.Time) {
	b := p.run
	i := len(p.posts)
	if i < cap(p.posts) {
		p.posts = p.posts[:i+1] // with the payload it had
	} else {
		p.posts = append(p.posts, target.Post{Payload: blank(b.params.Size)})
	}
	m := broadcastMessage{number: number, due: due.Sub(b.start), name: uint32(name),
		publisher: uint32(p.index), seq: uint32(b.sent[name].seqs[p.index].Add(1) - 1)}
	p.posts[i].Name = b.params.Names[name]
	if len(p.posts[i].Payload) != b.params.Size {
		p.posts[i].Payload = blank(b.params.Size)
	}
	m.write(p.posts[i].Payload, b.run)
	p.sent = append(p.sent, m)
}

// flush publishes what was added, and takes down what is owed to subscribers.
func (p *broadcaster) flush(ctx context.Context) error {
	b := p.run
	for _, m := range p.sent {
		b.left.at(m.number).Store(b.fanout[m.name])
		if b.fanout[m.name] > 0 {
			b.open.Add(1)
		}
	}
	if err := p.conn.Publish(ctx, p.posts); err != nil {
		return err
	}
	for i := range p.posts {
		b.confirm(&p.sent[i], &p.posts[i])
	}
	return nil
}

// confirm looks at the answer to a message.
func (b *Broadcast) confirm(m *broadcastMessage, post *target.Post) {
	to := &b.sent[m.name]
	if post.Err != nil {
		b.faults.Unexpected(fmt.Sprintf("publishing to %s: %v", post.Name, post.Err))
		to.mu.Lock()
		to.mu.refused[[2]int64{int64(m.publisher), int64(m.seq)}] = true
		to.mu.Unlock()
		if b.fanout[m.name] > 0 {
			b.done()
		}
		return
	}
	to.accepted.Add(1)
	b.owed.Add(b.fanout[m.name])
	if post.Offset >= 0 {
		raise(&to.top, post.Offset+1)
		b.content(m, post.Offset)
	}
	if matched := int64(post.Matched); matched >= 0 && matched != b.fanout[m.name] && b.whole() {
		b.faults.Unexpected(fmt.Sprintf("publishing to %s: the server counts %d subscribers, "+
			"and there are %d", post.Name, matched, b.fanout[m.name]))
	}
}

// raise makes a number at least n.
func raise(to *atomic.Int64, n int64) {
	for {
		old := to.Load()
		if old >= n || to.CompareAndSwap(old, n) {
			return
		}
	}
}

// content checks that an offset of a room holds the same for everybody who sees it.
func (b *Broadcast) content(m *broadcastMessage, offset int64) {
	cell := b.sent[m.name].contents.at(offset)
	if cell.CompareAndSwap(0, m.number+1) {
		return
	}
	if other := cell.Load() - 1; other != m.number {
		b.faults.Unexpected(fmt.Sprintf("offset %d of %s is message %d to one and %d to another",
			offset, b.params.Names[m.name], other, m.number))
	}
}

// whole says whether nobody was cut off so far.
func (b *Broadcast) whole() bool {
	for _, l := range b.all {
		if l != nil && l.ended.Load() != nil {
			return false
		}
	}
	return true
}

// await returns when another message may be published.
func (b *Broadcast) await(ctx context.Context) error {
	if w := b.window.Load(); w == 0 || b.open.Load() < w {
		return nil
	}
	timer := time.NewTimer(b.params.Patience)
	defer timer.Stop()
	last := b.got()
	for {
		w := b.window.Load()
		if w == 0 || b.open.Load() < w {
			b.wake() // the next one who waits
			return nil
		}
		select {
		case <-b.freed:
		case <-timer.C:
			if got := b.got(); got != last {
				last = got
			} else {
				// What is missing won't come; judge says what it is.
				b.window.Store(0)
			}
			timer.Reset(b.params.Patience)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (b *Broadcast) wake() {
	select {
	case b.freed <- struct{}{}:
	default: // somebody is being woken already
	}
}

// done says that a message is not on its way any more.
func (b *Broadcast) done() {
	if n := b.open.Add(-1); n == b.window.Load()-1 {
		b.wake()
	}
}

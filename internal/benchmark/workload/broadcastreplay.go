package workload

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/synapdb/synap/internal/benchmark/load"
	"github.com/synapdb/synap/internal/benchmark/result"
)

// The kinds of reading histories: an event, since the subscriber asked for all of them; and all of
// them.
const (
	replayOp load.Kind = iota
	catchUpOp
)

// ReplayKinds are the names of their tests.
var ReplayKinds = []string{"replay", "catch-up"}

// replay has every subscriber read its room from the beginning, as many at once as there are
// connections.
func (b *Broadcast) replay(ctx context.Context) ([]result.Test, error) {
	n := len(b.params.Subscriptions)
	if n == 0 {
		return nil, nil
	}
	b.closing.Store(false)
	var next, trimmed atomic.Int64
	o := b.options("replay", ReplayKinds)
	o.Open = func(context.Context, int) (load.Work, error) {
		return workFunc(func(ctx context.Context, _ int, r *load.Recorder) error {
			i := int(next.Add(1)) - 1
			forgotten, err := b.readHistory(ctx, i, r)
			trimmed.Add(forgotten)
			return err
		}), nil
	}
	tests, err := load.Run(ctx, load.Plan{Connections: min(n, b.plan.Connections), Pipeline: 1,
		Operations: int64(n)}, o)
	if forgotten := trimmed.Load(); forgotten > 0 {
		b.note("histories were shorter by %d events, which the rooms' bounds had removed",
			forgotten)
	}
	for i := range tests {
		var all int64
		for _, t := range tests {
			all += t.Operations
		}
		tests[i].ServerMicros *= float64(all) / float64(tests[i].Operations)
		tests[i].ClientMicros *= float64(all) / float64(tests[i].Operations)
	}
	return tests, err
}

// readHistory has one subscriber read all of its room, and returns how much of it is gone already.
func (b *Broadcast) readHistory(
	ctx context.Context, i int, r *load.Recorder,
) (trimmed int64, err error) {
	name := b.params.Matches[i][0]
	want := b.sent[name].accepted.Load()
	l, err := b.listenHistory(ctx, i)
	if err != nil {
		return 0, fmt.Errorf("history of %s: %w", b.params.Names[name], err)
	}
	stop := l.watch(ctx)
	defer stop()
	for l.got.Load()+l.trimmed.Load() < want {
		e, err := l.conn.Next(ctx)
		if err != nil {
			if ctx.Err() != nil {
				return 0, context.Cause(ctx)
			}
			b.faults.Lost(l.lost(), fmt.Sprintf("the history of %s ended early for subscriber %d: "+
				"%v", b.params.Names[name], i, err))
			return l.trimmed.Load(), nil
		}
		had := l.got.Load()
		if l.take(&e); l.got.Load() > had {
			r.Record(0, replayOp, time.Now(), len(e.Payload), nil)
		}
	}
	r.Record(0, catchUpOp, time.Now(), 0, nil)
	return l.trimmed.Load(), nil
}

func (b *Broadcast) listenHistory(ctx context.Context, i int) (*listener, error) {
	o := b.params.Subscriptions[i]
	o.Replay, o.ID = true, o.ID+"-replay"
	l := &listener{run: b, index: i, history: true,
		lanes: map[uint32]*lane{uint32(b.params.Matches[i][0]): new(lane)}}
	var err error
	l.conn, err = b.server.Subscriber(ctx, b.params.Space, o)
	return l, err
}

// watch closes the connection when nothing comes for a while, or ctx ends, and in the end.
func (l *listener) watch(ctx context.Context) (stop func()) {
	patience := l.run.params.Patience
	last := int64(0)
	var timer *time.Timer
	armed := make(chan struct{})
	timer = time.AfterFunc(patience, func() {
		<-armed
		if got := l.got.Load(); got != last {
			last = got
			timer.Reset(patience)
			return
		}
		_ = l.conn.Close() // Next says why
	})
	close(armed)
	release := context.AfterFunc(ctx, func() { _ = l.conn.Close() })
	return func() {
		timer.Stop()
		release()
		_ = l.conn.Close() // all was read
	}
}

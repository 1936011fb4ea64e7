package load

import (
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// The range of latencies: what takes longer than the longest counts as that. Three digits keep
// every percentile within 0.1 %.
const (
	shortest = 100 * time.Nanosecond
	longest  = 10 * time.Minute
	digits   = 3
)

func newHistogram() *hdrhistogram.Histogram {
	return hdrhistogram.New(int64(shortest), int64(longest), digits)
}

// tally is what was measured of one kind of operation.
type tally struct {
	operations, errors, bytes int64
	latency                   *hdrhistogram.Histogram
}

func newTally() tally { return tally{latency: newHistogram()} }

func (t *tally) add(other *tally) {
	t.operations += other.operations
	t.errors += other.errors
	t.bytes += other.bytes
	t.latency.Merge(other.latency)
}

func (t *tally) reset() {
	t.operations, t.errors, t.bytes = 0, 0, 0
	t.latency.Reset()
}

// shard is what some of the connections share: a histogram takes 100 KB and more, and there may
// be 50 000 connections.
type shard struct {
	mu    sync.Mutex
	kinds []tally // since the last interval ended
}

// shards is how many there are: enough for connections not to wait for each other.
const shards = 32

// Recorder takes down what the operations of one connection did.
type Recorder struct {
	shard *shard
	off   bool // this is the warm-up
	// Of the present Do: when its operations were due, which is the first and their distance in
	// an open loop, else when Do began.
	first    time.Time
	distance time.Duration
	failure  func(error)
}

// Due is from when on the latency of the i-th operation of this Do counts.
func (r *Recorder) Due(i int) time.Time { return r.first.Add(time.Duration(i) * r.distance) }

// Record takes down that the i-th operation of this Do ended at a time. bytes are those of keys and
// payloads. err is what the server refused; nil: it worked.
func (r *Recorder) Record(i int, k Kind, at time.Time, bytes int, err error) {
	r.RecordLatency(k, at.Sub(r.Due(i)), bytes, err)
}

// RecordLatency takes down an operation whose latency is known otherwise, such as how late a
// message came.
func (r *Recorder) RecordLatency(k Kind, latency time.Duration, bytes int, err error) {
	if err != nil && r.failure != nil {
		r.failure(err)
	}
	if r.off {
		return
	}
	s := r.shard
	s.mu.Lock()
	t := &s.kinds[k]
	t.operations++
	t.bytes += int64(bytes)
	if err != nil {
		t.errors++
	}
	// Never out of range: it is kept in.
	_ = t.latency.RecordValue(int64(min(max(latency, shortest), longest)))
	s.mu.Unlock()
}

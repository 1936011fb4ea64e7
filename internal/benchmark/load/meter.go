package load

import (
	"bytes"
	"math"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/synapdb/synap/internal/benchmark/result"
)

// Reading is what is known of server and client at a moment. CPU times count from any moment, -1
// is not known.
type Reading struct {
	ServerCPU, ClientCPU time.Duration
	ServerRSS            int64         // bytes
	ServerGC             time.Duration // pauses since the server began
}

var unknown = Reading{ServerCPU: -1, ClientCPU: -1, ServerRSS: -1, ServerGC: -1}

// meter sums up what the shards took down, second by second.
type meter struct {
	driver *driver
	start  time.Time
	warmup bool
	// stalled is called when nothing has ended for the driver's patience.
	stalled func()

	mu struct {
		sync.Mutex
		kinds  []tally // of all intervals so far
		series [][]result.Point
		last   time.Time // end of the last interval
		quiet  time.Time // end of the last one in which an operation ended
		before Reading   // then
		first  Reading
		end    time.Time
		final  Reading
	}
}

func newMeter(d *driver, start time.Time, warmup bool) *meter {
	m := &meter{driver: d, start: start, warmup: warmup}
	m.mu.kinds = make([]tally, len(d.options.Kinds))
	for k := range m.mu.kinds {
		m.mu.kinds[k] = newTally()
	}
	m.mu.series = make([][]result.Point, len(d.options.Kinds))
	m.mu.last, m.mu.quiet = start, start
	m.mu.first = m.read()
	m.mu.before = m.mu.first
	return m
}

func (m *meter) read() Reading {
	if m.driver.options.Probe == nil {
		return unknown
	}
	return m.driver.options.Probe()
}

// interval is the distance of the points of a series.
const interval = time.Second

// watch takes a point every second until stop is called, which takes the last.
func (m *meter) watch() (stop func()) {
	quit := make(chan struct{})
	var done sync.WaitGroup
	done.Go(func() {
		tick := time.NewTicker(interval)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				m.point(time.Now(), false)
			case <-quit:
				return
			}
		}
	})
	return func() {
		end := time.Now()
		close(quit)
		done.Wait()
		m.point(end, true)
	}
}

// point ends an interval.
func (m *meter) point(at time.Time, final bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	reading := m.read()
	span := at.Sub(m.mu.last).Seconds()
	all := newTally()
	for k := range m.mu.kinds {
		now := m.take(Kind(k))
		all.add(&now)
		m.mu.kinds[k].add(&now)
		// The last, shorter interval would show a rate of chance.
		if !final || len(m.mu.series[k]) == 0 || span >= interval.Seconds()/2 {
			m.mu.series[k] = append(m.mu.series[k], m.describe(&now, at, span, reading))
		}
	}
	if m.driver.options.Progress != nil {
		m.driver.options.Progress(m.progress(&all, at, span, reading))
	}
	switch {
	case all.operations > 0, m.warmup: // which has an end of its own
		m.mu.quiet = at
	case at.Sub(m.mu.quiet) > m.driver.patience():
		m.stalled()
	}
	m.mu.last, m.mu.before = at, reading
	if final {
		m.mu.end, m.mu.final = at, reading
	}
}

// take empties what the shards have of a kind.
func (m *meter) take(k Kind) tally {
	sum := newTally()
	for i := range m.driver.shards {
		s := &m.driver.shards[i]
		s.mu.Lock()
		if t := &s.kinds[k]; t.operations > 0 {
			sum.add(t)
			t.reset()
		}
		s.mu.Unlock()
	}
	return sum
}

func (m *meter) describe(t *tally, at time.Time, span float64, r Reading) result.Point {
	p := result.Point{At: at.Sub(m.start).Seconds(), Errors: t.errors,
		Rate: perSecond(t.operations, span),
		P50:  micros(t.latency.ValueAtPercentile(50)),
		P99:  micros(t.latency.ValueAtPercentile(99)), ServerRSS: r.ServerRSS, ServerGC: -1}
	p.ServerCPU = cores(r.ServerCPU, m.mu.before.ServerCPU, span)
	p.ClientCPU = cores(r.ClientCPU, m.mu.before.ClientCPU, span)
	if r.ServerGC >= 0 && m.mu.before.ServerGC >= 0 {
		p.ServerGC = float64(r.ServerGC-m.mu.before.ServerGC) / float64(time.Millisecond)
	}
	return p
}

func (m *meter) progress(now *tally, at time.Time, span float64, r Reading) Progress {
	p := Progress{Warmup: m.warmup, Elapsed: at.Sub(m.start), Part: -1,
		Now: perSecond(now.operations, span),
		P50: micros(now.latency.ValueAtPercentile(50)),
		P99: micros(now.latency.ValueAtPercentile(99))}
	for k := range m.mu.kinds {
		p.Operations += m.mu.kinds[k].operations
		p.Errors += m.mu.kinds[k].errors
	}
	p.Total = perSecond(p.Operations, p.Elapsed.Seconds())
	p.ServerCPU = cores(r.ServerCPU, m.mu.before.ServerCPU, span)
	p.ClientCPU = cores(r.ClientCPU, m.mu.before.ClientCPU, span)
	plan := &m.driver.plan
	switch {
	case m.warmup:
		p.Part = min(1, p.Elapsed.Seconds()/plan.Warmup.Seconds())
	case plan.Operations > 0:
		// Not those recorded: one may be several, such as consume and ack.
		p.Part = min(1, float64(m.driver.begun.Load())/float64(plan.Operations))
	case plan.Duration > 0:
		p.Part = min(1, p.Elapsed.Seconds()/plan.Duration.Seconds())
	}
	return p
}

func perSecond(n int64, seconds float64) float64 {
	if seconds <= 0 {
		return 0
	}
	return float64(n) / seconds
}

// cores is how many were in use between two readings; -1 if one is not known.
func cores(now, before time.Duration, seconds float64) float64 {
	if now < 0 || before < 0 || seconds <= 0 {
		return -1
	}
	return (now - before).Seconds() / seconds
}

func micros(ns int64) float64 { return float64(ns) / float64(time.Microsecond) }

// tests is what was measured, once all is over.
func (m *meter) tests() []result.Test {
	m.mu.Lock()
	defer m.mu.Unlock()
	var total int64
	for k := range m.mu.kinds {
		total += m.mu.kinds[k].operations
	}
	var tests []result.Test
	for k, name := range m.driver.options.Kinds {
		t := &m.mu.kinds[k]
		if t.operations == 0 {
			continue
		}
		tests = append(tests, result.Test{Name: name, Operations: t.operations, Errors: t.errors,
			Bytes: t.bytes, Seconds: m.mu.end.Sub(m.start).Seconds(),
			Latency:      Summary(t.latency),
			Corrected:    m.driver.plan.Rate > 0,
			ServerMicros: each(m.mu.final.ServerCPU, m.mu.first.ServerCPU, total),
			ClientMicros: each(m.mu.final.ClientCPU, m.mu.first.ClientCPU, total),
			Series:       m.mu.series[k]})
	}
	return tests
}

// each is the CPU time an operation, of whatever kind, in µs; 0 if it is not known.
func each(end, begin time.Duration, operations int64) float64 {
	if end < 0 || begin < 0 || operations == 0 {
		return 0
	}
	return math.Round(float64((end-begin).Microseconds())/float64(operations)*1000) / 1000
}

// Summary describes a histogram of ns.
func Summary(h *hdrhistogram.Histogram) result.Latency {
	l := result.Latency{Count: h.TotalCount(), Mean: h.Mean() / 1e3, Min: micros(h.Min()),
		P50: micros(h.ValueAtPercentile(50)), P90: micros(h.ValueAtPercentile(90)),
		P95: micros(h.ValueAtPercentile(95)), P99: micros(h.ValueAtPercentile(99)),
		P999: micros(h.ValueAtPercentile(99.9)), Max: micros(h.Max())}
	if text, err := h.Encode(hdrhistogram.V2CompressedEncodingCookieBase); err == nil {
		l.Histogram = string(bytes.TrimSpace(text))
	}
	return l
}

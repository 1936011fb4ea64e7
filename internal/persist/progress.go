package persist

import "sync/atomic"

// progress is how far recovery is, in bytes of files.
type progress struct {
	done, total atomic.Int64
	ended       atomic.Bool
}

// percent is from 0 to 100; 100 only when all is done.
func (p *progress) percent() float64 {
	if p.ended.Load() {
		return 100
	}
	done, total := p.done.Load(), p.total.Load()
	if total <= 0 {
		return 0
	}
	return min(99.9, float64(done)*100/float64(total))
}

// Percent is how far recovery is, 100 when it is done.
func (m *Manager) Percent() float64 { return m.progress.percent() }

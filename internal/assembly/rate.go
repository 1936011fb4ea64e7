package assembly

import "sync/atomic"

// rateEvery is how long commands are counted for one reading, in ms.
const rateEvery = 1000

// rate is the number of commands per second, as INFO shows it. One goroutine samples.
type rate struct {
	perSecond atomic.Int64
	at        int64 // ms since the Unix epoch, 0 = never
	count     uint64
}

// due says whether it is time to sample; a clock that was set back begins anew.
func (r *rate) due(now int64) bool { return now-r.at >= rateEvery || now < r.at }

// sample books how many commands were counted up to now.
func (r *rate) sample(now int64, count uint64) {
	if elapsed := now - r.at; r.at != 0 && elapsed > 0 && count >= r.count {
		r.perSecond.Store(int64(count-r.count) * 1000 / elapsed)
	}
	r.at, r.count = now, count
}

// executed is the number of commands since the start.
func (in *Instance) executed() (n uint64) {
	for _, c := range in.allCounters() {
		for i := range c.Calls {
			n += c.Calls[i].Load()
		}
	}
	return n
}

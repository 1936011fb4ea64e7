package load

import "time"

// schedule says when the operations of one connection are due in an open loop.
type schedule struct {
	start    time.Time
	distance time.Duration // between two operations of this connection
	next     int64         // the number of the first that was not begun
}

// newSchedule spreads the operations of all connections evenly: rate is that of all of them.
func newSchedule(start time.Time, rate float64, connections, index int) schedule {
	distance := time.Duration(float64(connections) / rate * float64(time.Second))
	return schedule{start: start.Add(distance * time.Duration(index) / time.Duration(connections)),
		distance: distance}
}

// due is when the next operation is.
func (s *schedule) due() time.Time { return s.start.Add(time.Duration(s.next) * s.distance) }

// take is how many operations, at most most, are due at now; at least one, for which the caller
// has waited.
func (s *schedule) take(now time.Time, most int) (first time.Time, n int) {
	first = s.due()
	if s.distance <= 0 {
		n = most
	} else {
		n = min(int(now.Sub(first)/s.distance)+1, most)
	}
	n = max(n, 1)
	s.next += int64(n)
	return first, n
}

package workload

import (
	"fmt"
	"math"

	"github.com/synapdb/synap/internal/benchmark/result"
)

// Slope is how a server's memory grows, by least squares.
type Slope struct {
	Samples   int
	PerSecond float64 // bytes
	// StdErr is the standard error of PerSecond. Neighbouring samples resemble each other, as
	// between two collections of garbage: Effective is how many independent ones they are worth.
	StdErr, Effective float64
	Mean              float64 // bytes
	Seconds           float64 // from the first sample to the last
}

// Fit draws the line through samples: at is in seconds, ascending.
func Fit(at, bytes []float64) Slope {
	n := float64(len(at))
	s := Slope{Samples: len(at)}
	if len(at) < 3 {
		return s
	}
	var meanAt float64
	for i := range at {
		meanAt += at[i] / n
		s.Mean += bytes[i] / n
	}
	var xx, xy float64
	for i := range at {
		xx += (at[i] - meanAt) * (at[i] - meanAt)
		xy += (at[i] - meanAt) * (bytes[i] - s.Mean)
	}
	s.Seconds = at[len(at)-1] - at[0]
	if xx == 0 {
		return s
	}
	s.PerSecond = xy / xx
	residual := func(i int) float64 {
		return bytes[i] - s.Mean - s.PerSecond*(at[i]-meanAt)
	}
	var squares, neighbours float64
	for i := range at {
		squares += residual(i) * residual(i)
		if i > 0 {
			neighbours += residual(i) * residual(i-1)
		}
	}
	s.Effective = n
	if squares > 0 {
		alike := min(max(neighbours/squares, 0), 0.999)
		s.Effective = n * (1 - alike) / (1 + alike)
	}
	if s.Effective > 2 {
		s.StdErr = math.Sqrt(squares / xx / (s.Effective - 2))
	}
	return s
}

// What makes a slope a leak: it is told from chance, and matters within the time measured.
const (
	sureErrors   = 3.0  // standard errors
	sureSamples  = 10.0 // effective ones
	leakingShare = 0.01 // of the memory, over the whole time
)

// Sure says whether there are samples enough to say anything.
func (s Slope) Sure() bool { return s.Effective >= sureSamples }

// Leak says whether memory grows, beyond chance and by more than a hundredth.
func (s Slope) Leak() bool {
	return s.Sure() && s.PerSecond > sureErrors*s.StdErr &&
		s.PerSecond*s.Seconds > leakingShare*s.Mean
}

// memoryOf is the slope of a server's memory, without the first fifth of the time, in which
// buffers and tables find their size.
func memoryOf(points []result.Point) Slope {
	var at, bytes []float64
	for _, p := range points[len(points)/5:] {
		if p.ServerRSS >= 0 {
			at, bytes = append(at, p.At), append(bytes, float64(p.ServerRSS))
		}
	}
	return Fit(at, bytes)
}

// check is the verdict. known: the server's process is.
func (s Slope) check(known bool) result.Check {
	c := result.Check{Name: "memory slope", Source: "soak",
		Want: fmt.Sprintf("< %g errors or %g %%", sureErrors, leakingShare*100)}
	switch {
	case !known:
		c.Skipped, c.Got = true, "not measured: the server's process is not known"
	case !s.Sure():
		c.Skipped = true
		c.Got = fmt.Sprintf("not measured: %d samples are worth %.0f of %.0f: run longer",
			s.Samples, s.Effective, sureSamples)
	default:
		c.Value, c.OK = s.PerSecond, !s.Leak()
		c.Got = fmt.Sprintf("%+.0f B/s ± %.0f, at %s", s.PerSecond, s.StdErr, bytesText(s.Mean))
	}
	return c
}

package report

import (
	"errors"
	"fmt"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/synapdb/synap/internal/benchmark/result"
)

// ErrNoHistogram says that a latency was written without its histogram.
var ErrNoHistogram = errors.New("the latency has no histogram")

// Histogram is the whole distribution of a latency, in ns.
func Histogram(l *result.Latency) (*hdrhistogram.Histogram, error) {
	if l.Histogram == "" {
		return nil, ErrNoHistogram
	}
	h, err := hdrhistogram.Decode([]byte(l.Histogram))
	if err != nil {
		return nil, fmt.Errorf("a histogram cannot be read: %w", err)
	}
	return h, nil
}

// Merge is the distribution of several runs together, in ns: every operation counts once, so its
// percentiles are those of all samples. An error means that at least one had to be left out.
func Merge(latencies []*result.Latency) (*hdrhistogram.Histogram, error) {
	var sum *hdrhistogram.Histogram
	for _, l := range latencies {
		h, err := Histogram(l)
		if err != nil {
			return nil, err
		}
		if sum == nil {
			sum = h
			continue
		}
		if dropped := sum.Merge(h); dropped > 0 {
			return nil, fmt.Errorf("%d samples of a histogram are out of the range of another",
				dropped)
		}
	}
	if sum == nil {
		return nil, ErrNoHistogram
	}
	return sum, nil
}

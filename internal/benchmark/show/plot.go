package show

import (
	"fmt"
	"math"
	"strings"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/synapdb/synap/internal/benchmark/result"
)

// Size of a plot, in characters, without labels.
const (
	plotWidth  = 60
	plotHeight = 10
)

// marks are those of the curves.
const marks = "*o+x#@"

// curve is one test in a plot.
type curve struct {
	name   string
	mark   byte
	points []float64 // latency in µs, by column
}

// plot draws latencies over percentiles. Both axes are logarithmic: to the right, each nine of a
// percentile takes the same room, so that the tail is seen.
func (p *page) plot(tests []result.Test) {
	var nines float64
	var histograms []*hdrhistogram.Histogram
	var curves []curve
	for i := range tests {
		t := &tests[i]
		h, err := hdrhistogram.Decode([]byte(t.Latency.Histogram))
		if err != nil || h.TotalCount() < 2 || len(curves) == len(marks) {
			continue // nothing to draw
		}
		histograms = append(histograms, h)
		curves = append(curves, curve{name: t.Name, mark: marks[len(curves)]})
		nines = max(nines, math.Log10(float64(h.TotalCount())))
	}
	if len(curves) == 0 {
		return
	}
	low, high := math.Inf(1), 0.0
	for i := range curves {
		for x := range plotWidth {
			quantile := 100 * (1 - math.Pow(10, -nines*float64(x)/(plotWidth-1)))
			v := float64(histograms[i].ValueAtQuantile(quantile)) / 1e3
			curves[i].points = append(curves[i].points, v)
			low, high = min(low, v), max(high, v)
		}
	}
	p.line("")
	p.grid(curves, math.Log10(low), math.Log10(high))
	p.axis(nines)
	var legend []string
	for _, c := range curves {
		legend = append(legend, string(c.mark)+" "+c.name)
	}
	p.line("%12s latency by percentile: %s", "", strings.Join(legend, "   "))
}

// grid draws curves between two latencies, given as logarithms.
func (p *page) grid(curves []curve, low, high float64) {
	step := max(high-low, 0.01) / (plotHeight - 1)
	rows := make([][]byte, plotHeight) // the lowest latency first
	for y := range rows {
		rows[y] = []byte(strings.Repeat(" ", plotWidth))
	}
	for _, c := range curves {
		for x, v := range c.points {
			y := int(math.Round((math.Log10(v) - low) / step))
			rows[min(max(y, 0), plotHeight-1)][x] = c.mark
		}
	}
	for y := plotHeight - 1; y >= 0; y-- {
		label := Micros(math.Pow(10, low+float64(y)*step))
		p.line("%10s │%s", label, strings.TrimRight(string(rows[y]), " "))
	}
}

// axis labels percentiles where they stand: 0, 90, 99 and so on.
func (p *page) axis(nines float64) {
	p.line("%10s └%s", "", strings.Repeat("─", plotWidth))
	line := []byte(strings.Repeat(" ", plotWidth+8))
	end := -1
	for n := 0; float64(n) <= nines; n++ {
		text := "0"
		switch {
		case n == 1, n == 2:
			text = strings.Repeat("9", n)
			if n == 1 {
				text = "90"
			}
		case n > 2:
			text = fmt.Sprintf("99.%s", strings.Repeat("9", n-2))
		}
		at := int(math.Round(float64(n) / nines * (plotWidth - 1)))
		if at <= end || at+len(text) > len(line) {
			continue // no room
		}
		copy(line[at:], text)
		end = at + len(text)
	}
	p.line("%11s %s", "", strings.TrimRight(string(line), " "))
}

package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/synapdb/synap/internal/benchmark/result"
)

// wide is the ratio of largest to smallest from which latencies are drawn on a logarithmic axis.
const wide = 20

// latencyAxis is logarithmic where values are far apart.
func latencyAxis(curves []curve) axis {
	low, high := math.Inf(1), 0.0
	for _, c := range curves {
		for _, p := range c.points {
			if p.y > 0 {
				low, high = min(low, p.y), max(high, p.y)
			}
		}
	}
	return axis{format: humanMicros, log: high > low*wide, fromZero: true}
}

var timeAxis = axis{name: "time", format: humanSeconds, fromZero: true}

// overTime draws figures of the seconds of every run, one colour a group.
func overTime(title string, groups []*group, test string, y axis, kinds ...kind) *drawing {
	c := chart{title: title, x: timeAxis, y: y}
	for colour, g := range groups {
		for _, t := range g.tests(test) {
			for i, k := range kinds {
				one := curve{name: join(g.server, k.name), colour: colour, dashed: i > 0}
				for _, p := range t.Series {
					if v := k.of(&p); v >= 0 { // -1 is not known
						one.points = append(one.points, point{x: p.At, y: v})
					}
				}
				c.curves = append(c.curves, one)
			}
		}
	}
	if y.format == nil {
		c.y = latencyAxis(c.curves)
	}
	return c.draw()
}

// kind is a figure of a second of a run.
type kind struct {
	name string
	of   func(*result.Point) float64
}

func join(server, name string) string {
	if name == "" {
		return server
	}
	return server + " " + name
}

// percentiles draws the latency that so many of the operations keep, with a scale that gives every
// nine of the tail the same room.
func percentiles(groups []*group, merged []*hdrhistogram.Histogram) *drawing {
	c := chart{title: "Latency by percentile",
		x: axis{name: "percentile", nines: true, format: percentile}}
	for colour, h := range merged {
		if h == nil || h.TotalCount() == 0 {
			continue
		}
		one := curve{name: groups[colour].server, colour: colour}
		last := math.Log10(float64(h.TotalCount()))
		const step = 0.05
		for x := 0.0; x < last; x += step {
			part := 100 - 100*math.Pow(10, -x)
			one.points = append(one.points, point{x: x, y: us(h.ValueAtPercentile(part))})
		}
		one.points = append(one.points, point{x: last, y: us(h.Max()), note: "the longest"})
		c.curves = append(c.curves, one)
	}
	c.y = latencyAxis(c.curves)
	return c.draw()
}

// percentile prints what has so many nines.
func percentile(nines float64) string {
	return trimZeros(strconv.FormatFloat(100-100*math.Pow(10, -nines), 'f', 6, 64)) + " %"
}

func us(ns int64) float64 { return float64(ns) / 1e3 }

// columns of a histogram.
const columns = 50

// distribution draws how many operations took how long, as parts of all of them.
func distribution(groups []*group, merged []*hdrhistogram.Histogram) *drawing {
	c := chart{title: "Latency histogram", x: axis{name: "latency", format: humanMicros, log: true},
		y: axis{format: humanPercent, fromZero: true}}
	low, high := math.Inf(1), 0.0
	for _, h := range merged {
		if h != nil && h.TotalCount() > 0 {
			low, high = min(low, us(max(h.Min(), 1))), max(high, us(h.Max()))
		}
	}
	if high == 0 {
		return nil
	}
	low, high = math.Log10(low), math.Log10(high)
	width := max((high-low)/columns, 0.001)
	for colour, h := range merged {
		if h == nil || h.TotalCount() == 0 {
			continue
		}
		var parts [columns + 1]float64
		for _, bar := range h.Distribution() {
			if bar.Count > 0 {
				at := int((math.Log10(us(max(bar.From, 1))) - low) / width)
				parts[min(max(at, 0), columns)] += float64(bar.Count) / float64(h.TotalCount())
			}
		}
		one := curve{name: groups[colour].server, colour: colour, steps: true}
		for i, part := range parts {
			one.points = append(one.points, point{x: math.Pow(10, low+float64(i)*width), y: part})
		}
		end := math.Pow(10, low+(columns+1)*width)
		one.points = append(one.points, point{x: end})
		c.curves = append(c.curves, one)
	}
	return c.draw()
}

// knee draws latency over the rate that was due, for staircases.
func knee(groups []*group) *drawing {
	c := chart{title: "Latency by rate (staircase)",
		x: axis{name: "operations a second, due", format: humanCount, fromZero: true}}
	for colour, g := range groups {
		for _, run := range g.runs {
			p50 := curve{name: join(g.server, "p50"), colour: colour, dots: true}
			p99 := curve{name: join(g.server, "p99"), colour: colour, dots: true, dashed: true}
			// A search for the knee goes up and down; the curve goes up.
			steps := slices.SortedStableFunc(slices.Values(run.Knee), func(a, b result.Step) int {
				return cmp.Compare(a.Target, b.Target)
			})
			for _, s := range steps {
				note := fmt.Sprintf("%s/s done", humanCount(s.Achieved))
				if !s.Holds {
					note += ", not kept"
				}
				p50.points = append(p50.points, point{s.Target, s.P50, note})
				p99.points = append(p99.points, point{s.Target, s.P99, note})
			}
			c.curves = append(c.curves, p50, p99)
		}
	}
	c.y = latencyAxis(c.curves)
	return c.draw()
}

package report

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// chart is a drawing of curves, to be measured out and printed as SVG by the template.
type chart struct {
	title  string
	x, y   axis
	curves []curve
}

// axis says how values become places and labels.
type axis struct {
	name   string
	format func(float64) string
	log    bool
	// nines: the values are −log10(1−part) of a distribution, and labels are percentages.
	nines  bool
	binary bool // labels of a linear axis are at multiples of powers of 1024
	// fromZero keeps 0 in the picture of a linear axis.
	fromZero bool
}

// curve is one line, or the outline of bars.
type curve struct {
	name   string
	colour int
	dashed bool
	steps  bool // a point holds until the next one
	dots   bool // every point is marked
	points []point
}

type point struct {
	x, y float64
	note string // behind what the point says of itself
}

// The picture, in units of its own; the page scales it.
const (
	chartWidth  = 440
	chartHeight = 230
	marginLeft  = 62
	marginRight = 12
	marginTop   = 10
	marginUnder = 38
	// mostPoints of a curve are drawn: of more, the smallest and largest of each stretch.
	mostPoints = 400
	// mostMarks of a curve tell their exact values.
	mostMarks = 150
	colours   = 8
)

// drawing is a chart measured out.
type drawing struct {
	Title, XName, YName          string
	Width, Height                int
	Left, Right, Top, Bottom     int
	XMiddle, YMiddle, XNameBelow int
	XTicks, YTicks               []mark
	Lines                        []line
	Legend                       []line // none where there is just one line
}

type mark struct{ At, Text string }

type line struct {
	Name   string
	Class  string
	Path   string
	Marks  []spot
	Radius string
}

type spot struct{ X, Y, Text string }

// scale maps the values of an axis to places.
type scale struct {
	axis     axis
	low, end float64 // of the values, or of their logarithms
	from, to float64 // places
}

func (s *scale) of(v float64) float64 {
	if s.axis.log {
		v = math.Log10(v)
	}
	return s.from + (v-s.low)/(s.end-s.low)*(s.to-s.from)
}

// drawn says whether a value has a place: a logarithmic axis has none for 0, and differences of
// what is absurdly large, which only a damaged report holds, are no numbers.
func (a *axis) drawn(v float64) bool {
	return math.Abs(v) < 1e300 && (!a.log || v > 0)
}

// newScale fits an axis to the values that are drawn; false: there are none.
func newScale(a axis, from, to float64, values func(func(float64))) (*scale, bool) {
	low, high := math.Inf(1), math.Inf(-1)
	values(func(v float64) {
		if a.drawn(v) {
			low, high = min(low, v), max(high, v)
		}
	})
	if low > high {
		return nil, false
	}
	switch {
	case a.log:
		low, high = math.Log10(low), math.Log10(high)
		if high-low < 1 { // at least a decade, or there are no labels
			low, high = math.Floor(low), math.Floor(low)+max(1, math.Ceil(high-math.Floor(low)))
		}
	case a.fromZero || a.nines:
		low = min(low, 0)
	}
	if high <= low {
		low, high = low-math.Abs(low)*0.1, high+max(math.Abs(high)*0.1, 1e-9)
	}
	if !a.log && !a.nines && a.fromZero {
		high += (high - low) * 0.05
	}
	return &scale{axis: a, low: low, end: high, from: from, to: to}, true
}

// ticks are where an axis is labelled.
func (s *scale) ticks(most int) (marks []mark) {
	add := func(v float64, text string) {
		marks = append(marks, mark{place(s.of(v)), text})
	}
	switch {
	case s.axis.nines:
		for i := 0; float64(i) <= s.end+1e-9; i++ {
			add(float64(i), nines(i))
		}
	case s.axis.log:
		first, last := math.Ceil(s.low-1e-9), math.Floor(s.end+1e-9)
		step := max(1, math.Ceil((last-first+1)/float64(most)))
		for e := first; e <= last; e += step {
			add(math.Pow(10, e), s.axis.format(math.Pow(10, e)))
		}
		for e := math.Floor(s.low); s.end-s.low <= 2 && e <= last; e++ {
			for _, m := range []float64{2, 5} {
				v := m * math.Pow(10, e)
				if at := math.Log10(v); at >= s.low-1e-9 && at <= s.end+1e-9 {
					add(v, s.axis.format(v))
				}
			}
		}
	default:
		unit := 1.0
		for s.axis.binary && unit*1024 <= s.end-s.low {
			unit *= 1024
		}
		step := unit * niceStep((s.end-s.low)/float64(most)/unit)
		first := math.Ceil(s.low/step - 1e-9)
		for i := range 2 * most { // values of any size: adding 1 to first may change nothing
			if v := (first + float64(i)) * step; v <= s.end+step*1e-9 {
				add(v, s.axis.format(v))
			}
		}
	}
	return marks
}

// nines is the percentile that has so many of them: 0, 90, 99, 99.9 …
func nines(n int) string {
	switch n {
	case 0:
		return "0"
	case 1:
		return "90"
	case 2:
		return "99"
	}
	return "99." + strings.Repeat("9", n-2)
}

// niceStep is 1, 2 or 5 times a power of ten, and not less than v.
func niceStep(v float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, m := range []float64{1, 2, 5} {
		if m*power >= v*(1-1e-9) {
			return m * power
		}
	}
	return 10 * power
}

func place(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) }

// draw measures a chart out; nil: it has no points.
func (c *chart) draw() *drawing {
	each := func(of func(point) float64) func(func(float64)) {
		return func(f func(float64)) {
			for _, line := range c.curves {
				for _, p := range line.points {
					if c.x.drawn(p.x) && c.y.drawn(p.y) {
						f(of(p))
					}
				}
			}
		}
	}
	xs, some := newScale(c.x, marginLeft, chartWidth-marginRight,
		each(func(p point) float64 { return p.x }))
	ys, also := newScale(c.y, chartHeight-marginUnder, marginTop,
		each(func(p point) float64 { return p.y }))
	if !some || !also {
		return nil
	}
	d := &drawing{Title: c.title, XName: c.x.name, YName: c.y.name, Width: chartWidth,
		Height: chartHeight, Left: marginLeft, Right: chartWidth - marginRight, Top: marginTop,
		Bottom: chartHeight - marginUnder, XMiddle: (marginLeft + chartWidth - marginRight) / 2,
		YMiddle: (marginTop + chartHeight - marginUnder) / 2, XNameBelow: chartHeight - 6,
		XTicks: xs.ticks(7), YTicks: ys.ticks(5)}
	for _, one := range c.curves {
		if l, ok := c.line(one, xs, ys); ok {
			d.Lines = append(d.Lines, l)
		}
	}
	if len(d.Lines) > 1 {
		d.Legend = legend(d.Lines)
	}
	return d
}

// legend names each kind of line once: repetitions of a run look the same.
func legend(lines []line) (kinds []line) {
	for _, l := range lines {
		known := slices.ContainsFunc(kinds, func(k line) bool {
			return k.Name == l.Name && k.Class == l.Class
		})
		if !known {
			kinds = append(kinds, line{Name: l.Name, Class: l.Class})
		}
	}
	return kinds
}

func (c *chart) line(one curve, xs, ys *scale) (line, bool) {
	points := slices.DeleteFunc(slices.Clone(one.points), func(p point) bool {
		return !c.x.drawn(p.x) || !c.y.drawn(p.y)
	})
	if len(points) == 0 {
		return line{}, false
	}
	points = thin(points, mostPoints)
	l := line{Name: one.name, Class: fmt.Sprintf("c%d", one.colour%colours), Radius: "5"}
	if one.dashed {
		l.Class += " dashed"
	}
	if one.dots || len(points) == 1 {
		l.Class, l.Radius = l.Class+" dots", "3"
	}
	var path strings.Builder
	for i, p := range points {
		x, y := place(xs.of(p.x)), place(ys.of(p.y))
		switch {
		case i == 0:
			path.WriteString("M" + x + " " + y)
		case one.steps:
			path.WriteString("H" + x + "V" + y)
		default:
			path.WriteString("L" + x + " " + y)
		}
	}
	l.Path = path.String()
	if len(points) <= mostMarks {
		for _, p := range points {
			l.Marks = append(l.Marks, spot{place(xs.of(p.x)), place(ys.of(p.y)), c.says(one, p)})
		}
	}
	return l, true
}

// says is what a point tells when it is pointed at.
func (c *chart) says(one curve, p point) string {
	text := fmt.Sprintf("%s: %s at %s", one.name, c.y.format(p.y), c.x.format(p.x))
	if p.note != "" {
		text += ", " + p.note
	}
	return text
}

// thin keeps of every stretch of points the first of the smallest and of the largest, so that no
// peak is lost.
func thin(points []point, most int) []point {
	if len(points) <= most {
		return points
	}
	var kept []point
	stretches := most / 2
	for i := range stretches {
		from, to := i*len(points)/stretches, (i+1)*len(points)/stretches
		low, high := from, from
		for k := from; k < to; k++ {
			if points[k].y < points[low].y {
				low = k
			}
			if points[k].y > points[high].y {
				high = k
			}
		}
		kept = append(kept, points[min(low, high)])
		if low != high {
			kept = append(kept, points[max(low, high)])
		}
	}
	return kept
}

package show

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/synapdb/synap/internal/benchmark/load"
)

// LiveOptions are how progress is shown.
type LiveOptions struct {
	Terminal bool // the writer is one: a line that changes; otherwise a plain line now and then
	Color    bool
	Quiet    bool // nothing is shown
	// Width is that of the terminal in columns, now; 0 = not known. nil: not known.
	Width func() int
}

// Live shows how runs go. Any goroutine may use it.
type Live struct {
	w       io.Writer
	options LiveOptions

	mu struct {
		sync.Mutex
		title    string
		number   string           // "2/5 " of several runs
		drawn    int              // columns of the line that changes; 0 = there is none
		next     time.Duration    // when the next plain line is due
		failures map[string]int64 // what operations failed with, shown once each
	}
}

// NewLive shows on a writer.
func NewLive(w io.Writer, o LiveOptions) *Live { return &Live{w: w, options: o} }

const (
	// plainEvery is the distance of lines where they can't change in place.
	plainEvery = 5 * time.Second
	// mostFailures are shown; more different ones say little.
	mostFailures = 5
	barWidth     = 20
)

// Number says which of several runs it is.
func (l *Live) Number(n, of int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mu.number = fmt.Sprintf("%d/%d ", n, of)
}

// Begin starts a phase, such as "publish".
func (l *Live) Begin(title string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.erase()
	l.mu.title, l.mu.next, l.mu.failures = title, plainEvery, map[string]int64{}
}

// Update shows how the phase goes.
func (l *Live) Update(p load.Progress) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.options.Quiet:
	case l.options.Terminal:
		line := l.fit(p)
		l.erase()
		l.mu.drawn = len([]rune(line))
		l.write(l.paint(line, p.Errors))
	case p.Elapsed >= l.mu.next:
		l.write(l.mu.number + progressLine(l.mu.title, p, false) + "\n")
		l.mu.next = p.Elapsed.Truncate(plainEvery) + plainEvery
	}
}

// fit is a line that the terminal does not break: what is broken can't be erased.
func (l *Live) fit(p load.Progress) string {
	most := 0
	if l.options.Width != nil {
		most = l.options.Width() - 1
	}
	line := []rune(l.mu.number + progressLine(l.mu.title, p, true))
	if most > 0 && len(line) > most {
		line = []rune(l.mu.number + progressLine(l.mu.title, p, false))
		line = line[:min(len(line), most)]
	}
	return string(line)
}

// paint marks a line red once something failed.
func (l *Live) paint(line string, errors int64) string {
	if errors > 0 && l.options.Color {
		return "\x1b[31m" + line + "\x1b[0m"
	}
	return line
}

// Failure shows what an operation failed with, once for each text.
func (l *Live) Failure(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	text := err.Error()
	if _, known := l.mu.failures[text]; !known && len(l.mu.failures) >= mostFailures {
		return
	}
	if l.mu.failures[text]++; l.mu.failures[text] == 1 {
		l.warn(text)
	}
}

// Warn shows a text above the line that changes.
func (l *Live) Warn(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.warn(text)
}

func (l *Live) warn(text string) {
	if !l.options.Quiet {
		l.erase()
		l.write("! " + text + "\n")
	}
}

// End removes the line that changes.
func (l *Live) End() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.erase()
}

func (l *Live) erase() {
	if l.mu.drawn > 0 {
		l.write("\r\x1b[K")
		l.mu.drawn = 0
	}
}

func (l *Live) write(text string) { _, _ = io.WriteString(l.w, text) } // stderr is all there is

// progressLine is one line about a phase. With a bar it is for a terminal.
func progressLine(title string, p load.Progress, bar bool) string {
	if p.Warmup {
		title += " (warm-up)"
	}
	parts := []string{title}
	if bar && p.Part >= 0 {
		full := int(math.Round(p.Part * barWidth))
		parts = append(parts, "["+strings.Repeat("█", full)+strings.Repeat("·", barWidth-full)+"]")
	}
	if p.Part >= 0 {
		parts = append(parts, fmt.Sprintf("%3.0f %%", p.Part*100))
	}
	parts = append(parts, fmt.Sprintf("%.0f s", p.Elapsed.Seconds()),
		fmt.Sprintf("%s/s (mean %s/s)", Count(p.Now), Count(p.Total)),
		fmt.Sprintf("p50 %s p99 %s", Micros(p.P50), Micros(p.P99)),
		fmt.Sprintf("errors %d", p.Errors))
	if p.ClientCPU >= 0 {
		parts = append(parts, fmt.Sprintf("client %.1f cores", p.ClientCPU))
	}
	if p.ServerCPU >= 0 {
		parts = append(parts, fmt.Sprintf("server %.1f", p.ServerCPU))
	}
	return strings.Join(parts, "  ")
}

// Count is a number with spaces between thousands.
func Count(v float64) string {
	digits := strconv.FormatFloat(math.Abs(v), 'f', 0, 64)
	var b strings.Builder
	if v < 0 {
		b.WriteByte('-')
	}
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(d)
	}
	return b.String()
}

// Micros is a time given in µs, with three digits or so and a unit.
func Micros(v float64) string {
	switch {
	case v < 999.5:
		return strconv.FormatFloat(v, 'f', decimals(v), 64) + " µs"
	case v < 999_500:
		v /= 1e3
		return strconv.FormatFloat(v, 'f', decimals(v), 64) + " ms"
	}
	v /= 1e6
	return strconv.FormatFloat(v, 'f', decimals(v), 64) + " s"
}

func decimals(v float64) int {
	switch {
	case v < 10:
		return 2
	case v < 100:
		return 1
	}
	return 0
}

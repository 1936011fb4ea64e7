package report

import (
	"fmt"
	"io"
	"strings"
)

// Text writes a comparison as a table for a terminal.
func (c *Comparison) Text(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s -> %s, threshold %s\n", c.Base, c.New, humanPercent(c.Threshold))
	for _, note := range c.Notes {
		fmt.Fprintf(&b, "note: %s\n", note)
	}
	single := false
	last := ""
	for _, t := range c.Tests {
		if head := t.Workload + ", " + t.Server; head != last {
			last = head
			fmt.Fprintf(&b, "\n%s\n  %-14s %-11s %11s %11s %8s %8s  %s\n", head, "test",
				"figure", "base", "new", "delta", "spread", "verdict")
		}
		for i, f := range t.Figures {
			name := ""
			if i == 0 {
				name = t.Test
			}
			spread := humanPercent(f.Spread)
			if f.Runs < 2 {
				single = true
			}
			if f.Spread == 0 {
				spread = "-"
			}
			fmt.Fprintf(&b, "  %-14s %-11s %11s %11s %+7.1f%% %8s  %s\n", name, f.Name,
				f.format(f.Base), f.format(f.New), f.Delta*100, spread, f.Verdict)
		}
	}
	b.WriteByte('\n')
	for _, one := range c.OnlyBase {
		fmt.Fprintf(&b, "only in %s: %s\n", c.Base, one)
	}
	for _, one := range c.OnlyNew {
		fmt.Fprintf(&b, "only in %s: %s\n", c.New, one)
	}
	for _, fault := range c.Faults {
		fmt.Fprintf(&b, "REGRESSION: %s\n", fault)
	}
	if single {
		b.WriteString("one run alone has no spread: use --runs 3 or more to tell " +
			"noise from change\n")
	}
	if c.Regressions == 0 {
		fmt.Fprintf(&b, "no regression beyond %s\n", humanPercent(c.Threshold))
	} else {
		fmt.Fprintf(&b, "%d beyond %s\n", c.Regressions, humanPercent(c.Threshold))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (f *Change) format(v float64) string {
	if f.Unit == "/s" {
		return rate(v).Text
	}
	return micros(v).Text
}

package config

import (
	"fmt"
	"math/bits"
	"slices"
	"strconv"
	"strings"
)

// parse checks a value and brings it into the form the Config takes.
func (s *Setting) parse(v any) (text string, n int64, err error) {
	text = strings.TrimSpace(fmt.Sprint(v))
	switch s.Kind {
	case Truth:
		switch strings.ToLower(text) {
		case "true", "yes", "on", "1":
			n = 1
		case "false", "no", "off", "0":
		default:
			err = s.unfit(text)
		}
	case Choice:
		text = strings.ToLower(text)
		if !slices.Contains(s.Choices, text) {
			err = s.unfit(text)
		}
	case Whole, Megabytes:
		if n, err = s.number(text); err != nil {
			err = s.unfit(text)
		}
	default:
		fits := text != ""
		if s.Letters != "" {
			fits = strings.Trim(text, s.Letters) == ""
		}
		if !fits {
			err = s.unfit(text)
		}
	}
	return text, n, err
}

func (s *Setting) number(text string) (int64, error) {
	unit := int64(1)
	if s.Kind == Megabytes {
		lower := strings.ToLower(text)
		for suffix, size := range map[string]int64{"mb": 1, "gb": 1 << 10, "tb": 1 << 20} {
			if rest, ok := strings.CutSuffix(lower, suffix); ok {
				text, unit = strings.TrimSpace(rest), size
			}
		}
	}
	if strings.HasSuffix(s.Key, "_secs") {
		text = strings.TrimSuffix(text, "s") // 10s is what people write
	}
	n, err := strconv.ParseInt(text, 10, 64)
	switch {
	case err != nil:
		return 0, err
	case n < 0 || n > s.Max/unit || n*unit < s.Min, // no Min is negative
		s.PowerOf2 && n != 0 && bits.OnesCount64(uint64(n)) != 1:
		return 0, strconv.ErrRange
	}
	return n * unit, nil
}

func (s *Setting) unfit(text string) error {
	hint := ""
	if strings.HasPrefix(text, "tcp://") {
		hint = " (Kubernetes sets such a variable for a service of the same name: rename the " +
			"service or set enableServiceLinks: false)"
	}
	return fmt.Errorf("%s is %q; it must be %s%s", s.Key, text, s.Expects(), hint)
}

// nearest finds the name most like the unknown one, or "" when none is.
func nearest(unknown string, names []string) string {
	best, least := "", max(2, len(unknown)/3)+1
	for _, name := range names {
		if d := distance(unknown, name); d < least {
			best, least = name, d
		}
	}
	return best
}

// distance counts the edits between a and b: insert, delete, replace, swap of neighbours.
func distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}

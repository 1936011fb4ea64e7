package report

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// figure is a number for people, and the same exactly.
type figure struct{ Text, Exact string }

func exactly(v float64, unit string) string {
	return strings.TrimSpace(strconv.FormatFloat(v, 'f', -1, 64) + " " + unit)
}

// digits3 prints three digits that count, and no zeros behind the point.
func digits3(v float64) string {
	switch a := math.Abs(v); {
	case a == 0:
		return "0"
	case a >= 99.95:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case a >= 9.995:
		return trimZeros(strconv.FormatFloat(v, 'f', 1, 64))
	case a >= 0.01:
		return trimZeros(strconv.FormatFloat(v, 'f', 2, 64))
	}
	return strconv.FormatFloat(v, 'g', 2, 64)
}

func trimZeros(s string) string { return strings.TrimSuffix(strings.TrimRight(s, "0"), ".") }

// scaled prints a number with the largest unit that leaves at least 1 before the point.
func scaled(v, step float64, units ...string) string {
	i := 0
	// 999.6 prints as 1000: the next unit is due a little earlier.
	for ; i < len(units)-1 && math.Abs(v) >= 0.9995*step; i++ {
		v /= step
	}
	return strings.TrimSpace(digits3(v) + " " + units[i])
}

func humanCount(v float64) string { return scaled(v, 1000, "", "K", "M", "G", "T") }

func humanBytes(v float64) string { return scaled(v, 1024, "B", "KiB", "MiB", "GiB", "TiB") }

// humanMicros prints a time given in µs.
func humanMicros(v float64) string {
	if us := math.Abs(v); us >= 0.9995*float64(time.Second/time.Microsecond) {
		return humanSeconds(v / 1e6)
	} else if us > 0 && us < 0.9995 {
		return digits3(v*1000) + " ns"
	}
	return scaled(v, 1000, "µs", "ms")
}

func humanSeconds(v float64) string {
	switch {
	case v >= 2*3600:
		return digits3(v/3600) + " h"
	case v >= 2*60:
		return digits3(v/60) + " min"
	}
	return digits3(v) + " s"
}

func humanMillis(v float64) string { return humanMicros(v * 1000) }

func humanPercent(part float64) string { return digits3(part*100) + " %" }

func count(v float64) figure  { return figure{humanCount(v), exactly(v, "")} }
func rate(v float64) figure   { return figure{humanCount(v) + "/s", exactly(v, "/s")} }
func micros(v float64) figure { return figure{humanMicros(v), exactly(v, "µs")} }
func bytesPerSecond(v float64) figure {
	return figure{humanBytes(v) + "/s", exactly(v, "B/s")}
}

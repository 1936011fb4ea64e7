package probe

import (
	"bytes"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/synapdb/synap/internal/benchmark/result"
)

// Environment describes this machine. What can't be found out stays empty.
func Environment(tool string) result.Environment {
	e := result.Environment{Cores: runtime.NumCPU(), Go: runtime.Version(), Tool: tool,
		OS: runtime.GOOS + "/" + runtime.GOARCH, CPU: cpuModel(), Calibrated: Calibrate()}
	e.Host, _ = os.Hostname()
	var u unix.Utsname
	if unix.Uname(&u) == nil {
		e.OS = unix.ByteSliceToString(u.Sysname[:]) + " " + unix.ByteSliceToString(u.Release[:])
	}
	if text, err := os.ReadFile("/proc/meminfo"); err == nil {
		if kib, err := strconv.ParseFloat(value(text, "MemTotal:"), 64); err == nil {
			e.MemoryGiB = kib / (1 << 20)
		}
	}
	return e
}

func cpuModel() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	for line := range bytes.Lines(text) {
		name, model, _ := bytes.Cut(line, []byte{':'})
		if string(bytes.TrimSpace(name)) == "model name" {
			return string(bytes.TrimSpace(model))
		}
	}
	return ""
}

// value is the number behind a name at the beginning of a line.
func value(text []byte, name string) string {
	for line := range bytes.Lines(text) {
		if rest, ok := strings.CutPrefix(string(line), name); ok {
			if fields := strings.Fields(rest); len(fields) > 0 {
				return fields[0]
			}
		}
	}
	return ""
}

// Calibrate says how fast this machine is: rounds a second, the best of several tries, of a loop
// that mixes what servers do: hashing, copying, a dependent walk through memory. Rates divided by
// it can be compared between machines, roughly, and between moments of a shared one.
func Calibrate() float64 {
	const tries, rounds = 5, 200_000
	walk := make([]uint32, 1<<16)
	for i := range walk {
		walk[i] = uint32(i*40503+12345) & (1<<16 - 1)
	}
	from, to := make([]byte, 256), make([]byte, 256)
	best := 0.0
	for range tries {
		start := time.Now()
		var h, at uint32 = 2166136261, 0
		for i := range rounds {
			for _, c := range from[:64] {
				h = (h ^ uint32(c)) * 16777619
			}
			copy(to, from)
			at = walk[at^(h&0xff)]
			to[i&255] = byte(at)
			from, to = to, from
		}
		best = max(best, rounds/time.Since(start).Seconds())
	}
	return best
}

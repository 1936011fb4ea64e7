package probe

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
)

// OpenFiles says how many files a process has open, and how many it may have: its hard limit, which
// servers in Go raise their own limit to.
func OpenFiles(pid int) (open, most int, err error) {
	list, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		return 0, 0, err
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", pid))
	if err != nil {
		return 0, 0, err
	}
	for line := range bytes.Lines(text) {
		rest, ok := bytes.CutPrefix(line, []byte("Max open files"))
		if fields := bytes.Fields(rest); ok && len(fields) >= 2 {
			if most, err = strconv.Atoi(string(fields[1])); err != nil {
				return 0, 0, fmt.Errorf("/proc/%d/limits: %w", pid, err)
			}
			return len(list), most, nil
		}
	}
	return 0, 0, fmt.Errorf("/proc/%d/limits does not say how many files may be open", pid)
}

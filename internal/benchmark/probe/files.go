package probe

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// spareFiles are those that a process has open beside its connections.
const spareFiles = 100

// Files lets this process open so many connections. The error says which limit forbids it.
func Files(connections int) error {
	need := uint64(connections + spareFiles)
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
		return fmt.Errorf("reading the limit of open files: %w", err)
	}
	if l.Cur >= need {
		return nil
	}
	if l.Max < need {
		return fmt.Errorf("%d connections need %d open files, and this process may have %d: "+
			"raise its hard limit (ulimit -Hn %d, as root)", connections, need, l.Max, need)
	}
	l.Cur = l.Max
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
		return fmt.Errorf("raising the limit of open files to %d: %w", l.Max, err)
	}
	return nil
}

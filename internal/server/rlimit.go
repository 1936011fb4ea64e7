package server

import "golang.org/x/sys/unix"

// spareFiles are descriptors that connections can't have: listeners, pollers, files of the
// journal, the copies made while a connection changes lanes, and those being refused.
const spareFiles = 64 + maxRefusals

// raiseFileLimit makes room for connections and says how many there is room for.
func raiseFileLimit(connections int) int {
	var lim unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &lim) != nil {
		return connections
	}
	want := uint64(connections + spareFiles)
	if lim.Cur >= want {
		return connections
	}
	bigger := unix.Rlimit{Cur: want, Max: max(lim.Max, want)}
	if unix.Setrlimit(unix.RLIMIT_NOFILE, &bigger) == nil {
		return connections
	}
	bigger = unix.Rlimit{Cur: min(want, lim.Max), Max: lim.Max}
	if unix.Setrlimit(unix.RLIMIT_NOFILE, &bigger) == nil {
		lim.Cur = bigger.Cur
	}
	return max(1, min(connections, int(lim.Cur)-spareFiles))
}

// waiting is the number of bytes the kernel holds for fd.
func waiting(fd int) int {
	n, err := unix.IoctlGetInt(fd, inputWaiting)
	if err != nil {
		return 0
	}
	return n
}

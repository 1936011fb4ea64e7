package slab

import (
	"math"

	"golang.org/x/sys/unix"
)

func adviseHuge(b []byte) { _ = unix.Madvise(b, unix.MADV_HUGEPAGE) }

// adviseSmall keeps memory in small pages where the system makes huge ones of all it can.
func adviseSmall(b []byte) { _ = unix.Madvise(b, unix.MADV_NOHUGEPAGE) }

func collapseHuge(b []byte) bool {
	adviseHuge(b)
	return unix.Madvise(b, unix.MADV_COLLAPSE) == nil // since Linux 6.1
}

// spaceLimit is the limit on the process' address space (ulimit -v) in bytes.
func spaceLimit() int64 {
	var r unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_AS, &r) != nil || r.Cur > math.MaxInt64 {
		return math.MaxInt64
	}
	return int64(r.Cur)
}

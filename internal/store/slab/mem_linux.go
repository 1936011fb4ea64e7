package slab

import "golang.org/x/sys/unix"

func adviseHuge(b []byte) { _ = unix.Madvise(b, unix.MADV_HUGEPAGE) }

// adviseSmall keeps memory in small pages where the system makes huge ones of all it can.
func adviseSmall(b []byte) { _ = unix.Madvise(b, unix.MADV_NOHUGEPAGE) }

func collapseHuge(b []byte) bool {
	adviseHuge(b)
	return unix.Madvise(b, unix.MADV_COLLAPSE) == nil // since Linux 6.1
}

package vfs

import (
	"os"

	"golang.org/x/sys/unix"
)

// fdatasync leaves out the time stamps, and so the write of the inode, when only bytes changed.
func fdatasync(f *os.File) error {
	for {
		if err := unix.Fdatasync(int(f.Fd())); err != unix.EINTR {
			return os.NewSyscallError("fdatasync", err)
		}
	}
}

// fallocate makes f so long, with blocks that read as zeros.
func fallocate(f *os.File, size int64) error {
	for {
		if err := unix.Fallocate(int(f.Fd()), 0, 0, size); err != unix.EINTR {
			return os.NewSyscallError("fallocate", err)
		}
	}
}

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

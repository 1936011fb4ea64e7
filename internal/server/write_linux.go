package server

import (
	"errors"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// inputWaiting asks how much unread input a socket has.
const inputWaiting = unix.TIOCINQ

// rawBytes is how much a write may copy without telling Go's scheduler: a write to a
// non-blocking socket returns at once, and the notice costs more than a small copy.
const rawBytes = 64 << 10

// writeSocket writes b, which is not empty, to a non-blocking socket.
func writeSocket(fd int, b []byte) (int, error) {
	if len(b) > rawBytes {
		return unix.Write(fd, b)
	}
	return rawTransfer(syscall.SYS_WRITE, fd, b)
}

// rawTransfer reads or writes b without telling Go's scheduler, again when a signal interrupts it.
func rawTransfer(call uintptr, fd int, b []byte) (int, error) {
	for {
		n, _, errno := syscall.RawSyscall(call, uintptr(fd),
			uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
		switch errno {
		case 0:
			return int(n), nil
		case syscall.EINTR:
		default:
			return 0, errno
		}
	}
}

// writevSocket gathers segs, at most 1024, into one write.
func writevSocket(fd int, segs [][]byte) (int, error) {
	for {
		n, err := unix.Writev(fd, segs[:min(len(segs), 1024)])
		if !errors.Is(err, unix.EINTR) {
			return n, err
		}
	}
}

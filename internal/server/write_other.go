//go:build unix && !linux

package server

import "golang.org/x/sys/unix"

// inputWaiting asks how much unread input a socket has.
const inputWaiting = 0x4004667f

// writeSocket writes b, which is not empty, to a non-blocking socket.
func writeSocket(fd int, b []byte) (int, error) { return unix.Write(fd, b) }

// writevSocket writes the first segments; the caller's backlog takes the rest.
func writevSocket(fd int, segs [][]byte) (int, error) {
	total := 0
	for _, s := range segs {
		n, err := unix.Write(fd, s)
		if n > 0 {
			total += n
		}
		if err != nil || n < len(s) {
			return total, err
		}
	}
	return total, nil
}

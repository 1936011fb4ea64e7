// Package process reads what the kernel knows of a process that is measured.
package process

import (
	"time"

	"github.com/synapdb/synap/internal/benchmark/probe"
)

// CPU is the user and system time of a process so far, in the kernel's ticks of 10 ms. 0 without
// a process.
func CPU(pid int) (time.Duration, error) {
	if pid == 0 {
		return 0, nil
	}
	return probe.CPU(pid)
}

// Resident is the memory of a process in bytes, once it has stopped to change.
func Resident(pid int) (int64, error) {
	last := int64(-1)
	for range 100 {
		now, err := probe.Resident(pid)
		if err != nil {
			return 0, err
		}
		if now == last {
			break
		}
		last = now
		time.Sleep(300 * time.Millisecond)
	}
	return last, nil
}

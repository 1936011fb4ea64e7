package probe

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// Here says whether a host name or address means this machine.
func Here(host string) bool {
	ips, err := net.LookupIP(host)
	if err != nil {
		return false
	}
	own, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	for _, ip := range ips {
		if ip.IsLoopback() {
			return true
		}
		for _, a := range own {
			if n, ok := a.(*net.IPNet); ok && n.IP.Equal(ip) {
				return true
			}
		}
	}
	return false
}

// Runs says whether the process of that id executes that program. The id may come from a container,
// where other numbers hold.
func Runs(pid int, program string) bool {
	if pid <= 0 || program == "" {
		return false
	}
	if exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid)); err == nil {
		return exe == program
	}
	// The link is only for the process's own user. Names are cut to 15 bytes.
	name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	base := filepath.Base(program)
	return err == nil && strings.TrimSpace(string(name)) == base[:min(len(base), 15)]
}

// Cores is how many this process may use: what the scheduler allows it, and GOMAXPROCS, which
// knows the quota of a container.
func Cores() int {
	n := runtime.GOMAXPROCS(0)
	var set unix.CPUSet
	if unix.SchedGetaffinity(0, &set) == nil {
		n = min(n, set.Count())
	}
	return n
}

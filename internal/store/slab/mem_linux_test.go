package slab

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"testing"
)

// flagsOf is how the kernel describes the pages at address p.
func flagsOf(t *testing.T, p uintptr) string {
	f, err := os.Open("/proc/self/smaps")
	if err != nil {
		t.Skip(err)
	}
	defer f.Close()
	inside := false
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var from, to uintptr
		if n, _ := fmt.Sscanf(lines.Text(), "%x-%x ", &from, &to); n == 2 {
			inside = from <= p && p < to
		}
		if flags, ok := strings.CutPrefix(lines.Text(), "VmFlags:"); ok && inside {
			return flags + " "
		}
	}
	return ""
}

// Where huge pages are always on, each shard of an empty store would hold some otherwise.
func TestOnlyFullChunksBecomeHuge(t *testing.T) {
	a := newArena(t)
	first := a.Alloc(100)
	flags := flagsOf(t, uintptr(a.Ptr(first)))
	if flags == "" {
		t.Skip("the system does not describe its pages")
	}
	if !strings.Contains(flags, " nh ") {
		t.Errorf("the first block lies in pages with flags%s", flags)
	}
	for range chunkBytes / 100 {
		a.Alloc(100)
	}
	if flags := flagsOf(t, uintptr(a.Ptr(first))); !strings.Contains(flags, " hg ") {
		t.Errorf("a full chunk has flags%s", flags)
	}
}

package vfs

import (
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
)

// Crash is the loss of power and the start after it. Of the pages and names that were not
// synced each survives with the probability keep, on its own: 0 forgets all of them, 1 none,
// which is what the end of the process alone does. Between the two, writes are torn at pages of
// 512 bytes to 4 KiB and seem to have come in any order. Open files stay unusable, locks are
// free, and planned failures are forgotten.
func (m *Memory) Crash(keep float64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	page := 1 << m.mu.rand.IntN(4) // sectors
	for _, change := range m.mu.pending {
		if m.mu.rand.Float64() < keep {
			m.settle(change)
		}
	}
	m.mu.pending, m.mu.names = nil, maps.Clone(m.mu.durable)
	m.mu.used = 0
	for _, path := range slices.Sorted(maps.Keys(m.mu.names)) { // sorted: the seed decides all
		m.crashFile(m.mu.names[path], keep, page)
		m.mu.used += int64(len(m.mu.names[path].data))
	}
	m.mu.life++
	m.mu.cut, m.mu.cutIn, m.mu.failWrite, m.mu.failSync = false, 0, 0, 0
	clear(m.mu.locks)
}

func (m *Memory) crashFile(n *inode, keep float64, page int) {
	if len(n.data) != len(n.durable) && m.mu.rand.Float64() < keep {
		n.fitDurable(len(n.data))
	}
	last, kept := -1, false
	for _, sector := range slices.Sorted(maps.Keys(n.dirty)) {
		if sector/page != last {
			last, kept = sector/page, m.mu.rand.Float64() < keep
		}
		if kept {
			n.keep(sector)
		}
	}
	clear(n.dirty)
	n.data = slices.Clone(n.durable)
}

// CutAfter cuts the power at the n-th call from now that writes, syncs or changes names; 1 is the
// next, 0 never. That call and all after it fail with ErrPowerCut until Crash. A write in which
// the power is cut may have written some of its bytes.
func (m *Memory) CutAfter(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mu.cutIn = n
}

// FailWrite makes the n-th WriteAt from now fail after some of its bytes; 0 cancels that.
func (m *Memory) FailWrite(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mu.failWrite = n
}

// FailSync makes the n-th Sync of a file from now fail; 0 cancels that. What that Sync should
// have made durable never becomes so unless it is written again.
func (m *Memory) FailSync(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mu.failSync = n
}

// Limit sets the space for all files together, in bytes; 0 is no limit. What is over it already
// stays.
func (m *Memory) Limit(bytes int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mu.limit = bytes
}

// Used is the space that all files take, in bytes.
func (m *Memory) Used() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.mu.used
}

// Syncs counts the calls of File.Sync so far.
func (m *Memory) Syncs() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.mu.syncs
}

// FlipBit turns one bit of a file over, durably, as a failing disk does. bit is 0 to 7.
func (m *Memory) FlipBit(path string, offset int64, bit uint) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	path = filepath.Clean(path)
	node := m.mu.names[path]
	if node == nil || offset < 0 || offset >= int64(len(node.data)) {
		return failure("flip", path, fs.ErrNotExist)
	}
	node.data[offset] ^= 1 << (bit & 7)
	if offset < int64(len(node.durable)) {
		node.durable[offset] ^= 1 << (bit & 7)
	}
	return nil
}

// Clone copies the files as they are, synced, into a new file system with a seed of its own.
func (m *Memory) Clone(seed uint64) *Memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := NewMemory(seed)
	c.mu.dirs = maps.Clone(m.mu.dirs)
	for path, node := range m.mu.names {
		c.mu.names[path] = &inode{data: slices.Clone(node.data), durable: slices.Clone(node.data),
			dirty: map[int]struct{}{}}
	}
	c.mu.durable = maps.Clone(c.mu.names)
	c.mu.used, c.mu.limit = m.mu.used, m.mu.limit
	return c
}

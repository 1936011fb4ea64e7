package vfs

import (
	"io"
	"io/fs"
	"syscall"
)

type memoryFile struct {
	fs    *Memory
	node  *inode
	path  string
	write bool
	life  int
}

// enter takes the lock and says whether the file may still be used.
func (f *memoryFile) enter(op string) error {
	f.fs.mu.Lock()
	switch {
	case f.node == nil:
		return failure(op, f.path, fs.ErrClosed)
	case f.fs.mu.cut, f.life != f.fs.mu.life:
		return failure(op, f.path, ErrPowerCut)
	case op != "read" && op != "sync" && !f.write:
		return failure(op, f.path, fs.ErrPermission)
	}
	return nil
}

func (f *memoryFile) ReadAt(p []byte, off int64) (int, error) {
	err := f.enter("read")
	defer f.fs.mu.Unlock()
	if err != nil {
		return 0, err
	}
	if off >= int64(len(f.node.data)) {
		return 0, io.EOF
	}
	n := copy(p, f.node.data[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// WriteAt may be cut short by a power cut or an injected failure: what it wrote by then is
// unsynced as any other write.
func (f *memoryFile) WriteAt(p []byte, off int64) (int, error) {
	err := f.enter("write")
	defer f.fs.mu.Unlock()
	if err != nil {
		return 0, err
	}
	m := f.fs
	err = m.step("write", f.path)
	if err == nil && countDown(&m.mu.failWrite) {
		err = failure("write", f.path, syscall.EIO)
	}
	if err != nil {
		p = p[:m.mu.rand.IntN(len(p)+1)]
	}
	if full := m.grow(f.node, off+int64(len(p))); full != nil {
		return 0, failure("write", f.path, full)
	}
	copy(f.node.data[off:], p)
	f.node.touch(off, int64(len(p)))
	return len(p), err
}

func (f *memoryFile) Size() (int64, error) {
	err := f.enter("read")
	defer f.fs.mu.Unlock()
	if err != nil {
		return 0, err
	}
	return int64(len(f.node.data)), nil
}

func (f *memoryFile) Allocate(size int64) error {
	err := f.enter("allocate")
	defer f.fs.mu.Unlock()
	if err == nil {
		err = f.fs.step("allocate", f.path)
	}
	if err != nil {
		return err
	}
	if err := f.fs.grow(f.node, size); err != nil {
		return failure("allocate", f.path, err)
	}
	return nil
}

func (f *memoryFile) Reserve(size int64) error { return f.Allocate(size) }

func (f *memoryFile) Truncate(size int64) error {
	err := f.enter("truncate")
	defer f.fs.mu.Unlock()
	if err == nil {
		err = f.fs.step("truncate", f.path)
	}
	if err == nil {
		if err = f.fs.grow(f.node, size); err == nil {
			f.fs.resize(f.node, size)
		}
	}
	return err
}

// Sync makes the bytes durable. When it fails the disk forgets that they ought to be: the next
// Sync succeeds without them, as on Linux.
func (f *memoryFile) Sync() error {
	err := f.enter("sync")
	defer f.fs.mu.Unlock()
	if err == nil {
		err = f.fs.step("sync", f.path)
	}
	if err != nil {
		return err
	}
	f.fs.mu.syncs++
	if countDown(&f.fs.mu.failSync) {
		clear(f.node.dirty)
		return failure("sync", f.path, syscall.EIO)
	}
	f.node.sync()
	return nil
}

func (f *memoryFile) Close() error {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if f.node == nil {
		return failure("close", f.path, fs.ErrClosed)
	}
	f.node = nil
	return nil
}

// countDown says whether a counter reaches zero by this call.
func countDown(n *int) bool {
	if *n == 0 {
		return false
	}
	*n--
	return *n == 0
}

// grow makes the file at least size bytes long, if there is space.
func (m *Memory) grow(n *inode, size int64) error {
	more := size - int64(len(n.data))
	if more <= 0 {
		return nil
	}
	if m.mu.limit > 0 && m.mu.used+more > m.mu.limit {
		return syscall.ENOSPC
	}
	m.resize(n, size)
	return nil
}

// resize sets the length; what is new reads as zeros and is unsynced.
func (m *Memory) resize(n *inode, size int64) {
	old := int64(len(n.data))
	m.mu.used += size - old
	if size <= old {
		n.data = n.data[:size:size]
		return
	}
	n.data = append(n.data, make([]byte, size-old)...)
	n.touch(old, size-old)
}

func (n *inode) touch(off, length int64) {
	for at := off / sectorBytes; at*sectorBytes < off+length; at++ {
		n.dirty[int(at)] = struct{}{}
	}
}

func (n *inode) sync() {
	n.fitDurable(len(n.data))
	for sector := range n.dirty {
		n.keep(sector)
	}
	clear(n.dirty)
}

// keep makes one sector durable, as far as the durable length reaches.
func (n *inode) keep(sector int) {
	from := sector * sectorBytes
	to := min(from+sectorBytes, len(n.data), len(n.durable))
	if from < to {
		copy(n.durable[from:to], n.data[from:to])
	}
}

func (n *inode) fitDurable(size int) {
	if size <= len(n.durable) {
		n.durable = n.durable[:size:size]
		return
	}
	n.durable = append(n.durable, make([]byte, size-len(n.durable))...)
}

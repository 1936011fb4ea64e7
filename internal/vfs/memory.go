package vfs

import (
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
)

// sectorBytes is what a disk writes whole or not at all.
const sectorBytes = 512

// ErrPowerCut is what every call returns between a power cut and Crash, and what calls on files
// opened before a Crash return after it.
var ErrPowerCut = errors.New("the power is cut")

// Memory is a file system in memory that behaves as badly as a machine may. What was not synced
// is forgotten by Crash: bytes since the file's last Sync, names since the directory's last
// SyncDir. The same seed and the same calls give the same losses. It is safe for concurrent use.
type Memory struct {
	mu struct {
		sync.Mutex
		rand    *rand.Rand
		dirs    map[string]bool
		names   map[string]*inode
		durable map[string]*inode // the names that survive
		pending []nameChange      // from durable to names, oldest first
		locks   map[string]bool
		used    int64
		limit   int64 // 0 is none
		life    int   // counts crashes, so that older open files are known
		cut     bool

		cutIn, failWrite, failSync int // calls until it happens; 0 is never
		syncs                      int
	}
}

// inode is a file beside its names. durable is what a Sync has reached, dirty the sectors in
// which data differs from it as far as the disk knows.
type inode struct {
	data, durable []byte
	dirty         map[int]struct{}
}

// nameChange gives node the name to, unless that is empty, and takes the name from away.
type nameChange struct {
	from, to string
	node     *inode
}

// NewMemory makes an empty file system whose losses follow from seed.
func NewMemory(seed uint64) *Memory {
	m := new(Memory)
	m.mu.rand = rand.New(rand.NewPCG(seed, 0x53796e6170))
	m.mu.dirs = map[string]bool{".": true, "/": true}
	m.mu.names, m.mu.durable = map[string]*inode{}, map[string]*inode{}
	m.mu.locks = map[string]bool{}
	return m
}

// Open opens an existing file for reading.
func (m *Memory) Open(path string) (File, error) { return m.open("open", path, false) }

// OpenRW opens an existing file for reading and writing.
func (m *Memory) OpenRW(path string) (File, error) { return m.open("open", path, true) }

func (m *Memory) open(op, path string, write bool) (File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	path = filepath.Clean(path)
	if m.mu.cut {
		return nil, failure(op, path, ErrPowerCut)
	}
	node := m.mu.names[path]
	if node == nil {
		return nil, failure(op, path, fs.ErrNotExist)
	}
	return &memoryFile{fs: m, node: node, path: path, write: write, life: m.mu.life}, nil
}

// Create makes a file, or empties the one that is there.
func (m *Memory) Create(path string) (File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	path = filepath.Clean(path)
	if !m.mu.dirs[filepath.Dir(path)] {
		return nil, failure("create", path, fs.ErrNotExist)
	}
	if err := m.step("create", path); err != nil {
		return nil, err
	}
	node := m.mu.names[path]
	if node == nil {
		node = &inode{dirty: map[int]struct{}{}}
		m.mu.names[path] = node
		m.mu.pending = append(m.mu.pending, nameChange{to: path, node: node})
	}
	m.resize(node, 0)
	return &memoryFile{fs: m, node: node, path: path, write: true, life: m.mu.life}, nil
}

// Rename gives a file another name.
func (m *Memory) Rename(old, new string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	old, new = filepath.Clean(old), filepath.Clean(new)
	node := m.mu.names[old]
	if node == nil || !m.mu.dirs[filepath.Dir(new)] {
		return failure("rename", old, fs.ErrNotExist)
	}
	if err := m.step("rename", old); err != nil {
		return err
	}
	if replaced := m.mu.names[new]; replaced != nil && replaced != node {
		m.mu.used -= int64(len(replaced.data))
	}
	delete(m.mu.names, old)
	m.mu.names[new] = node
	m.mu.pending = append(m.mu.pending, nameChange{from: old, to: new, node: node})
	return nil
}

// Remove removes a file or an empty directory.
func (m *Memory) Remove(path string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	path = filepath.Clean(path)
	node := m.mu.names[path]
	if node == nil && !m.mu.dirs[path] {
		return failure("remove", path, fs.ErrNotExist)
	}
	if node == nil && len(m.list(path)) > 0 {
		return failure("remove", path, syscall.ENOTEMPTY)
	}
	if err := m.step("remove", path); err != nil {
		return err
	}
	if node == nil {
		delete(m.mu.dirs, path)
		return nil
	}
	m.mu.used -= int64(len(node.data))
	delete(m.mu.names, path)
	m.mu.pending = append(m.mu.pending, nameChange{from: path})
	return nil
}

// List yields the names in a directory, sorted.
func (m *Memory) List(dir string) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	dir = filepath.Clean(dir)
	if m.mu.cut {
		return nil, failure("list", dir, ErrPowerCut)
	}
	if !m.mu.dirs[dir] {
		return nil, failure("list", dir, fs.ErrNotExist)
	}
	return m.list(dir), nil
}

func (m *Memory) list(dir string) (names []string) {
	for path := range m.mu.names {
		if filepath.Dir(path) == dir {
			names = append(names, filepath.Base(path))
		}
	}
	for path := range m.mu.dirs {
		if filepath.Dir(path) == dir && path != dir {
			names = append(names, filepath.Base(path))
		}
	}
	slices.Sort(names)
	return names
}

// MkdirAll makes a directory and what is missing above it, durably.
func (m *Memory) MkdirAll(dir string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	dir = filepath.Clean(dir)
	if m.mu.dirs[dir] {
		return nil
	}
	if err := m.step("mkdir", dir); err != nil {
		return err
	}
	for ; !m.mu.dirs[dir]; dir = filepath.Dir(dir) {
		m.mu.dirs[dir] = true
	}
	return nil
}

// SyncDir makes the names in a directory durable.
func (m *Memory) SyncDir(dir string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	dir = filepath.Clean(dir)
	if err := m.step("sync", dir); err != nil {
		return err
	}
	m.mu.pending = slices.DeleteFunc(m.mu.pending, func(c nameChange) bool {
		inside := filepath.Dir(c.from) == dir && c.from != "" ||
			filepath.Dir(c.to) == dir && c.to != ""
		if inside {
			m.settle(c)
		}
		return inside
	})
	return nil
}

// settle makes a change of names durable.
func (m *Memory) settle(c nameChange) {
	if c.from != "" {
		delete(m.mu.durable, c.from)
	}
	if c.to != "" {
		m.mu.durable[c.to] = c.node
	}
}

// Lock takes the lock file at path.
func (m *Memory) Lock(path string) (io.Closer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	path = filepath.Clean(path)
	if !m.mu.dirs[filepath.Dir(path)] {
		return nil, failure("lock", path, fs.ErrNotExist)
	}
	if m.mu.locks[path] {
		return nil, failure("lock", path, ErrLocked)
	}
	m.mu.locks[path] = true
	if m.mu.names[path] == nil {
		node := &inode{dirty: map[int]struct{}{}}
		m.mu.names[path] = node
		m.mu.pending = append(m.mu.pending, nameChange{to: path, node: node})
	}
	return &memoryLock{fs: m, path: path, life: m.mu.life}, nil
}

type memoryLock struct {
	fs   *Memory
	path string
	life int
}

func (l *memoryLock) Close() error {
	l.fs.mu.Lock()
	defer l.fs.mu.Unlock()
	if l.life == l.fs.mu.life {
		delete(l.fs.mu.locks, l.path)
	}
	return nil
}

// step counts a call that changes something, and is the place where the power is cut. The call
// in which that happens may still take effect: the caller of step decides.
func (m *Memory) step(op, path string) error {
	if m.mu.cut {
		return failure(op, path, ErrPowerCut)
	}
	if m.mu.cutIn > 0 {
		if m.mu.cutIn--; m.mu.cutIn == 0 {
			m.mu.cut = true
			return failure(op, path, ErrPowerCut)
		}
	}
	return nil
}

func failure(op, path string, err error) error {
	return &fs.PathError{Op: op, Path: path, Err: err}
}

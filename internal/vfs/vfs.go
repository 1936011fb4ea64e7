// Package vfs is the file layer of everything that must survive, behind one interface.
//
// Receives: paths, offsets and bytes.
// Hands on: files of the machine (OS), or files in memory that forget, tear, fill up and fail
// on command (Memory).
// Never does: know what the bytes mean, retry, or hide a failure.
package vfs

import (
	"errors"
	"io"
	"syscall"
)

// FS is a tree of files. Its methods are safe for concurrent use. An absent file or directory is
// an error for which errors.Is(err, fs.ErrNotExist) holds.
type FS interface {
	// Open opens an existing file for reading.
	Open(path string) (File, error)
	// OpenRW opens an existing file for reading and writing.
	OpenRW(path string) (File, error)
	// Create makes a file, or empties the one that is there, and opens it for reading and
	// writing. The name survives a power cut only after SyncDir.
	Create(path string) (File, error)
	// Rename gives a file another name in place of whatever has that name. It survives a power
	// cut only after SyncDir, and then never half.
	Rename(old, new string) error
	// Remove removes a file or an empty directory.
	Remove(path string) error
	// List yields the names in a directory, sorted, without the directory's own path.
	List(dir string) ([]string, error)
	// MkdirAll makes a directory and what is missing above it, readable by the owner only, and
	// makes the names of the new ones durable.
	MkdirAll(dir string) error
	// SyncDir makes the names in a directory durable.
	SyncDir(dir string) error
	// Lock takes the lock file at path, making it if it is absent, until Close or the end of the
	// process. ErrLocked says that somebody else holds it.
	Lock(path string) (io.Closer, error)
}

// File is an open file. Reads and writes at different places may run at the same time, and with
// Sync; Close may not run beside any of them.
type File interface {
	io.ReaderAt
	io.WriterAt
	// Size is the length in bytes.
	Size() (int64, error)
	// Allocate makes the file at least size bytes long. What is new reads as zeros and has its
	// room on the disk: writing there never fails for want of space. It is not synced.
	Allocate(size int64) error
	// Reserve is Allocate without writing zeros where the file system can do that. It takes next
	// to no time, but every first Sync of a reserved block writes the file's map of blocks, too.
	Reserve(size int64) error
	// Truncate sets the length in bytes.
	Truncate(size int64) error
	// Sync returns when every byte written before the call, and the length, survive a power cut.
	// After a failed Sync nothing is known about them, and calling it again proves nothing.
	Sync() error
	// Close gives the file back without syncing it.
	Close() error
}

// ErrLocked says that another process holds a lock file.
var ErrLocked = errors.New("locked by another process")

// NoSpace says whether err means that the disk, or the user's share of it, is full.
func NoSpace(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

package snapshot

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/synapdb/synap/internal/vfs"
)

// Reader reads one snapshot. Next may be called by several goroutines at once.
type Reader struct {
	path    string
	file    vfs.File
	meta    Meta
	salt    uint32
	entries uint64
	blocks  uint64
	until   uint64
	footer  int64 // where it begins

	mu struct {
		sync.Mutex
		offset int64 // of the next block
		blocks uint64
	}
}

// Open opens a snapshot and checks its beginning and end; the blocks are checked as they are read.
// What is wrong with the file is a *DamageError.
func Open(fs vfs.FS, path string) (*Reader, error) {
	file, err := fs.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open snapshot: %w", err)
	}
	r := &Reader{path: path, file: file}
	if err := r.ends(); err != nil {
		_ = file.Close()
		return nil, err
	}
	r.mu.offset = headerBytes
	return r, nil
}

// ends reads header and footer.
func (r *Reader) ends() error {
	size, err := r.file.Size()
	if err != nil {
		return fmt.Errorf("open snapshot: %w", err)
	}
	if size < headerBytes+footerBytes {
		return r.damage(size, "it is cut off")
	}
	header, footer := make([]byte, headerBytes), make([]byte, footerBytes)
	r.footer = size - footerBytes
	if err := r.readAt(header, 0); err != nil {
		return err
	}
	if reason := r.meta.decode(header); reason != "" {
		return r.damage(0, reason)
	}
	r.salt = binary.LittleEndian.Uint32(header[60:])
	if err := r.readAt(footer, r.footer); err != nil {
		return err
	}
	length, counts := binary.LittleEndian.Uint32(footer), footer[blockBytes:]
	if crc := binary.LittleEndian.Uint32(footer[4:]); length != 0 ||
		crc != checksum(r.salt, r.footer, 0, counts) {
		return r.damage(r.footer, "it does not end as it should: cut off, or changed there")
	}
	r.entries = binary.LittleEndian.Uint64(counts)
	r.blocks = binary.LittleEndian.Uint64(counts[8:])
	r.until = binary.LittleEndian.Uint64(counts[16:])
	return nil
}

func (r *Reader) damage(offset int64, reason string) error {
	return &DamageError{Path: r.path, Offset: offset, Reason: reason}
}

func (r *Reader) readAt(b []byte, offset int64) error {
	if n, err := r.file.ReadAt(b, offset); n < len(b) {
		if errors.Is(err, io.EOF) {
			return r.damage(offset+int64(n), "it is cut off")
		}
		return fmt.Errorf("read snapshot %s at byte %d: %w", r.path, offset, err)
	}
	return nil
}

// Meta is what the snapshot says of itself.
func (r *Reader) Meta() Meta { return r.meta }

// Entries is the number of entries in all blocks.
func (r *Reader) Entries() uint64 { return r.entries }

// Until is the LSN up to which the journal must reach for the entries to be of use; 0 if
// Writer.Until was not called.
func (r *Reader) Until() uint64 { return r.until }

// Size is the size of the file in bytes, and Done how much of it was read: for progress.
func (r *Reader) Size() int64 { return r.footer + footerBytes }

// Done is how many bytes Next has handed out.
func (r *Reader) Done() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.mu.offset
}

// Next reads the next block into dst, or into new memory where that is too small, and checks it.
// After the last one, if that was all that was written, the error is io.EOF. With several
// callers a *DamageError may come to one of them while others get io.EOF.
func (r *Reader) Next(dst []byte) ([]byte, error) {
	offset, length, crc, err := r.claim()
	if err != nil {
		return dst[:0], err
	}
	dst = slices.Grow(dst[:0], int(length))[:length]
	if err := r.readAt(dst, offset+blockBytes); err != nil {
		return dst[:0], err
	}
	if crc != checksum(r.salt, offset, length, dst) {
		return dst[:0], r.damage(offset, "the checksum of a block is wrong")
	}
	return dst, nil
}

// claim takes the next block for the caller.
func (r *Reader) claim() (offset int64, length, crc uint32, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	offset = r.mu.offset
	if offset == r.footer {
		if r.mu.blocks != r.blocks {
			return 0, 0, 0, r.damage(offset, fmt.Sprintf("it has %d blocks, should have %d",
				r.mu.blocks, r.blocks))
		}
		return 0, 0, 0, io.EOF
	}
	var head [blockBytes]byte
	if err := r.readAt(head[:], offset); err != nil {
		return 0, 0, 0, err
	}
	length = binary.LittleEndian.Uint32(head[:])
	if length == 0 || length > MaxBlock || offset+blockBytes+int64(length) > r.footer {
		return 0, 0, 0, r.damage(offset, "the length of a block is wrong")
	}
	r.mu.offset = offset + blockBytes + int64(length)
	r.mu.blocks++
	return offset, length, binary.LittleEndian.Uint32(head[4:]), nil
}

// Close closes the file.
func (r *Reader) Close() error { return r.file.Close() }

// Verify reads a whole snapshot and says what it is, or what is wrong with it.
func Verify(fs vfs.FS, path string) (m Meta, entries uint64, err error) {
	r, err := Open(fs, path)
	if err != nil {
		return Meta{}, 0, err
	}
	defer func() { _ = r.Close() }()
	for b := []byte(nil); err == nil; {
		b, err = r.Next(b)
	}
	if !errors.Is(err, io.EOF) {
		return Meta{}, 0, err
	}
	return r.meta, r.entries, nil
}

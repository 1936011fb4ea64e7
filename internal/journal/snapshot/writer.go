package snapshot

import (
	"encoding/binary"
	"fmt"

	"github.com/synapdb/synap/internal/vfs"
)

const (
	bufferBytes = 1 << 20
	// syncBytes is how much is written between two syncs. One sync of everything at the end would
	// be longer, and the journal's own syncs wait for it.
	syncBytes = 8 << 20
)

// Writer writes one snapshot. Not safe for concurrent use. It ends with Finish or Abort.
type Writer struct {
	fs        vfs.FS
	file      vfs.File
	dir, path string
	salt      uint32
	buffer    []byte // written at offset
	offset    int64
	unsynced  int64
	blocks    uint64
	until     uint64
	failed    error
}

// Create begins a snapshot in dir, under a temporary name, which replaces what an interrupted
// one left.
func Create(fs vfs.FS, dir string, m Meta) (*Writer, error) {
	w := &Writer{fs: fs, dir: dir, path: pathOf(dir, m.Begin)}
	file, err := fs.Create(w.path + temporary)
	if err != nil {
		return nil, fmt.Errorf("create snapshot: %w", err)
	}
	w.file = file
	header := m.encode()
	w.salt = binary.LittleEndian.Uint32(header[60:])
	w.buffer = append(make([]byte, 0, bufferBytes), header...)
	return w, nil
}

// Bytes is the size of the snapshot so far.
func (w *Writer) Bytes() int64 { return w.offset + int64(len(w.buffer)) }

// Block adds a block of 1 to MaxBlock bytes and keeps nothing of payload. After an error the
// snapshot can only be aborted.
func (w *Writer) Block(payload []byte) error {
	if len(payload) == 0 || len(payload) > MaxBlock {
		return fmt.Errorf("a block of %d bytes", len(payload))
	}
	w.blocks++
	w.head(uint32(len(payload)), payload)
	return w.body(payload)
}

// head puts what comes before a payload into the buffer.
func (w *Writer) head(length uint32, payload []byte) {
	crc := checksum(w.salt, w.Bytes(), length, payload)
	w.buffer = binary.LittleEndian.AppendUint32(w.buffer, length)
	w.buffer = binary.LittleEndian.AppendUint32(w.buffer, crc)
}

// body writes a payload: through the buffer if it fits, else without a copy.
func (w *Writer) body(payload []byte) error {
	if len(w.buffer)+len(payload) <= bufferBytes-blockBytes {
		w.buffer = append(w.buffer, payload...)
		return w.failed
	}
	w.write(w.buffer)
	w.buffer = w.buffer[:0]
	w.write(payload)
	return w.failed
}

func (w *Writer) write(b []byte) {
	if w.failed != nil {
		return
	}
	if _, err := w.file.WriteAt(b, w.offset); err != nil {
		w.failed = fmt.Errorf("write snapshot: %w", err)
		return
	}
	w.offset += int64(len(b))
	if w.unsynced += int64(len(b)); w.unsynced >= syncBytes {
		w.sync()
	}
}

func (w *Writer) sync() {
	if w.failed != nil {
		return
	}
	if err := w.file.Sync(); err != nil {
		w.failed = fmt.Errorf("sync snapshot: %w", err)
	}
	w.unsynced = 0
}

// Until says that the entries may hold changes of records up to LSN lsn, the journal's last one
// when they had been exported: without these the snapshot is of no moment there ever was.
// Call it before Finish.
func (w *Writer) Until(lsn uint64) { w.until = lsn }

// Finish completes the snapshot, which holds so many entries, and makes it the newest of its
// directory. When it fails there is no new snapshot, or, if only the directory could not be
// synced, perhaps none after a power cut.
func (w *Writer) Finish(entries uint64) error {
	var counts [footerBytes - blockBytes]byte
	binary.LittleEndian.PutUint64(counts[:], entries)
	binary.LittleEndian.PutUint64(counts[8:], w.blocks)
	binary.LittleEndian.PutUint64(counts[16:], w.until)
	w.head(0, counts[:])
	w.buffer = append(w.buffer, counts[:]...)
	w.write(w.buffer)
	w.sync()
	if w.failed != nil {
		w.Abort()
		return w.failed
	}
	err := w.file.Close()
	w.file = nil
	if err == nil {
		err = w.fs.Rename(w.path+temporary, w.path)
	}
	if err != nil {
		w.Abort()
		return fmt.Errorf("finish snapshot: %w", err)
	}
	if err := w.fs.SyncDir(w.dir); err != nil {
		return fmt.Errorf("sync the directory of snapshots: %w", err)
	}
	return nil
}

// Abort removes what was written. What can't be removed, Prune will.
func (w *Writer) Abort() {
	if w.file != nil {
		_ = w.file.Close()
	}
	_ = w.fs.Remove(w.path + temporary)
}

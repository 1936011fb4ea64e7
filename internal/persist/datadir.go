package persist

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/synapdb/synap/internal/vfs"
)

// FormatVersion is the version of the data directory that this program writes.
const FormatVersion = 1

const (
	lockName     = "LOCK"
	metaName     = "META.json"
	metaDraft    = "META.json.tmp"
	journalDir   = "journal"
	snapshotDir  = "snapshots"
	mostMeta     = 64 << 10
	idBytes      = 16
	segmentMark  = "journal-"
	snapshotMark = "snapshot-"
)

// Meta is what META.json says. It is written once, when the directory is made.
type Meta struct {
	Format int    `json:"format"`
	Node   string `json:"node"` // 32 hexadecimal digits, different for every directory
	// History names the sequence of changes that the journal continues: 32 hexadecimal digits.
	History string `json:"history"`
	// Seed is the seed of the store's hash: with it, keys return to the shards they came from.
	Seed uint64 `json:"hash_seed,string"`
	// Forgone is the number up to which Repair gave up records that a snapshot shows the work of.
	Forgone uint64 `json:"forgone,omitempty"`
}

// HistoryID is History as bytes.
func (m Meta) HistoryID() (id [idBytes]byte) {
	_, _ = hex.Decode(id[:], []byte(m.History)) // readMeta checked it
	return id
}

// dataDir is a locked data directory.
type dataDir struct {
	fs   vfs.FS
	path string
	meta Meta
	lock io.Closer
}

func (d *dataDir) journal() string   { return filepath.Join(d.path, journalDir) }
func (d *dataDir) snapshots() string { return filepath.Join(d.path, snapshotDir) }

// openDir locks a data directory, which it makes if there is none and create allows it.
func openDir(files vfs.FS, path string, create bool) (*dataDir, error) {
	d := &dataDir{fs: files, path: path}
	if create {
		for _, dir := range []string{path, d.journal(), d.snapshots()} {
			if err := files.MkdirAll(dir); err != nil {
				return nil, fmt.Errorf("the data directory %s could not be made: %w; "+
					"choose another with --data-dir, or run without one: --durability memory",
					path, err)
			}
		}
	} else if _, err := files.List(path); err != nil {
		return nil, fmt.Errorf("the data directory %s could not be read: %w; "+
			"name another with --data-dir", path, err)
	}
	lock, err := files.Lock(filepath.Join(path, lockName))
	if errors.Is(err, vfs.ErrLocked) {
		return nil, fmt.Errorf("the data directory %s is in use by another synap-server; "+
			"stop that one, or choose another directory with --data-dir", path)
	}
	if err != nil {
		return nil, fmt.Errorf("the data directory %s could not be locked: %w", path, err)
	}
	d.lock = lock
	if err := d.identify(create); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return d, nil
}

// identify reads META.json, or writes it into a directory without data.
func (d *dataDir) identify(create bool) (err error) {
	d.meta, err = readMeta(d.fs, d.path)
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if !create {
		return fmt.Errorf("%s is not a data directory of synap-server: it has no %s",
			d.path, metaName)
	}
	if file, err := d.orphan(); err != nil {
		return err
	} else if file != "" {
		return fmt.Errorf("the data directory %s has %s, but no %s to say what it belongs to; "+
			"bring that file back from a backup, or choose another directory with --data-dir",
			d.path, file, metaName)
	}
	if d.meta, err = newMeta(); err != nil {
		return err
	}
	return writeMeta(d.fs, d.path, d.meta)
}

// orphan names a file of data in a directory that should have none.
func (d *dataDir) orphan() (string, error) {
	for _, dir := range []string{d.journal(), d.snapshots()} {
		names, err := d.fs.List(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		for _, name := range names {
			if strings.HasPrefix(name, segmentMark) || strings.HasPrefix(name, snapshotMark) {
				return name, nil
			}
		}
	}
	return "", nil
}

func newMeta() (Meta, error) {
	var b [2*idBytes + 8]byte
	if _, err := rand.Read(b[:]); err != nil {
		return Meta{}, err
	}
	return Meta{
		Format:  FormatVersion,
		Node:    hex.EncodeToString(b[:idBytes]),
		History: hex.EncodeToString(b[idBytes : 2*idBytes]),
		Seed:    binary.LittleEndian.Uint64(b[2*idBytes:]) | 1, // 0 would mean: any
	}, nil
}

// readMeta reads and checks META.json; fs.ErrNotExist if there is none.
func readMeta(files vfs.FS, dir string) (m Meta, err error) {
	path := filepath.Join(dir, metaName)
	text, err := readFile(files, path, mostMeta)
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return m, fmt.Errorf("%s is damaged: %w; bring it back from a backup", path, err)
	}
	if m.Format > FormatVersion {
		return m, fmt.Errorf("%s says format %d, this synap-server knows up to %d; "+
			"use the newer program that wrote the directory", path, m.Format, FormatVersion)
	}
	for _, id := range []string{m.Node, m.History} {
		if b, err := hex.DecodeString(id); err != nil || len(b) != idBytes {
			return m, fmt.Errorf("%s is damaged: %q is no id; bring it back from a backup",
				path, id)
		}
	}
	if m.Format < 1 || m.Seed == 0 {
		return m, fmt.Errorf("%s is damaged: format %d, hash seed %d; bring it back from a "+
			"backup", path, m.Format, m.Seed)
	}
	return m, nil
}

// writeMeta makes META.json appear whole or not at all.
func writeMeta(files vfs.FS, dir string, m Meta) error {
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	draft := filepath.Join(dir, metaDraft)
	if err := writeFile(files, draft, append(text, '\n')); err != nil {
		return fmt.Errorf("the data directory could not be marked: %w", err)
	}
	if err := files.Rename(draft, filepath.Join(dir, metaName)); err != nil {
		return fmt.Errorf("the data directory could not be marked: %w", err)
	}
	return errors.Join(files.SyncDir(dir), files.SyncDir(filepath.Dir(dir)))
}

// readFile reads a whole file of at most most bytes.
func readFile(files vfs.FS, path string, most int64) ([]byte, error) {
	f, err := files.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // it was only read
	size, err := f.Size()
	if err != nil {
		return nil, err
	}
	if size > most {
		return nil, fmt.Errorf("%s has %d bytes, more than the %d it may have", path, size, most)
	}
	text := make([]byte, size)
	if n, err := f.ReadAt(text, 0); n < len(text) {
		return nil, err
	}
	return text, nil
}

// writeFile writes a file and syncs it.
func writeFile(files vfs.FS, path string, text []byte) error {
	f, err := files.Create(path)
	if err != nil {
		return err
	}
	if _, err := f.WriteAt(text, 0); err != nil {
		return errors.Join(err, f.Close())
	}
	return errors.Join(f.Sync(), f.Close())
}

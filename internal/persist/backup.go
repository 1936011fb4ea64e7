package persist

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/synapdb/synap/internal/journal"
	"github.com/synapdb/synap/internal/journal/snapshot"
	"github.com/synapdb/synap/internal/vfs"
)

// Backup copies a data directory to the directory to, which must be new or empty. While a server
// uses it, live makes that server take a snapshot first: the copy is then as of a moment after
// the call began. The copy has been verified when Backup returns.
func Backup(ctx context.Context, files vfs.FS, path, to string, live func() error) (Verdict,
	error,
) {
	if err := vacant(files, to); err != nil {
		return Verdict{}, err
	}
	lock, err := files.Lock(filepath.Join(path, lockName))
	switch {
	case err == nil:
		v, err := copyDir(ctx, files, path, to, false)
		return v, errors.Join(err, lock.Close())
	case !errors.Is(err, vfs.ErrLocked):
		return Verdict{}, fmt.Errorf("the data directory %s could not be read: %w", path, err)
	}
	if err := live(); err != nil {
		return Verdict{}, err
	}
	return copyLive(ctx, files, path, to)
}

// copyTries bounds how often the copy of a live directory starts over, because the server made a
// snapshot and recycled journal files meanwhile.
const copyTries = 5

func copyLive(ctx context.Context, files vfs.FS, path, to string) (v Verdict, err error) {
	for range copyTries {
		if v, err = copyDir(ctx, files, path, to, true); err == nil || ctx.Err() != nil {
			return v, err
		}
		if err := empty(files, to); err != nil {
			return v, err
		}
	}
	return v, fmt.Errorf("the files changed too fast to be copied: %w", err)
}

// copyDir copies the newest snapshot and the journal and verifies what came out. If the server is
// live, the copy of the journal is cut at the place where it was still writing.
func copyDir(ctx context.Context, files vfs.FS, path, to string, live bool) (v Verdict,
	err error,
) {
	from, target := &dataDir{fs: files, path: path}, &dataDir{fs: files, path: to}
	for _, dir := range []string{to, target.journal(), target.snapshots()} {
		if err := files.MkdirAll(dir); err != nil {
			return v, err
		}
	}
	if from.meta, err = readMeta(files, path); err != nil {
		return v, err
	}
	snaps, err := snapshot.Latest(files, from.snapshots())
	if err != nil {
		return v, err
	}
	if len(snaps) > 0 { // first: the journal reaches back to it as long as it is kept
		name := filepath.Base(snaps[0].Path)
		err := copyFile(ctx, files, snaps[0].Path, filepath.Join(target.snapshots(), name))
		if err != nil {
			return v, err
		}
	}
	names, err := files.List(from.journal())
	if err != nil {
		return v, err
	}
	for _, name := range names {
		if !strings.HasPrefix(name, segmentMark) || !strings.HasSuffix(name, ".log") {
			continue
		}
		err := copyFile(ctx, files, filepath.Join(from.journal(), name),
			filepath.Join(target.journal(), name))
		if err != nil {
			return v, err
		}
	}
	target.meta = from.meta
	if live {
		from := journal.LSN(0)
		if len(snaps) > 0 {
			from = journal.LSN(snaps[0].Begin)
		}
		if err := target.trim(from); err != nil {
			return v, err
		}
	}
	// Last: without it a copy that the power cut short does not pass for an empty directory.
	for _, dir := range []string{target.journal(), target.snapshots()} {
		if err := files.SyncDir(dir); err != nil {
			return v, err
		}
	}
	if err := writeMeta(files, to, target.meta); err != nil {
		return v, err
	}
	if v, err = target.verify(); err == nil && len(v.Problems) > 0 {
		err = fmt.Errorf("the copy is not whole: %s", strings.Join(v.Problems, "; "))
	}
	return v, err
}

// trim cuts the journal of a copy before its first record from from on that is not whole: while
// the copy was read, records behind it may have been written.
func (d *dataDir) trim(from journal.LSN) error {
	scrap := filepath.Join(d.path, "scrap")
	if _, err := journal.RepairFrom(d.fs, d.journal(), scrap, from); err != nil {
		return err
	}
	if err := empty(d.fs, scrap); err != nil {
		return err
	}
	if err := d.fs.Remove(scrap); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Restore installs a backup as a data directory, which must be new or empty. The copy gets a node
// id of its own.
func Restore(ctx context.Context, files vfs.FS, backup, to string) (v Verdict, err error) {
	if err := vacant(files, to); err != nil {
		return v, err
	}
	lock, err := files.Lock(filepath.Join(backup, lockName))
	if err != nil {
		return v, fmt.Errorf("the backup %s could not be read: %w", backup, err)
	}
	v, err = copyDir(ctx, files, backup, to, false)
	if err == nil {
		var fresh Meta
		if fresh, err = newMeta(); err == nil {
			v.Meta.Node = fresh.Node
			err = writeMeta(files, to, v.Meta)
		}
	}
	return v, errors.Join(err, lock.Close())
}

// vacant says whether a directory is not there or empty.
func vacant(files vfs.FS, dir string) error {
	names, err := files.List(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case len(names) > 0:
		return fmt.Errorf("%s is not empty; name a new directory, or move that one away", dir)
	}
	return nil
}

// empty removes the files of a directory and of those in it that Backup makes; none is no error.
func empty(files vfs.FS, dir string) error {
	for _, one := range []string{filepath.Join(dir, journalDir), filepath.Join(dir, snapshotDir),
		dir} {
		names, err := files.List(one)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		for _, name := range names {
			if one == dir && (name == journalDir || name == snapshotDir) {
				continue
			}
			if err := files.Remove(filepath.Join(one, name)); err != nil {
				return err
			}
		}
	}
	return nil
}

const copyBytes = 1 << 20

// copyFile copies and syncs a file.
func copyFile(ctx context.Context, files vfs.FS, from, to string) error {
	in, err := files.Open(from)
	if err != nil {
		return err
	}
	defer in.Close() //nolint:errcheck // it was only read
	out, err := files.Create(to)
	if err != nil {
		return err
	}
	buffer := make([]byte, copyBytes)
	for at := int64(0); err == nil; {
		var n int
		n, err = in.ReadAt(buffer, at)
		if n > 0 {
			if _, werr := out.WriteAt(buffer[:n], at); werr != nil {
				err = werr
				break
			}
			at += int64(n)
		}
		if err == nil {
			err = ctx.Err()
		}
	}
	if errors.Is(err, io.EOF) {
		err = out.Sync()
	}
	return errors.Join(err, out.Close())
}

package journal

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"

	"github.com/synapdb/synap/internal/vfs"
)

// Scan reads the records of a directory from from on, 0 being the oldest there, without changing
// anything, and hands those that are not markers to visit. Damage stands in the report and is no
// error. While a log is open in dir, its moving end may be taken for damage.
func Scan(fs vfs.FS, dir string, from LSN,
	visit func(lsn LSN, timeMillis int64, payload []byte) error) (Report, error) {
	s, err := look(fs, dir)
	if err != nil {
		return Report{}, err
	}
	if err := s.oneHistory([16]byte{}); err != nil {
		var d *Damage
		if errors.As(err, &d) {
			return Report{Damage: d}, nil
		}
		return Report{}, err
	}
	w, err := s.records(from, visit)
	return w.report, err
}

// Verify checks every record of a directory without changing anything. What is found stands in
// the report; an error means that the files could not be read.
func Verify(fs vfs.FS, dir string) (Report, error) { return Scan(fs, dir, 0, nil) }

// Repair makes a damaged log one that opens: headers are restored from their copies, and what
// follows the first record that is not whole is taken out of the log. Before a file is changed or
// removed it is copied into backupDir, which is made. A log without damage is left alone. The
// report is that of the repaired log, with the changed files. No log may be open in dir.
func Repair(fs vfs.FS, dir, backupDir string) (Report, error) {
	return RepairFrom(fs, dir, backupDir, 0)
}

// RepairFrom is Repair for a log of which only the records from from on are needed, because a
// snapshot covers the others: damage to these costs nothing after it.
func RepairFrom(fs vfs.FS, dir, backupDir string, from LSN) (Report, error) {
	r := &repair{fs: fs, dir: dir, backup: backupDir, from: from}
	for {
		again, err := r.round()
		if err != nil || !again {
			r.report.Changed = r.changed
			return r.report, err
		}
	}
}

type repair struct {
	fs          vfs.FS
	dir, backup string
	from        LSN
	report      Report
	changed     []string
}

// round repairs one thing. Each round leaves less to repair, and a repair that is interrupted
// can be done again.
func (r *repair) round() (again bool, err error) {
	s, err := look(r.fs, r.dir)
	if err != nil {
		return false, err
	}
	if err := s.oneHistory([16]byte{}); err != nil {
		return false, fmt.Errorf("no repair for this: %w", err)
	}
	if len(s.broken) > 0 {
		return true, r.header(s.broken[0])
	}
	from := r.from
	if len(s.used) == 0 || s.used[0].first > from {
		from = 0 // what is missing at the beginning is not to be repaired
	}
	w, err := s.records(from, nil)
	r.report = w.report
	if err != nil || w.report.Damage == nil {
		return false, err
	}
	// From the end, so that an interrupted repair never leaves a gap that was not there.
	for _, f := range slices.Backward(w.used[w.segment+1:]) {
		if err := r.remove(f.path); err != nil {
			return false, err
		}
	}
	f := w.used[w.segment]
	if err := r.keep(f.path); err != nil {
		return false, err
	}
	return true, eraseFile(r.fs, f.path, w.off, f.size)
}

// header restores a header from its copy, or takes a file without any out of the log.
func (r *repair) header(f found) (err error) {
	if !f.copied {
		return r.remove(f.path)
	}
	if err := r.keep(f.path); err != nil {
		return err
	}
	file, err := r.fs.OpenRW(f.path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if _, err := file.WriteAt(f.append(nil), 0); err != nil {
		return err
	}
	return file.Sync()
}

func (r *repair) remove(path string) error {
	if err := r.keep(path); err != nil {
		return err
	}
	if err := r.fs.Remove(path); err != nil {
		return err
	}
	return r.fs.SyncDir(r.dir)
}

// keep copies a file into the backup directory, unless that has a copy already, which is then
// nearer to what was there before.
func (r *repair) keep(path string) (err error) {
	if err := r.fs.MkdirAll(r.backup); err != nil {
		return err
	}
	names, err := r.fs.List(r.backup)
	if err != nil {
		return err
	}
	if !slices.Contains(r.changed, path) {
		r.changed = append(r.changed, path)
	}
	name := filepath.Base(path)
	if slices.Contains(names, name) {
		return nil
	}
	from, err := r.fs.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	// Under another name until it is whole, for an interrupted copy must not pass for one.
	temp := filepath.Join(r.backup, name+tempSuffix)
	to, err := r.fs.Create(temp)
	if err != nil {
		return err
	}
	size, err := from.Size()
	if err == nil {
		_, err = io.Copy(io.NewOffsetWriter(to, 0), io.NewSectionReader(from, 0, size))
	}
	if err == nil {
		err = to.Sync()
	}
	if err = errors.Join(err, to.Close()); err != nil {
		return err
	}
	if err := r.fs.Rename(temp, filepath.Join(r.backup, name)); err != nil {
		return err
	}
	return r.fs.SyncDir(r.backup)
}

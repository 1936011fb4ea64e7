package persist

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/synapdb/synap/internal/journal"
	"github.com/synapdb/synap/internal/journal/snapshot"
	"github.com/synapdb/synap/internal/vfs"
)

// Verdict is what a look at a data directory found. The directory can be started from when there
// are no Problems.
type Verdict struct {
	Meta      Meta
	Snapshots []SnapshotVerdict // newest first
	Journal   journal.Report
	// Problems are what stops a start, each with its place.
	Problems []string
	// Remarks are what does not: a torn tail after a crash, a damaged snapshot that is not needed.
	Remarks []string
}

// SnapshotVerdict is one snapshot.
type SnapshotVerdict struct {
	Path    string
	Begin   uint64
	End     uint64 // the last record whose work it may show
	Entries uint64
	Damage  string // "" = whole
	foreign bool
}

// Verify reads every byte of a data directory that no server uses, and changes nothing.
func Verify(files vfs.FS, path string) (Verdict, error) {
	d, err := openDir(files, path, false)
	if err != nil {
		return Verdict{}, err
	}
	v, err := d.verify()
	return v, errors.Join(err, d.lock.Close())
}

func (d *dataDir) verify() (v Verdict, err error) {
	v.Meta = d.meta
	all, err := snapshot.Latest(d.fs, d.snapshots())
	if err != nil {
		return v, err
	}
	for _, info := range all {
		one := SnapshotVerdict{Path: info.Path, Begin: info.Begin}
		if err := d.verifySnapshot(&one); err != nil {
			one.Damage, one.foreign = err.Error(), errors.Is(err, errForeign)
		}
		v.Snapshots = append(v.Snapshots, one)
	}
	v.Journal, err = journal.Verify(d.fs, d.journal())
	if err != nil && v.Journal.Damage == nil {
		return v, err
	}
	if v.Journal.Damage != nil {
		if err := d.forgive(&v); err != nil {
			return v, err
		}
	}
	v.judge()
	return v, nil
}

// whole is the newest whole snapshot, nil if there is none.
func (v *Verdict) whole() *SnapshotVerdict {
	for i := range v.Snapshots {
		if v.Snapshots[i].Damage == "" {
			return &v.Snapshots[i]
		}
	}
	return nil
}

// needed is the first record of the journal that a start needs.
func (v *Verdict) needed() journal.LSN {
	if s := v.whole(); s != nil {
		return journal.LSN(s.Begin)
	}
	return 0
}

// forgive makes a remark of damage to records that the newest whole snapshot covers: it stops no
// start.
func (d *dataDir) forgive(v *Verdict) error {
	from, old := v.needed(), v.Journal.Damage
	if from <= v.Journal.First {
		return nil
	}
	report, err := journal.Scan(d.fs, d.journal(), from, nil)
	if errors.Is(err, journal.ErrTrimmed) {
		return nil
	}
	if err != nil || report.Damage != nil && report.Damage.LSN == old.LSN {
		return err
	}
	v.Journal = report
	v.Remarks = append(v.Remarks, fmt.Sprintf("%s: damage at offset %d, record %d (%s), which the "+
		"newest whole snapshot does not need, but an older one would", old.File, old.Offset,
		old.LSN, old.Reason))
	return nil
}

func (d *dataDir) verifySnapshot(v *SnapshotVerdict) error {
	r, err := snapshot.Open(d.fs, v.Path)
	if err != nil {
		return err
	}
	v.End = r.Until()
	if err := r.Close(); err != nil {
		return err
	}
	meta, entries, err := snapshot.Verify(d.fs, v.Path)
	if err == nil && meta.History != d.meta.HistoryID() {
		err = fmt.Errorf("%s: %w", v.Path, errForeign)
	}
	v.Entries = entries
	return err
}

// judge draws the conclusions.
func (v *Verdict) judge() {
	from, reach := uint64(1), span{}
	for _, s := range v.Snapshots {
		if s.Damage == "" {
			from = s.Begin
			reach = reach.upTo(s.End, s.Path)
			break
		}
		if s.foreign {
			v.Problems = append(v.Problems, s.Damage)
			continue
		}
		v.Remarks = append(v.Remarks, s.Damage)
		reach = reach.upTo(max(s.Begin, 1)-1, s.Path)
	}
	if len(v.Snapshots) > 0 && v.whole() == nil {
		v.Remarks = append(v.Remarks, "no snapshot is whole")
	}
	if why := reach.missing(max(uint64(v.Journal.Last), from-1), v.Meta); why != "" {
		v.Problems = append(v.Problems, why)
	}
	if t := v.Journal.Torn; t != nil {
		v.Remarks = append(v.Remarks, fmt.Sprintf("%s: a torn record %d at offset %d (%s), as a "+
			"crash leaves it: the next start cuts it off", t.File, t.LSN, t.Offset, t.Reason))
	}
	if d := v.Journal.Damage; d != nil {
		v.Problems = append(v.Problems, d.Error())
	}
	if first := uint64(v.Journal.First); first > from {
		v.Problems = append(v.Problems, fmt.Sprintf("the journal begins with record %d, but the "+
			"newest whole snapshot needs it from record %d on", first, from))
	}
}

// Repaired is what Repair did.
type Repaired struct {
	Journal journal.Report
	Moved   []string // damaged snapshots
	Backup  string   // directory of the copies
	// Forgone is the number up to which records are given up that a snapshot shows the work of;
	// 0 = none.
	Forgone uint64
}

// Repair makes a data directory that no server uses start again, at the price of everything after
// the first damage. A copy of every file it changes, and every damaged snapshot, goes to backup,
// a directory that is made when it is needed.
func Repair(files vfs.FS, path, backup string) (r Repaired, err error) {
	d, err := openDir(files, path, false)
	if err != nil {
		return r, err
	}
	r.Backup = backup
	err = d.repair(&r)
	return r, errors.Join(err, d.lock.Close())
}

func (d *dataDir) repair(r *Repaired) error {
	v, err := d.verify()
	if err != nil {
		return err
	}
	for _, s := range v.Snapshots {
		if s.Damage == "" {
			continue
		}
		if err := d.fs.MkdirAll(r.Backup); err != nil {
			return err
		}
		if err := d.fs.Rename(s.Path, filepath.Join(r.Backup, filepath.Base(s.Path))); err != nil {
			return err
		}
		r.Moved = append(r.Moved, s.Path)
	}
	if len(r.Moved) > 0 {
		if err := errors.Join(d.fs.SyncDir(r.Backup), d.fs.SyncDir(d.snapshots())); err != nil {
			return err
		}
	}
	r.Journal, err = journal.RepairFrom(d.fs, d.journal(), r.Backup, v.needed())
	if err != nil {
		return err
	}
	for _, s := range v.Snapshots {
		last := max(uint64(r.Journal.Last), max(s.Begin, 1)-1)
		if s.Damage == "" && s.End > max(last, d.meta.Forgone) {
			d.meta.Forgone, r.Forgone = s.End, s.End
		}
	}
	if r.Forgone > 0 {
		return writeMeta(d.fs, d.path, d.meta)
	}
	return nil
}

// Text words a verdict for people.
func (v *Verdict) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "format %d, node %s, history %s\n", v.Meta.Format, v.Meta.Node, v.Meta.History)
	for _, s := range v.Snapshots {
		state := "whole"
		if s.Damage != "" {
			state = "DAMAGED"
		}
		fmt.Fprintf(&b, "snapshot %s: %s, %d entries, journal from record %d\n",
			filepath.Base(s.Path), state, s.Entries, s.Begin)
	}
	fmt.Fprintf(&b, "journal: %d files, %d bytes, records %d to %d, synced to %d\n",
		v.Journal.Segments, v.Journal.Bytes, v.Journal.First, v.Journal.Last, v.Journal.Synced)
	for _, r := range v.Remarks {
		fmt.Fprintf(&b, "remark: %s\n", r)
	}
	for _, p := range v.Problems {
		fmt.Fprintf(&b, "PROBLEM: %s\n", p)
	}
	return b.String()
}

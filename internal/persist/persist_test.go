package persist

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/synapdb/synap/internal/vfs"
)

func TestSnapshotAndTailLeadToTheSameState(t *testing.T) {
	disk := vfs.NewMemory(1)
	h, _ := home(t, options(disk))
	for i := range 500 {
		h.set(fmt.Sprint("key", i), fmt.Sprint("value", i))
	}
	if err := h.Save(context.Background()); err != nil {
		t.Fatal(err)
	}
	for i := range 50 {
		h.set(fmt.Sprint("key", i*20), fmt.Sprint("later", i))
	}
	if err := h.commit(); err != nil {
		t.Fatal(err)
	}
	want := h.s.Digest()
	disk.Crash(0)
	h.abandon()
	h, r := home(t, options(disk))
	if h.s.Digest() != want || r.Records != 50 || r.Keys != 525 || r.Snapshot == "" {
		t.Errorf("recovered another state: %+v", r)
	}
	if h.Percent() != 100 || !h.Changed() || h.Status().Changes < 50 {
		t.Errorf("%+v", h.Status())
	}
}

func TestCloseMakesASnapshotIfAnythingChanged(t *testing.T) {
	disk := vfs.NewMemory(1)
	o := options(disk)
	h, _ := home(t, o)
	h.set("a", "1")
	if err := h.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	before, _ := disk.List("/data/snapshots")
	h, r := home(t, o)
	if h.get("a") != "1" || r.Records != 0 {
		t.Errorf("%+v", r)
	}
	if err := h.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if after, _ := disk.List("/data/snapshots"); len(before) != 1 || len(after) != 1 {
		t.Errorf("snapshots %v, then %v", before, after)
	}
}

// hooked calls back at the first write to a file whose name has mark in it.
type hooked struct {
	vfs.FS
	mark string
	call func()
}

func (h *hooked) Create(path string) (vfs.File, error) {
	f, err := h.FS.Create(path)
	if err == nil && strings.Contains(path, h.mark) && h.call != nil {
		return &hookedFile{f, h}, nil
	}
	return f, err
}

type hookedFile struct {
	vfs.File
	h *hooked
}

func (f *hookedFile) WriteAt(b []byte, at int64) (int, error) {
	if call := f.h.call; call != nil {
		f.h.call = nil
		call()
	}
	return f.File.WriteAt(b, at)
}

func TestSwapDuringASnapshotMakesItStartOver(t *testing.T) {
	disk := vfs.NewMemory(1)
	hook := &hooked{FS: disk, mark: "snapshot-"}
	h, _ := home(t, options(hook))
	for i := range 3000 {
		h.set(fmt.Sprint("key", i), strings.Repeat("v", 1000)) // over one block
	}
	hook.call = func() {
		if err := h.Background(); !errors.Is(err, ErrSaving) {
			t.Errorf("a second snapshot meanwhile: %v", err)
		}
		h.swap(0, 3)
		h.set("key1", "after the swap")
	}
	if !h.begin() {
		t.Fatal("another snapshot is being made")
	}
	made, err := h.write(context.Background(), true)
	if err != nil {
		t.Fatal(err)
	}
	if made.restarts != 1 || made.entries != 3001 {
		t.Errorf("%+v", made)
	}
	if err := h.commit(); err != nil {
		t.Fatal(err)
	}
	want := h.s.Digest()
	disk.Crash(0)
	h.abandon()
	h, _ = home(t, options(disk))
	if h.s.Digest() != want || h.get("key1") != "after the swap" {
		t.Error("recovered another state")
	}
}

func TestOldSnapshotsAndJournalGo(t *testing.T) {
	disk := vfs.NewMemory(1)
	h, _ := home(t, options(disk))
	var most int64
	for i := range 200 {
		h.set(fmt.Sprint("key", i%10), strings.Repeat("v", 10_000))
		if err := h.commit(); err != nil {
			t.Fatal(err)
		}
		if i%10 == 9 {
			if err := h.Save(context.Background()); err != nil {
				t.Fatal(err)
			}
			most = max(most, disk.Used())
		}
	}
	names, _ := disk.List("/data/snapshots")
	if len(names) != 2 || most > 1<<20 {
		t.Errorf("snapshots %v, at most %d bytes were used", names, most)
	}
}

func TestDirectoriesThatCanNotBeUsed(t *testing.T) {
	disk := vfs.NewMemory(1)
	h, _ := home(t, options(disk))
	if _, err := Open(options(disk)); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("opened twice: %v", err)
	}
	h.set("a", "1")
	if err := h.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	meta := h.Meta()
	for _, tc := range []struct {
		name, want string
		change     func(*Meta)
	}{
		{"newer format", "use the newer program", func(m *Meta) { m.Format = 2 }},
		{"no node", "is no id", func(m *Meta) { m.Node = "" }},
		{"no seed", "damaged", func(m *Meta) { m.Seed = 0 }},
	} {
		m := meta
		tc.change(&m)
		if err := writeMeta(disk, "/data", m); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(options(disk)); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
	if err := disk.Remove(filepath.Join("/data", metaName)); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(options(disk)); err == nil || !strings.Contains(err.Error(), metaName) {
		t.Errorf("data without a name: %v", err)
	}
}

// A full disk fails a snapshot, and nothing else: the old one stays, the half one goes.
func TestSnapshotOnAFullDisk(t *testing.T) {
	disk := vfs.NewMemory(1)
	h, _ := home(t, options(disk))
	for i := range 100 {
		h.set(fmt.Sprint("key", i), strings.Repeat("v", 10_000))
	}
	if err := h.commit(); err != nil {
		t.Fatal(err)
	}
	disk.Limit(disk.Used() + 300_000)
	if err := h.Save(context.Background()); err == nil {
		t.Fatal("a snapshot of 1 MB fits into 300 kB")
	}
	if s := h.Status(); s.LastError == nil || s.LastSave != 0 || s.Saving {
		t.Errorf("%+v", s)
	}
	if names, _ := disk.List("/data/snapshots"); len(names) != 0 {
		t.Errorf("left behind: %v", names)
	}
	disk.Limit(0)
	if err := h.Save(context.Background()); err != nil {
		t.Error(err)
	}
}

// A snapshot taken while others wrote is of no use without the journal of that time: its state
// never was. Only Repair may decide otherwise.
func TestJournalLostBesideASnapshot(t *testing.T) {
	disk := vfs.NewMemory(1)
	hook := &hooked{FS: disk, mark: "snapshot-"}
	h, _ := home(t, options(hook))
	for i := range 3000 {
		h.set(fmt.Sprint("key", i), strings.Repeat("v", 1000))
	}
	hook.call = func() { h.set("key1", "later") }
	if err := h.Save(context.Background()); err != nil {
		t.Fatal(err)
	}
	disk.Crash(1)
	h.abandon()
	names, _ := disk.List("/data/journal")
	for _, name := range names {
		if err := disk.Remove("/data/journal/" + name); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := move(options(disk), 4); err == nil ||
		!strings.Contains(err.Error(), "files of the journal are missing") {
		t.Fatalf("started without its journal: %v", err)
	}
	v, err := Verify(disk, "/data")
	if err != nil || len(v.Problems) != 1 {
		t.Errorf("%v, %v", v.Problems, err)
	}
	r, err := Repair(disk, "/data", "/data/repair")
	if err != nil || r.Forgone == 0 {
		t.Fatalf("%+v, %v", r, err)
	}
	if v, err := Verify(disk, "/data"); err != nil || len(v.Problems) != 0 {
		t.Errorf("%v, %v", v.Problems, err)
	}
	if h, _ := home(t, options(disk)); h.s.Count(0) != 3000 {
		t.Errorf("%d keys", h.s.Count(0))
	}
}

// Keys find their places whatever the number of shards was.
func TestOtherNumberOfShards(t *testing.T) {
	disk := vfs.NewMemory(1)
	h, _ := home(t, options(disk))
	for i := range 1000 {
		h.set(fmt.Sprint("key", i), fmt.Sprint(i))
		if i == 500 {
			if err := h.Save(context.Background()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := h.commit(); err != nil {
		t.Fatal(err)
	}
	want := h.s.Digest()
	for _, shards := range []int{1, 16, 2} {
		disk.Crash(0)
		h.abandon()
		next, _, err := move(options(disk), shards)
		if err != nil {
			t.Fatal(err)
		}
		if next.s.Digest() != want || next.get("key999") != "999" {
			t.Errorf("%d shards hold something else", shards)
		}
		h = next
	}
	h.abandon()
}

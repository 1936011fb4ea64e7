package persist

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/synapdb/synap/internal/vfs"
)

// Damage in a part of the journal that only an older snapshot needs keeps no server from starting.
// Repair must not give up the records after the newest snapshot for it, nor a copy be refused.
func TestDamageBeforeTheNewestSnapshotCostsNothing(t *testing.T) {
	disk := vfs.NewMemory(1)
	h, _ := home(t, options(disk))
	value := strings.Repeat("v", 4000)
	write := func(from, to int) {
		t.Helper()
		for i := from; i < to; i++ {
			h.set(fmt.Sprint("k", i), value)
		}
		if err := h.commit(); err != nil {
			t.Fatal(err)
		}
	}
	write(0, 2)
	if err := h.Save(context.Background()); err != nil {
		t.Fatal(err)
	}
	write(2, 30)
	if err := h.Save(context.Background()); err != nil {
		t.Fatal(err)
	}
	write(30, 60)
	h.abandon()

	names, err := disk.List("/data/journal")
	if err != nil || len(names) < 4 {
		t.Fatal(names, err)
	}
	if err := disk.FlipBit(filepath.Join("/data/journal", names[1]), 6000, 0); err != nil {
		t.Fatal(err)
	}
	v, err := Verify(disk, "/data")
	if err != nil || len(v.Problems) > 0 {
		t.Errorf("the directory passes for unusable: %v, %v", v.Problems, err)
	}
	if len(v.Remarks) == 0 {
		t.Error("the damage is not mentioned")
	}
	if _, err := Repair(disk, "/data", "/data/repair"); err != nil {
		t.Fatal(err)
	}
	_, err = Backup(context.Background(), disk, "/data", "/copy", nil)
	if err != nil {
		t.Error(err)
	}
	h, _ = home(t, options(disk))
	for i := range 60 {
		if h.get(fmt.Sprint("k", i)) != value {
			t.Fatalf("record %d is lost", i)
		}
	}
}

// A copy that a power cut ends must not pass for a directory with less data, or none.
func TestRestoreCutShortDoesNotStart(t *testing.T) {
	disk := vfs.NewMemory(1)
	h, _ := home(t, options(disk))
	h.set("key", "value")
	if err := h.Save(context.Background()); err != nil {
		t.Fatal(err)
	}
	h.abandon()
	for cut := 1; ; cut++ {
		to := fmt.Sprint("/to", cut)
		disk.CutAfter(cut)
		_, err := Restore(context.Background(), disk, "/data", to)
		disk.Crash(0)
		o := options(disk)
		o.Dir = to
		if h, _, started := move(o, 4); started == nil {
			if h.Meta().History == historyOf(t, disk) && h.get("key") != "value" {
				t.Errorf("cut %d: an unfinished copy starts without the data", cut)
			}
			h.abandon()
		}
		if err == nil {
			return
		}
	}
}

// historyOf is the history of /data.
func historyOf(t *testing.T, disk vfs.FS) string {
	t.Helper()
	m, err := readMeta(disk, "/data")
	if err != nil {
		t.Fatal(err)
	}
	return m.History
}

// With the newest snapshot damaged, a journal that ends before it began leads to an older state, or
// none, and would number its records a second time.
func TestDamagedSnapshotBesideALostJournal(t *testing.T) {
	disk := vfs.NewMemory(1)
	h, _ := home(t, options(disk))
	h.set("key", "value")
	if err := h.Save(context.Background()); err != nil {
		t.Fatal(err)
	}
	h.abandon()
	snaps, _ := disk.List("/data/snapshots")
	if err := disk.FlipBit(filepath.Join("/data/snapshots", snaps[0]), 100, 0); err != nil {
		t.Fatal(err)
	}
	names, _ := disk.List("/data/journal")
	for _, name := range names {
		if err := disk.Remove(filepath.Join("/data/journal", name)); err != nil {
			t.Fatal(err)
		}
	}
	v, err := Verify(disk, "/data")
	if err != nil || len(v.Problems) != 1 {
		t.Errorf("%v, %v", v.Problems, err)
	}
	if _, _, err := move(options(disk), 4); err == nil ||
		!strings.Contains(err.Error(), "files of the journal are missing") {
		t.Fatalf("started without any data: %v", err)
	}
	r, err := Repair(disk, "/data", "/data/repair")
	if err != nil || len(r.Moved) != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	home(t, options(disk))
}

// The records of another directory have numbers of their own: its snapshots would make this one's
// pass for old, and its journal for needless.
func TestSnapshotOfAnotherDirectory(t *testing.T) {
	disk := vfs.NewMemory(1)
	o := options(disk)
	o.Dir = "/other"
	h, _ := home(t, o)
	for range 10 {
		h.set("key", "other")
	}
	if err := h.Save(context.Background()); err != nil {
		t.Fatal(err)
	}
	h.abandon()
	h, _ = home(t, options(disk))
	h.set("key", "value")
	h.abandon()
	names, _ := disk.List("/other/snapshots")
	err := disk.Rename(filepath.Join("/other/snapshots", names[0]),
		filepath.Join("/data/snapshots", names[0]))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := move(options(disk), 4); err == nil ||
		!strings.Contains(err.Error(), "another data directory") {
		t.Fatalf("started beside a foreign snapshot: %v", err)
	}
	v, err := Verify(disk, "/data")
	if err != nil || len(v.Problems) != 1 {
		t.Errorf("%v, %v", v.Problems, err)
	}
	if _, err := Repair(disk, "/data", "/data/repair"); err != nil {
		t.Fatal(err)
	}
	if h, _ := home(t, options(disk)); h.get("key") != "value" {
		t.Errorf("the key is %q", h.get("key"))
	}
}

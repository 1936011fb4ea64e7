package persist

import (
	"context"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/synapdb/synap/internal/vfs"
)

// restarts holds that the journal alone, and snapshots taken while others write with what follows
// them, lead to the state that was: messages in flight, events, cursors and generations included.
// act lets others write, each at least least times and until stop says so.
func restarts(t *testing.T, act func(h *house, seed uint64, least int, stop func() bool)) {
	t.Helper()
	now := func() bool { return true }
	for seed := range uint64(6) {
		disk := vfs.NewMemory(seed)
		o := options(disk)
		o.SegmentBytes = 1 << 20
		h, _ := home(t, o)
		if seed%3 == 0 {
			act(h, seed, 500, now)
		} else {
			var saved atomic.Bool
			saves := make(chan error, 1)
			go func() {
				defer saved.Store(true)
				var err error
				for i := uint64(0); i < seed && err == nil; i++ {
					err = h.Save(context.Background())
				}
				saves <- err
			}()
			act(h, seed, 500, saved.Load)
			if err := <-saves; err != nil {
				t.Fatal(err)
			}
			if seed%3 == 2 {
				act(h, seed+100, 100, now)
			}
		}
		if err := h.commit(); err != nil {
			t.Fatal(err)
		}
		want, held := h.digest(), h.all().Contents()
		disk.Crash(0)
		h.abandon()
		h, r := home(t, o)
		if h.digest() != want || r.Contents != held {
			t.Errorf("seed %d: recovered another state: %+v, not %+v", seed, r, held)
		}
		h.abandon()
	}
}

// damageNewest flips a bit of the newest snapshot and returns the names of all, oldest first.
func damageNewest(t *testing.T, disk *vfs.Memory) (snaps []string) {
	t.Helper()
	snaps, err := disk.List("/data/snapshots")
	if err != nil {
		t.Fatal(err)
	}
	newest := filepath.Join("/data/snapshots", snaps[len(snaps)-1])
	f, err := disk.Open(newest)
	if err != nil {
		t.Fatal(err)
	}
	size, _ := f.Size()
	if err := disk.FlipBit(newest, size-200, 0); err != nil {
		t.Fatal(err)
	}
	return snaps
}

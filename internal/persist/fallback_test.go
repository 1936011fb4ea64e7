package persist

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/synapdb/synap/internal/vfs"
)

// What was read of a damaged snapshot must be gone before an older one is loaded: a swap of
// databases in between would bring it back in the wrong one.
func TestNothingOfADamagedSnapshotStays(t *testing.T) {
	disk := vfs.NewMemory(1)
	h, _ := home(t, options(disk))
	for i := range 2000 {
		h.set(fmt.Sprint("key", i), strings.Repeat("v", 1000))
	}
	save := func() {
		t.Helper()
		if err := h.Save(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	save()
	h.swap(0, 1)
	save()
	if err := h.commit(); err != nil {
		t.Fatal(err)
	}
	h.abandon()
	snaps := damageNewest(t, disk)
	h, r := home(t, options(disk))
	if filepath.Base(r.Snapshot) != snaps[0] {
		t.Errorf("loaded %s", r.Snapshot)
	}
	if a, b := h.s.Count(0), h.s.Count(1); a != 0 || b != 2000 {
		t.Errorf("%d and %d keys, not 0 and 2000", a, b)
	}
}

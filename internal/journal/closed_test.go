package journal

import (
	"slices"
	"testing"

	"github.com/synapdb/synap/internal/vfs"
)

// After Close the files may be another log's already.
func TestTruncateAfterCloseTouchesNothing(t *testing.T) {
	files := vfs.NewMemory(1)
	l, _, _ := mustOpen(t, options(files), 0)
	fill(l, newRand(1), 240, 600)
	if err := l.Commit(l.Last(), Disk); err != nil {
		t.Fatal(err)
	}
	mustClose(t, l)
	before, _ := files.List(testDir)
	wantError(t, l.Truncate(l.Last()), ErrClosed)
	if after, _ := files.List(testDir); !slices.Equal(before, after) {
		t.Errorf("%v became %v", before, after)
	}
}

package shards

import (
	"fmt"

	"github.com/synapdb/synap/internal/store/slab"
)

// Share is how many bytes of address space the arena of each of n shards may take, in a store
// beside that of keys, which takes most. It fails if n is not a power of two up to Most, or the
// process has too little; what names the things that the store holds.
func Share(n int, what string) (bytes int, err error) {
	if n < 1 || n > Most || n&(n-1) != 0 {
		return 0, fmt.Errorf("shards of %s must be a power of two up to %d, not %d", what, Most, n)
	}
	space := slab.Space() / int64(8*n)
	if space < slab.LeastBytes {
		return 0, fmt.Errorf("address space is limited (ulimit -v) so that %d MiB are left for "+
			"the %s; with %d shards they take %d MiB: lift the limit or take fewer shards",
			space*int64(n)>>20, what, n, int64(n)*slab.LeastBytes>>20)
	}
	return int(min(space, slab.MaxBytes)), nil
}

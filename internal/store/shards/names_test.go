package shards

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"
)

// TestNames holds the names to a map.
func TestNames(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var n Names
		var total atomic.Int64
		n.Count(&total)
		twin := map[string]bool{}
		name := rapid.StringMatching(`[ab]{0,4}`)
		t.Repeat(map[string]func(*rapid.T){
			"change": func(t *rapid.T) {
				one := name.Draw(t, "name")
				if twin[one] {
					n.Remove(one)
					delete(twin, one)
				} else {
					n.Add(one)
					twin[one] = true
				}
			},
			"page": func(t *rapid.T) {
				prefix, after := name.Draw(t, "prefix"), name.Draw(t, "after")
				limit := rapid.IntRange(0, 5).Draw(t, "limit")
				var want []string
				for _, one := range slices.Sorted(maps.Keys(twin)) {
					if strings.HasPrefix(one, prefix) && (one > after || after == "") &&
						len(want) < limit {
						want = append(want, one)
					}
				}
				if got := n.Page(prefix, after, limit); !slices.Equal(got, want) {
					t.Fatalf("%q, not %q", got, want)
				}
			},
			"all": func(t *rapid.T) {
				if got, want := n.All(), slices.Sorted(maps.Keys(twin)); !slices.Equal(got, want) {
					t.Fatalf("%q, not %q", got, want)
				}
			},
		})
	})
}

// TestManyNames: names that come and go among many others cost little, whoever lists them, and all
// of them go at once as fast; in the end the memory is given back, and counted so.
func TestManyNames(t *testing.T) {
	const many = 50_000
	var n Names
	var total atomic.Int64
	n.Count(&total)
	name := func(i int) string { return fmt.Sprintf("queue-%06d", i*7919%many) }
	for i := range many {
		n.Add(name(i))
	}
	if got := n.Page("", "", 3); len(got) != 3 || got[0] != name(0) {
		t.Fatalf("%q", got)
	}
	if got := total.Load(); got < many*stringBytes || got > 2*many*stringBytes {
		t.Errorf("%d names are counted as %d bytes", many, got)
	}
	for i := range many {
		n.Remove(name(i))
		n.Add("reply-" + name(i))
		if i%2 == 0 {
			n.Remove("reply-" + name(i))
		}
		if i%5000 == 0 {
			if got := n.Page("reply-", "", many); len(got) != (i+1)/2 {
				t.Fatalf("%d names after %d, want %d", len(got), i, (i+1)/2)
			}
		}
	}
	if got := n.All(); len(got) != many/2 {
		t.Fatalf("%d names are left", len(got))
	}
	for i := 1; i < many; i += 2 {
		n.Remove("reply-" + name(i))
	}
	if got := n.All(); len(got) != 0 || n.changed != nil || total.Load() != 0 {
		t.Errorf("%d names are left, counted as %d bytes", len(got), total.Load())
	}
}

// TestNamesWaitForNobody: while nobody lists them, what waits stays a part of all.
func TestNamesWaitForNobody(t *testing.T) {
	var n Names
	var total atomic.Int64
	n.Count(&total)
	for i := range 20_000 {
		n.Add(fmt.Sprint(i))
		if most := leastChanged + len(n.sorted)/4; len(n.changed) > most {
			t.Fatalf("%d changes wait beside %d names", len(n.changed), len(n.sorted))
		}
	}
}

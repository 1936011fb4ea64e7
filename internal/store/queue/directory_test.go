package queue

import (
	"fmt"
	"testing"
)

// TestManyNames: queues that come and go among many others cost little, whoever lists them, and
// all of them go at once as fast.
func TestManyNames(t *testing.T) {
	const n = 50_000
	var d directory
	name := func(i int) string { return fmt.Sprintf("queue-%06d", i*7919%n) }
	for i := range n {
		d.add(name(i))
	}
	if got := d.page("", "", 3); len(got) != 3 || got[0] != name(0) {
		t.Fatalf("%q", got)
	}
	for i := range n {
		d.remove(name(i))
		d.add("reply-" + name(i))
		if i%2 == 0 {
			d.remove("reply-" + name(i))
		}
		if i%5000 == 0 {
			if got := d.page("reply-", "", n); len(got) != (i+1)/2 {
				t.Fatalf("%d names after %d, want %d", len(got), i, (i+1)/2)
			}
		}
	}
	if got := d.all(); len(got) != n/2 {
		t.Fatalf("%d names are left", len(got))
	}
	for i := 1; i < n; i += 2 {
		d.remove("reply-" + name(i))
	}
	if got := d.all(); len(got) != 0 || d.changed != nil {
		t.Fatalf("%d names are left", len(got))
	}
}

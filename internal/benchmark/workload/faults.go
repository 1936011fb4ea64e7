package workload

import (
	"slices"
	"sync"

	"github.com/synapdb/synap/internal/benchmark/result"
)

// Faults collects what must not happen, from any goroutine.
type Faults struct {
	mu    sync.Mutex
	found result.Faults
}

// mostExamples are kept in words.
const mostExamples = 10

func (f *Faults) note(count *int64, n int64, example string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	*count += n
	if len(f.found.Examples) < mostExamples {
		f.found.Examples = append(f.found.Examples, example)
	}
}

// Lost notes n messages or writes that are gone.
func (f *Faults) Lost(n int64, example string) { f.note(&f.found.Lost, n, example) }

// Duplicate notes one that came twice without reason.
func (f *Faults) Duplicate(example string) { f.note(&f.found.Duplicate, 1, example) }

// Reordered notes one that came before its turn.
func (f *Faults) Reordered(example string) { f.note(&f.found.Reordered, 1, example) }

// Gap notes n that were skipped.
func (f *Faults) Gap(n int64, example string) { f.note(&f.found.Gaps, n, example) }

// Unexpected notes an error, or an answer that makes no sense.
func (f *Faults) Unexpected(example string) { f.note(&f.found.Unexpected, 1, example) }

// Found is all of it.
func (f *Faults) Found() result.Faults {
	f.mu.Lock()
	defer f.mu.Unlock()
	found := f.found
	found.Examples = slices.Clone(found.Examples)
	return found
}

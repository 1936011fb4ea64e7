package slab

import (
	"testing"

	"pgregory.net/rapid"
)

func newArena(t interface {
	Cleanup(func())
	Fatal(...any)
}) *Arena {
	a, err := New(1 << 30)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return a
}

func TestClassesAreFineAndCoverEverySize(t *testing.T) {
	if Fit(128) != 128 {
		t.Fatalf("128 bytes take %d: the commonest entry would not fit exactly", Fit(128))
	}
	last := 0
	for size := 1; size <= MaxBlock; size++ {
		fit := Fit(size)
		if fit < size || fit < last || fit%Granule != 0 {
			t.Fatalf("%d bytes take a block of %d after %d", size, fit, last)
		}
		if waste := fit - size; waste >= fineStep && waste > size/8 {
			t.Fatalf("%d bytes take %d", size, fit)
		}
		if c := class(fit); classBytes(c) != fit || c >= classes {
			t.Fatalf("class %d of %d bytes does not hold itself", c, fit)
		}
		last = fit
	}
	if last != MaxBlock {
		t.Fatalf("the largest block is %d", last)
	}
}

// block is what the test knows of a block in use: its size and the byte it is filled with.
type block struct {
	size int
	fill byte
}

type arenaModel struct {
	a      *Arena
	blocks map[Ref]block
	order  []Ref
}

func (m *arenaModel) alloc(t *rapid.T, size int) {
	r := m.a.Alloc(size)
	if _, ok := m.blocks[r]; ok || r == 0 || r >= MaxRef {
		t.Fatalf("block %d handed out while in use", r)
	}
	b := m.a.Bytes(r)
	fill := byte(len(m.order)*7 + size)
	for i := range b {
		b[i] = fill
	}
	m.blocks[r] = block{size, fill}
	m.order = append(m.order, r)
}

func (m *arenaModel) check(t *rapid.T, r Ref) {
	want := m.blocks[r]
	b := m.a.Bytes(r)
	if len(b) != Fit(want.size) {
		t.Fatalf("block of %d bytes has size %d", want.size, len(b))
	}
	for i, c := range b {
		if c != want.fill {
			t.Fatalf("block %d overwritten at %d", r, i)
		}
	}
}

func (m *arenaModel) free(t *rapid.T, i int) {
	r := m.order[i]
	m.check(t, r)
	m.a.Free(r)
	delete(m.blocks, r)
	m.order[i] = m.order[len(m.order)-1]
	m.order = m.order[:len(m.order)-1]
}

// compact moves every block that the arena would like to be moved.
func (m *arenaModel) compact(t *rapid.T) {
	for {
		refs := m.a.Drain(make([]Ref, 0, 7))
		if len(refs) == 0 {
			return
		}
		for _, r := range refs {
			old, ok := m.blocks[r]
			if !ok {
				t.Fatalf("free block %d offered for moving", r)
			}
			n := m.a.Alloc(m.a.Size(r))
			copy(m.a.Bytes(n), m.a.Bytes(r))
			m.a.Free(r)
			delete(m.blocks, r)
			m.blocks[n] = old
			for i := range m.order {
				if m.order[i] == r {
					m.order[i] = n
				}
			}
		}
	}
}

func TestArenaAgainstModel(t *testing.T) {
	sizes := rapid.OneOf(rapid.IntRange(1, 300), rapid.IntRange(1, 40<<10),
		rapid.IntRange(1, MaxBlock))
	rapid.Check(t, func(t *rapid.T) {
		m := &arenaModel{a: newArena(t), blocks: map[Ref]block{}}
		size := 0
		t.Repeat(map[string]func(*rapid.T){
			"alloc": func(t *rapid.T) { m.alloc(t, sizes.Draw(t, "size")) },
			"many": func(t *rapid.T) {
				size = rapid.SampledFrom([]int{16, 128, 2000, 3000, 30000}).Draw(t, "size")
				for range rapid.IntRange(1, 200).Draw(t, "n") {
					m.alloc(t, size)
				}
			},
			"free": func(t *rapid.T) {
				if n := len(m.order); n > 0 {
					m.free(t, rapid.IntRange(0, n-1).Draw(t, "i"))
				}
			},
			"freeMany": func(t *rapid.T) {
				keep := rapid.IntRange(1, 10).Draw(t, "keep")
				for i := len(m.order) - 1; i >= 0; i-- {
					if i%keep != 0 {
						m.free(t, i)
					}
				}
			},
			"compact": m.compact,
			"trim":    func(t *rapid.T) { m.a.Trim(0, 64<<20) },
			"": func(t *rapid.T) {
				live := int64(0)
				for _, b := range m.blocks {
					live += int64(Fit(b.size))
				}
				if m.a.Live() != live || m.a.Resident() < m.a.held || m.a.held < live {
					t.Fatalf("live %d, counted %d, held %d, resident %d",
						live, m.a.Live(), m.a.held, m.a.Resident())
				}
			},
		})
		for r := range m.blocks {
			m.check(t, r)
		}
		for len(m.order) > 0 {
			m.free(t, len(m.order)-1)
		}
		m.a.Trim(0, 1<<30)
		if m.a.Live() != 0 || m.a.Resident() != 0 || m.a.held != 0 {
			t.Fatalf("empty arena: live %d, resident %d", m.a.Live(), m.a.Resident())
		}
	})
}

func TestCompactionGivesSparseSlabsBack(t *testing.T) {
	a := newArena(t)
	var keep []Ref
	for range 40_000 {
		keep = append(keep, a.Alloc(128))
	}
	for i, r := range keep {
		if i%10 != 0 {
			a.Free(r)
		}
	}
	before := a.held
	for {
		refs := a.Drain(make([]Ref, 0, 64))
		if len(refs) == 0 {
			break
		}
		for _, r := range refs {
			a.Alloc(128)
			a.Free(r)
		}
	}
	if a.held*4 > before {
		t.Fatalf("a tenth of the blocks holds %d of %d bytes after compaction", a.held, before)
	}
	resident := a.Resident()
	a.Trim(0, 1<<30)
	if a.Resident() >= resident/2 {
		t.Fatalf("trimming left %d of %d bytes resident", a.Resident(), resident)
	}
}

func TestOneBlockComingAndGoingKeepsItsSlab(t *testing.T) {
	a := newArena(t)
	first := a.Alloc(100)
	a.Free(first)
	resident := a.Resident()
	for range 1000 {
		r := a.Alloc(100)
		if r != first {
			t.Fatalf("block %d, then %d", first, r)
		}
		a.Free(r)
	}
	if a.Resident() != resident {
		t.Fatalf("resident went from %d to %d", resident, a.Resident())
	}
}

func TestMappingsOfTheirOwn(t *testing.T) {
	b, err := Map(3 << 20)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)-1] = 1
	Unmap(b)
}

func TestAllocationTouchesNoGoMemory(t *testing.T) {
	a := newArena(t)
	a.Free(a.Alloc(100))
	if n := testing.AllocsPerRun(1000, func() { a.Free(a.Alloc(100)) }); n != 0 {
		t.Fatalf("%v allocations", n)
	}
}

func BenchmarkAllocFree(b *testing.B) {
	a := newArena(b)
	refs := make([]Ref, 1024)
	for i := range refs {
		refs[i] = a.Alloc(128)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		a.Free(refs[i%1024])
		refs[i%1024] = a.Alloc(128)
	}
}

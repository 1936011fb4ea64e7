package ws

import (
	"errors"
	"slices"
)

// dumbInflate inflates data (RFC 1951) as plainly as can be, and says how far back it looked. It
// ends with a last block, or where the data do. It panics on what is broken.
func dumbInflate(data []byte) (out []byte, longest int) {
	d := &dumbReader{data: data}
	for len(d.data)*8-d.bit >= 3 {
		last, kind := d.number(1), d.number(2)
		switch kind {
		case 0:
			d.bit = (d.bit + 7) &^ 7
			n := d.number(16)
			if n^d.number(16) != 0xffff {
				panic(errors.New("length"))
			}
			for range n {
				out = append(out, byte(d.number(8)))
			}
		case 1:
			var lengths [288]int
			for i := range lengths {
				lengths[i] = []int{8, 9, 7, 8}[firstOver([]int{144, 256, 280, 288}, i)]
			}
			out = d.codes(out, lengths[:], slices.Repeat([]int{5}, 30), &longest)
		case 2:
			literals, distances := d.tables()
			out = d.codes(out, literals, distances, &longest)
		default:
			panic(errors.New("kind of block"))
		}
		if last == 1 {
			break
		}
	}
	return out, longest
}

func firstOver(bounds []int, n int) int {
	return slices.IndexFunc(bounds, func(b int) bool { return n < b })
}

type dumbReader struct {
	data []byte
	bit  int
}

// number reads n bits, the lowest first.
func (d *dumbReader) number(n int) (v int) {
	for i := range n {
		v |= int(d.data[d.bit/8]>>(d.bit%8)&1) << i
		d.bit++
	}
	return v
}

// symbol reads one code of the canonical ones with these lengths.
func (d *dumbReader) symbol(lengths []int) int {
	code, first := 0, 0
	for n := 1; n < 16; n++ {
		code |= d.number(1)
		for s, l := range lengths {
			if l != n {
				continue
			}
			if code == first {
				return s
			}
			first++
		}
		code, first = code<<1, first<<1
	}
	panic(errors.New("code"))
}

func (d *dumbReader) tables() (literals, distances []int) {
	nl, nd, nc := d.number(5)+257, d.number(5)+1, d.number(4)+4
	meta := make([]int, 19)
	order := []int{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}
	for _, at := range order[:nc] {
		meta[at] = d.number(3)
	}
	var all []int
	for len(all) < nl+nd {
		switch s := d.symbol(meta); s {
		case 16:
			all = append(all, slices.Repeat(all[len(all)-1:], 3+d.number(2))...)
		case 17:
			all = append(all, make([]int, 3+d.number(3))...)
		case 18:
			all = append(all, make([]int, 11+d.number(7))...)
		default:
			all = append(all, s)
		}
	}
	return all[:nl], all[nl : nl+nd]
}

func (d *dumbReader) codes(out []byte, literals, distances []int, longest *int) []byte {
	for {
		s := d.symbol(literals)
		if s == 256 {
			return out
		}
		if s < 256 {
			out = append(out, byte(s))
			continue
		}
		length := s - 254 // 3 to 10, then in steps
		if s == 285 {
			length = 258
		} else if s >= 265 {
			extra := (s - 261) / 4
			length = (4+(s-261)%4)<<extra + 3 + d.number(extra)
		}
		s = d.symbol(distances)
		back := s + 1
		if s >= 4 {
			extra := (s - 2) / 2
			back = (2+s%2)<<extra + 1 + d.number(extra)
		}
		*longest = max(*longest, back)
		for range length {
			out = append(out, out[len(out)-back])
		}
	}
}

package glob

// indexBits is index for long parts: the bit-parallel Shift-And search. Bit j of the state says
// that the last j+1 bytes match the first j+1 elements; every byte of s moves all of them at
// once, 64 to a word. The tables take at most 32 bytes per byte of s, as n <= len(s).
func indexBits(p []byte, n int, s []byte, fold bool) int {
	words := (n + 63) / 64
	rows := make([]uint64, 256*words) // rows[c*words:] has bit j if element j matches c
	for j := range n {
		size := addElement(rows[j/64:], words, 1<<(j%64), p, fold)
		p = p[size:]
	}
	state := make([]uint64, words)
	for i, c := range s {
		row := rows[int(c)*words:][:words]
		carry := uint64(1)
		for w, x := range state {
			state[w] = (x<<1 | carry) & row[w]
			carry = x >> 63
		}
		if state[words-1]>>((n-1)%64)&1 != 0 {
			return i + 1 - n
		}
	}
	return -1
}

// addElement sets bit in the row of each byte that the element p starts with matches, and
// returns the size of the element.
func addElement(rows []uint64, words int, bit uint64, p []byte, fold bool) (size int) {
	var in set
	switch p[0] {
	case '[':
		size = class(p, &in, fold)
	case '?':
		in, size = set{^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0)}, 1
	default:
		size = width(p)
		in.addFold(p[size-1], fold)
	}
	for c := range 256 {
		if in.has(byte(c)) {
			rows[c*words] |= bit
		}
	}
	return size
}

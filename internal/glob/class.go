package glob

// set is a set of bytes.
type set [4]uint64

func (s *set) has(c byte) bool { return s[c>>6]>>(c&63)&1 != 0 }

func (s *set) add(c byte) { s[c>>6] |= 1 << (c & 63) }

// addFold adds c, in both cases if fold is set.
func (s *set) addFold(c byte, fold bool) {
	s.add(c)
	if l := lower(c); fold && 'a' <= l && l <= 'z' {
		s.add(l)
		s.add(l - 'a' + 'A')
	}
}

// addRange adds the bytes from a to b, or from b to a, as signed numbers.
func (s *set) addRange(a, b byte, fold bool) {
	from, to := int8(a), int8(b)
	if from > to {
		from, to = to, from
	}
	if fold {
		from, to = int8(lower(byte(from))), int8(lower(byte(to)))
	}
	for x := int(from); x <= int(to); x++ {
		// Folded, an upper case letter counts by its lower case, wherever that is.
		if c := byte(x); !fold || lower(c) == c {
			s.addFold(c, fold)
		}
	}
}

// class reads the set that p, which begins with '[', starts with into s, unless s is nil, and
// returns its size in p.
func class(p []byte, s *set, fold bool) (size int) {
	i := 1
	not := i < len(p) && p[i] == '^'
	if not {
		i++
	}
loop:
	for ; ; i++ {
		switch rest := len(p) - i; {
		case rest == 0:
			break loop
		case rest >= 2 && p[i] == '\\':
			i++
			if s != nil {
				s.add(p[i])
			}
		case p[i] == ']':
			i++
			break loop
		case rest >= 3 && p[i+1] == '-':
			if s != nil {
				s.addRange(p[i], p[i+2], fold)
			}
			i += 2
		case s != nil:
			s.addFold(p[i], fold)
		}
	}
	if not && s != nil {
		for j := range s {
			s[j] = ^s[j]
		}
	}
	return i
}

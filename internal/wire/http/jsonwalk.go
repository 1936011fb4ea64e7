package httpwire

// Walking through whole JSON values: containers, skipping and compacting.

func (s *jsonSource) enter() (int, error) {
	c := s.peek()
	if c != '{' && c != '[' {
		return 0, s.fail("an object or array was expected")
	}
	s.off++
	return 0, nil
}

func (s *jsonSource) elem(i, _ int) (bool, error) {
	switch c := s.peek(); {
	case c == ']':
		s.off++
		return false, nil
	case i == 0:
		return true, nil
	case c == ',':
		s.off++
		return true, nil
	}
	return false, s.fail("',' or ']' was expected")
}

func (s *jsonSource) key(i, _ int) ([]byte, bool, error) {
	ok, err := s.beforeKey(i)
	if !ok {
		return nil, false, err
	}
	k, err := s.str()
	if err != nil {
		return nil, false, err
	}
	return k, true, s.colon()
}

// beforeKey consumes the comma before key i, or the end of the object.
func (s *jsonSource) beforeKey(i int) (bool, error) {
	switch c := s.peek(); {
	case c == '}':
		s.off++
		return false, nil
	case i == 0 && c == '"':
		return true, nil
	case i > 0 && c == ',':
		s.off++
		return true, nil
	}
	if i == 0 {
		return false, s.fail("a key or '}' was expected")
	}
	return false, s.fail("',' or '}' was expected")
}

func (s *jsonSource) colon() error {
	if s.peek() != ':' {
		return s.fail("':' was expected")
	}
	s.off++
	return nil
}

// octets takes digits only: 1.0 and 1e2 are numbers of a JSON value, not bytes.
func (s *jsonSource) octets(dst []byte) ([]byte, bool, error) {
	if s.peek() != '[' {
		return dst, false, nil
	}
	begin, start := s.off, len(dst)
	s.off++
	if s.peek() == ']' {
		s.off++
		return dst, true, nil
	}
	for {
		s.peek()
		n, digits := 0, s.off
		for ; s.off < len(s.buf) && s.off < digits+4; s.off++ {
			c := s.buf[s.off] - '0'
			if c > 9 {
				break
			}
			n = n*10 + int(c)
		}
		long := s.off - digits
		if long == 0 || n > 255 || long > 1 && s.buf[digits] == '0' {
			break
		}
		dst = append(dst, byte(n))
		next := s.peek()
		if next == ']' {
			s.off++
			return dst, true, nil
		}
		if next != ',' {
			break
		}
		s.off++
	}
	s.off = begin
	return dst[:start], false, nil
}

func (s *jsonSource) skip() error {
	_, err := s.walk(nil, false, 0)
	return err
}

func (s *jsonSource) text(dst []byte) ([]byte, error) { return s.walk(dst, true, 0) }

// walk checks one value and, if keep is set, appends it to dst without white space.
func (s *jsonSource) walk(dst []byte, keep bool, depth int) ([]byte, error) {
	k, err := s.kind()
	if err != nil {
		return dst, err
	}
	if k == kindObject || k == kindArray {
		if depth == maxDepth {
			return dst, s.fail("nested too deeply")
		}
		if k == kindArray {
			return s.walkArray(dst, keep, depth)
		}
		return s.walkObject(dst, keep, depth)
	}
	start := s.off
	switch k {
	case kindString:
		_, _, err = s.scanString()
	case kindNumber:
		_, err = s.number()
	case kindBool:
		_, err = s.boolean()
	default:
		err = s.word("null")
	}
	if keep && err == nil {
		dst = append(dst, s.buf[start:s.off]...)
	}
	return dst, err
}

func (s *jsonSource) walkArray(dst []byte, keep bool, depth int) ([]byte, error) {
	s.off++
	if keep {
		dst = append(dst, '[')
	}
	for i := 0; ; i++ {
		more, err := s.elem(i, 0)
		if err != nil {
			return dst, err
		}
		if !more {
			break
		}
		if keep && i > 0 {
			dst = append(dst, ',')
		}
		if dst, err = s.walk(dst, keep, depth+1); err != nil {
			return dst, err
		}
	}
	if keep {
		dst = append(dst, ']')
	}
	return dst, nil
}

func (s *jsonSource) walkObject(dst []byte, keep bool, depth int) ([]byte, error) {
	s.off++
	if keep {
		dst = append(dst, '{')
	}
	for i := 0; ; i++ {
		more, err := s.beforeKey(i)
		if err != nil {
			return dst, err
		}
		if !more {
			break
		}
		s.peek()
		start := s.off
		if _, _, err = s.scanString(); err != nil {
			return dst, err
		}
		if keep {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(append(dst, s.buf[start:s.off]...), ':')
		}
		if err = s.colon(); err != nil {
			return dst, err
		}
		if dst, err = s.walk(dst, keep, depth+1); err != nil {
			return dst, err
		}
	}
	if keep {
		dst = append(dst, '}')
	}
	return dst, nil
}

package journal

import (
	"errors"
	"io"

	"github.com/synapdb/synap/internal/vfs"
)

// windowBytes is how much of a segment is read at a time.
const windowBytes = 256 << 10

// scanner reads records out of one segment. It believes no length that is not checked, and
// holds no more memory than the file has bytes.
type scanner struct {
	file   vfs.File
	size   int64
	salt   uint32
	least  int64  // bytes read at a time; 0: windowBytes
	window []byte // a piece of the file, kept from one segment to the next
	at     int64  // where window stands in the file
}

// open turns the scanner to another segment.
func (s *scanner) open(f vfs.File, salt uint32) (err error) {
	s.file, s.salt, s.at, s.window = f, salt, 0, s.window[:0]
	s.size, err = f.Size()
	return err
}

// bytes yields n bytes of the file from off, valid until the next call; nil when the file ends
// before them.
func (s *scanner) bytes(off, n int64) ([]byte, error) {
	if n > s.size-off {
		return nil, nil
	}
	if off < s.at || off+n > s.at+int64(len(s.window)) {
		if err := s.fill(off, n); err != nil {
			return nil, err
		}
		if n > int64(len(s.window)) {
			return nil, nil // the file has become shorter
		}
	}
	return s.window[off-s.at:][:n:n], nil
}

// fill reads a window that begins at off and holds at least n bytes, if the file does.
func (s *scanner) fill(off, n int64) error {
	least := s.least
	if least == 0 {
		least = windowBytes
	}
	n = min(max(n, least), s.size-off)
	if int64(cap(s.window)) < n {
		s.window = make([]byte, n)
	}
	got, err := s.file.ReadAt(s.window[:n], off)
	s.at, s.window = off, s.window[:got]
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return err
}

// forget makes the next look at the file a fresh one.
func (s *scanner) forget() { s.window = s.window[:0] }

// head reads the head of a record at off. ok is false when there is none or the file has not
// room for the record.
func (s *scanner) head(off int64) (h head, ok bool, err error) {
	b, err := s.bytes(off, recordHead)
	if err != nil || b == nil {
		return head{}, false, err
	}
	h, ok = parseHead(b, s.salt)
	return h, ok && h.bytes() <= s.size-off, nil
}

// headOf reads the head of the record want at off; if it is not there, the reason why.
func (s *scanner) headOf(off int64, want LSN) (h head, reason string, err error) {
	h, ok, err := s.head(off)
	switch {
	case err != nil:
		return h, "", err
	case !ok:
		return head{}, "there is no intact head of a record", nil
	case h.lsn != want:
		return head{}, "another record stands in its place", nil
	}
	return h, "", nil
}

// record reads the record want at off. The payload is valid until the next call. A record that
// is not whole yields the reason, and a head with an LSN if that is intact.
func (s *scanner) record(off int64, want LSN) (h head, payload []byte, reason string, err error) {
	h, reason, err = s.headOf(off, want)
	if err != nil || reason != "" {
		return h, nil, reason, err
	}
	body, err := s.bytes(off+recordHead, h.bytes()-recordHead)
	if err != nil {
		return h, nil, "", err
	}
	if body == nil || !wholeBody(&h, body) {
		return h, nil, "the payload does not match its checksum", nil
	}
	return h, body[:h.length], "", nil
}

// search looks for records after off whose LSN is above after, wherever they begin. It returns
// the newest LSN that any of them knows to be synced and the end of the last one, 0 and 0 when
// there is none. The time is bounded by the bytes: only a checked head makes it look at a
// payload's length, and it never looks at a payload.
func (s *scanner) search(off int64, after LSN) (synced LSN, end int64, err error) {
	off = (off + 7) &^ 7
	for ; off+recordHead <= s.size; off += 8 {
		b, err := s.bytes(off, recordHead)
		if err != nil || b == nil {
			return synced, end, err
		}
		if lsn := headLSN(b); lsn <= after || lsn > after+LSN(s.size) {
			continue
		}
		if h, ok := parseHead(b, s.salt); ok && h.bytes() <= s.size-off {
			synced, end = max(synced, h.synced), off+h.bytes()
			off = end - 8
		}
	}
	return synced, end, nil
}

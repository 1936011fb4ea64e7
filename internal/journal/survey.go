package journal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"

	"github.com/synapdb/synap/internal/vfs"
)

// found is a segment file as it lies in the directory.
type found struct {
	header
	path   string
	size   int64
	broken error // why the header cannot be used; header is then the copy, if copied
	copied bool  // the second copy of a broken header is whole
}

// survey is what lies in a log's directory.
type survey struct {
	fs     vfs.FS
	dir    string
	used   []found  // segments with records, by first LSN
	spare  []found  // segments prepared or freed, without records
	broken []found  // segments with a damaged header, used or not
	temps  []string // paths of files that cannot hold a record
	top    uint64   // the highest number in any name
}

// errShort says that a file ends before the place of its first record.
var errShort = errors.New("the file ends inside its header")

// look reads the names and the headers. An absent directory is an empty one.
func look(files vfs.FS, dir string) (*survey, error) {
	s := &survey{fs: files, dir: dir}
	names, err := files.List(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, name := range names {
		path := filepath.Join(dir, name)
		number, ok := segmentNumber(name)
		switch {
		case ok:
			f, err := readHeader(files, path, number)
			if err != nil {
				return nil, err
			}
			s.top = max(s.top, number)
			s.sort(f, number)
		case isTemp(name):
			s.temps = append(s.temps, path)
		}
	}
	slices.SortStableFunc(s.used, func(a, b found) int {
		return int(min(max(int64(a.first)-int64(b.first), -1), 1))
	})
	return s, nil
}

// sort puts a file where it belongs.
func (s *survey) sort(f found, number uint64) {
	switch {
	case errors.Is(f.broken, errShort):
		s.temps = append(s.temps, f.path)
	case f.broken == nil && f.number < number:
		// It was freed and given a new number, and then the power went.
		s.spare = append(s.spare, f)
	case f.broken == nil && f.number > number:
		f.broken = fmt.Errorf("the name belongs to segment %d, the header to %d", number, f.number)
		s.broken = append(s.broken, f)
	case f.broken != nil && f.copied && (f.first == 0 || f.number < number):
		// A write of the header was torn: the first write of records, or that after recycling.
		s.spare = append(s.spare, f)
	case f.broken != nil:
		s.broken = append(s.broken, f)
		if f.copied {
			s.used = append(s.used, f)
		}
	case f.first == 0:
		s.spare = append(s.spare, f)
	default:
		s.used = append(s.used, f)
	}
}

func readHeader(files vfs.FS, path string, number uint64) (f found, err error) {
	f.path = path
	file, err := files.Open(path)
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if f.size, err = file.Size(); err != nil {
		return f, err
	}
	var b [recordsAt]byte
	n, err := file.ReadAt(b[:min(f.size, recordsAt)], 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return f, err
	}
	if n < len(b) {
		f.broken = errShort
		return f, nil
	}
	if f.header, f.broken = parseHeader(b[:]); errors.Is(f.broken, errFormat) {
		return f, fmt.Errorf("%s: %w", path, f.broken)
	}
	if f.broken != nil {
		second, err := parseHeader(b[sectorBytes:])
		if f.copied = err == nil && second.number <= number; f.copied {
			f.header = second
		}
	}
	return f, nil
}

// oneHistory makes sure that the segments belong together, and to the history want unless that
// is zero.
func (s *survey) oneHistory(want [16]byte) error {
	for _, list := range [][]found{s.used, s.spare} {
		for _, f := range list {
			if want == ([16]byte{}) {
				want = f.history
			}
			if f.history != want {
				return &Damage{File: f.path, LSN: f.first,
					Reason: fmt.Sprintf("it belongs to the history %x, not to %x", f.history, want)}
			}
		}
	}
	return nil
}

// headerDamage is the first damaged header, or nil.
func (s *survey) headerDamage(end *walk) *Damage {
	if len(s.broken) == 0 {
		return nil
	}
	f := s.broken[0]
	d := &Damage{File: f.path, LSN: end.next, Synced: end.report.Synced, Reason: f.broken.Error()}
	if f.copied {
		d.LSN = f.first
	}
	return d
}

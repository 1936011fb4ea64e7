package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"path/filepath"
	"strconv"
	"strings"
)

// A segment is a file with this header, little-endian, alone in its sector; a copy of the header
// in the second sector; and records from the third on, each after the other:
//
//	 0       8        12     16       24          32        48       64      68
//	| magic | format | 0    | number | first lsn | history | secret | check | zeros to 512 |
//	| 8     | u32    | u32  | u64    | u64       | 16      | 16     | u32   |
//
// number is the number in the file's name. first lsn is 0 from the preparation of the segment
// until its first record is written. secret is made once for a log. check is the CRC32C of what
// stands before it.
//
// Both are synced, without a first lsn, before the segment holds records, and are written again
// together with the first of them. A power cut may tear either write, but leaves one of the two
// whole, old or new. So if a header does not check and its copy is whole and is without a first
// lsn or with the number of a former life, then nothing in the segment was ever synced, and it
// holds no records. Any other header that does not check is damage and never a torn write.
const (
	sectorBytes = 512
	headerBytes = 68
	recordsAt   = 2 * sectorBytes
	format      = 1
)

var magic = [8]byte{'S', 'y', 'n', 'a', 'p', 'J', 'n', 'l'}

// errFormat says that a segment was written by another version; that is nothing to repair.
var errFormat = errors.New("the journal was written by another version of the server")

// maxFirst bounds the LSNs that a header may name, so that counting on never overflows.
const maxFirst = LSN(1) << 62

type header struct {
	number  uint64
	first   LSN
	history [16]byte
	secret  [16]byte
}

// append appends both copies, recordsAt bytes.
func (h *header) append(dst []byte) []byte {
	var b [sectorBytes]byte
	copy(b[:], magic[:])
	binary.LittleEndian.PutUint32(b[8:], format)
	binary.LittleEndian.PutUint64(b[16:], h.number)
	binary.LittleEndian.PutUint64(b[24:], uint64(h.first))
	copy(b[32:], h.history[:])
	copy(b[48:], h.secret[:])
	binary.LittleEndian.PutUint32(b[64:], crc32.Checksum(b[:64], castagnoli))
	return append(append(dst, b[:]...), b[:]...)
}

// parseHeader reads one copy, of which b holds at least headerBytes.
func parseHeader(b []byte) (h header, err error) {
	switch {
	case !bytes.Equal(b[:8], magic[:]):
		return h, errors.New("this is no segment of a journal")
	case binary.LittleEndian.Uint32(b[64:]) != crc32.Checksum(b[:64], castagnoli):
		return h, errors.New("the header of the segment does not match its checksum")
	case binary.LittleEndian.Uint32(b[8:]) != format:
		return h, fmt.Errorf("%w: it has format %d, this server reads %d", errFormat,
			binary.LittleEndian.Uint32(b[8:]), format)
	}
	h.number = binary.LittleEndian.Uint64(b[16:])
	h.first = LSN(binary.LittleEndian.Uint64(b[24:]))
	h.history, h.secret = [16]byte(b[32:48]), [16]byte(b[48:64])
	if h.first > maxFirst {
		return header{}, fmt.Errorf("the segment begins at the impossible record %d", h.first)
	}
	return h, nil
}

// salt is what the checks of the segment's records are mixed with. CRC32C keeps inputs apart
// that differ in at most 32 neighbouring bits: no two of the first 2^32 segments share a salt.
func (h *header) salt() uint32 {
	var b [24]byte
	copy(b[:], h.secret[:])
	binary.LittleEndian.PutUint64(b[16:], h.number)
	return crc32.Checksum(b[:], castagnoli)
}

const (
	namePrefix = "journal-"
	nameSuffix = ".log"
	tempSuffix = ".tmp"
)

func segmentPath(dir string, number uint64) string {
	return filepath.Join(dir, fmt.Sprintf("%s%020d%s", namePrefix, number, nameSuffix))
}

// segmentNumber reads the number out of a file's name; ok is false for other files.
func segmentNumber(name string) (number uint64, ok bool) {
	digits, ok := strings.CutPrefix(name, namePrefix)
	if !ok {
		return 0, false
	}
	if digits, ok = strings.CutSuffix(digits, nameSuffix); !ok || len(digits) != 20 {
		return 0, false
	}
	number, err := strconv.ParseUint(digits, 10, 62)
	return number, err == nil
}

func isTemp(name string) bool {
	return strings.HasPrefix(name, namePrefix) && strings.HasSuffix(name, tempSuffix)
}

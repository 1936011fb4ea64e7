package snapshot

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"path/filepath"
	"strconv"
	"strings"
)

// A snapshot is one file. Numbers are little-endian, every CRC is CRC-32C.
//
//	| header 64 | block | block | … | footer 32 |
//
//	header  0        8        12       16      24        40     48     56    60
//	        | magic  | format | shards | begin | history | seed | time | 0 4 | crc |
//	block   | length 4, not 0 | crc 4 | payload |
//	footer  | 0 4             | crc 4 | entries 8 | blocks 8 | until 8 |   the end of the file
//
// The CRC of the header is over the bytes before it. Those of a block and of the footer are over
// the header's CRC (4), the place in the file (8), the length (4) and what follows: a block at
// another place, or of another snapshot, is as wrong as a changed one.
const (
	magic       = "SYNASNAP"
	format      = 1
	headerBytes = 64
	blockBytes  = 8 // before the payload
	footerBytes = blockBytes + 24

	// MaxBlock bounds the payload of a block: one entry of the greatest size fits.
	MaxBlock = 1 << 30
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Meta is what a snapshot says of itself.
type Meta struct {
	// Begin is the LSN from which on the journal is to be replayed over the entries.
	Begin uint64
	// History names the journal it belongs to.
	History [16]byte
	// Seed and Shards are the store's: with the same ones the entries go back where they were.
	Seed   uint64
	Shards uint32
	// TimeMillis is when it was begun, in ms since the Unix epoch.
	TimeMillis int64
}

// DamageError says that a file is no snapshot, or no longer whole.
type DamageError struct {
	Path   string
	Offset int64 // in bytes, where it begins
	Reason string
}

// Error names the file, the place and the reason.
func (e *DamageError) Error() string {
	return fmt.Sprintf("snapshot %s is damaged at byte %d: %s", e.Path, e.Offset, e.Reason)
}

func (m *Meta) encode() []byte {
	b := make([]byte, headerBytes)
	copy(b, magic)
	binary.LittleEndian.PutUint32(b[8:], format)
	binary.LittleEndian.PutUint32(b[12:], m.Shards)
	binary.LittleEndian.PutUint64(b[16:], m.Begin)
	copy(b[24:], m.History[:])
	binary.LittleEndian.PutUint64(b[40:], m.Seed)
	binary.LittleEndian.PutUint64(b[48:], uint64(m.TimeMillis))
	binary.LittleEndian.PutUint32(b[60:], crc32.Checksum(b[:60], castagnoli))
	return b
}

// decode reads a header; reason says what is wrong with it.
func (m *Meta) decode(b []byte) (reason string) {
	if string(b[:8]) != magic {
		return "it does not begin like a snapshot"
	}
	if crc32.Checksum(b[:60], castagnoli) != binary.LittleEndian.Uint32(b[60:]) {
		return "the header's checksum is wrong"
	}
	if f := binary.LittleEndian.Uint32(b[8:]); f != format {
		return fmt.Sprintf("it has format %d, this version reads %d", f, format)
	}
	m.Shards = binary.LittleEndian.Uint32(b[12:])
	m.Begin = binary.LittleEndian.Uint64(b[16:])
	copy(m.History[:], b[24:])
	m.Seed = binary.LittleEndian.Uint64(b[40:])
	m.TimeMillis = int64(binary.LittleEndian.Uint64(b[48:]))
	return ""
}

// checksum is the CRC of a block, or of the footer, at offset. salt is the header's CRC.
func checksum(salt uint32, offset int64, length uint32, payload []byte) uint32 {
	var b [16]byte
	binary.LittleEndian.PutUint32(b[:], salt)
	binary.LittleEndian.PutUint64(b[4:], uint64(offset))
	binary.LittleEndian.PutUint32(b[12:], length)
	return crc32.Update(crc32.Checksum(b[:], castagnoli), castagnoli, payload)
}

const (
	prefix    = "snapshot-"
	suffix    = ".snap"
	temporary = ".tmp" // after the suffix, until the file is whole
)

// pathOf is the file of the snapshot that begins at LSN begin.
func pathOf(dir string, begin uint64) string {
	return filepath.Join(dir, fmt.Sprintf("%s%020d%s", prefix, begin, suffix))
}

// beginOf reads the LSN out of a file's name; ok is false for other files.
func beginOf(name string) (begin uint64, ok bool) {
	digits, ours := strings.CutPrefix(name, prefix)
	digits, whole := strings.CutSuffix(digits, suffix)
	if !ours || !whole || len(digits) != 20 {
		return 0, false
	}
	begin, err := strconv.ParseUint(digits, 10, 64)
	return begin, err == nil
}

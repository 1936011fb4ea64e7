package journal

import (
	"encoding/binary"
	"hash/crc32"
	"math"
)

// A record, little-endian, begins at a multiple of eight:
//
//	 0        4        8                16               24       28       32
//	| length | sum    | lsn            | time           | gap    | check  | payload | zeros |
//	| u32    | u32    | u64            | u64 ms         | u32    | u32    | length  | to 8  |
//
// sum is the CRC32C of the payload. gap is lsn minus the newest LSN known to be synced when the
// record was made; noGap is "not known". check is the CRC32C of the 28 bytes before it, xor the
// salt of the segment: without it a length is not believed. A record without payload is a
// marker, written only for what its gap says.
//
// The salt (see header.salt) differs between all segments of a log and is known to nobody
// outside: neither what a recycled segment still holds of its former life nor a value in which
// somebody hides the bytes of a record can be taken for a record.
const (
	recordHead = 32
	noGap      = math.MaxUint32
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// MaxPayload is the largest payload of a record in bytes.
const MaxPayload = math.MaxUint32 - recordHead - 8

// mostAnnounced is the most bytes that Admit takes for one record: half of MaxPayload, because a
// record may turn out longer than it was announced.
const mostAnnounced = MaxPayload / 2

// recordBytes is what a record with so many bytes of payload takes in a segment.
func recordBytes(payload int) int64 { return recordHead + (int64(payload)+7)&^7 }

// head is the fixed part of a record.
type head struct {
	length     int64 // of the payload
	sum        uint32
	lsn        LSN
	timeMillis int64
	synced     LSN // the newest LSN this record knows to be synced; 0 is none
}

// bytes is what the record takes in the segment.
func (h *head) bytes() int64 { return recordHead + (h.length+7)&^7 }

// appendRecord appends a whole record.
func appendRecord(dst []byte, h head, payload []byte, salt uint32) []byte {
	gap := uint64(h.lsn - h.synced)
	if gap > noGap {
		gap = noGap
	}
	at := len(dst)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(payload)))
	dst = binary.LittleEndian.AppendUint32(dst, h.sum)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(h.lsn))
	dst = binary.LittleEndian.AppendUint64(dst, uint64(h.timeMillis))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(gap))
	dst = binary.LittleEndian.AppendUint32(dst, crc32.Checksum(dst[at:], castagnoli)^salt)
	dst = append(dst, payload...)
	var padding [8]byte
	return append(dst, padding[:-len(payload)&7]...)
}

// parseHead reads the first recordHead bytes of b. ok is false when they are no head of a record
// in the segment with that salt.
func parseHead(b []byte, salt uint32) (h head, ok bool) {
	if binary.LittleEndian.Uint32(b[28:]) != crc32.Checksum(b[:28], castagnoli)^salt {
		return head{}, false
	}
	h = head{
		length:     int64(binary.LittleEndian.Uint32(b)),
		sum:        binary.LittleEndian.Uint32(b[4:]),
		lsn:        headLSN(b),
		timeMillis: int64(binary.LittleEndian.Uint64(b[16:])),
	}
	gap := binary.LittleEndian.Uint32(b[24:])
	if gap != noGap && LSN(gap) <= h.lsn {
		h.synced = h.lsn - LSN(gap)
	}
	return h, true
}

// headLSN is the LSN in the head of a record, which may not be one.
func headLSN(b []byte) LSN { return LSN(binary.LittleEndian.Uint64(b[8:])) }

// wholeBody says whether body, the bytes after a record's head, is its payload and zeros.
func wholeBody(h *head, body []byte) bool {
	for _, b := range body[h.length:] {
		if b != 0 {
			return false
		}
	}
	return crc32.Checksum(body[:h.length], castagnoli) == h.sum
}

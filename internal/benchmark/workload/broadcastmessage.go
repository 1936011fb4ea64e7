package workload

import (
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"time"
)

// broadcastMessage is what a payload of rooms and topics says.
type broadcastMessage struct {
	number    int64         // among all of the run
	due       time.Duration // since the run began: when it was to be published
	name      uint32        // index of the room or topic
	publisher uint32
	seq       uint32 // among those of this publisher and name
}

// A payload is text, so that it can stand in JSON as it is: head bytes in base64, then letters.
//
//	number 8 | due 8 | name 4 | publisher 4 | seq 4 | sum 4
//
// The sum is over the head before it, the letters, and the run: what another run has left behind
// does not fit.
const (
	headBytes = 32
	sumAt     = headBytes - 4
)

// LeastEvent is the smallest payload of rooms and topics, in bytes.
var LeastEvent = base64.RawURLEncoding.EncodedLen(headBytes)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// blank is a payload of which only the head has to be written.
func blank(size int) []byte {
	b := make([]byte, size)
	for i := range b {
		b[i] = 'a' + byte(i%26)
	}
	return b
}

// write writes the head into a payload; run is any number that is the same for all of a run.
func (m *broadcastMessage) write(payload []byte, run uint64) {
	var head [headBytes]byte
	binary.BigEndian.PutUint64(head[0:], uint64(m.number))
	binary.BigEndian.PutUint64(head[8:], uint64(m.due))
	binary.BigEndian.PutUint32(head[16:], m.name)
	binary.BigEndian.PutUint32(head[20:], m.publisher)
	binary.BigEndian.PutUint32(head[24:], m.seq)
	binary.BigEndian.PutUint32(head[sumAt:], sum(head[:sumAt], payload[LeastEvent:], run))
	base64.RawURLEncoding.Encode(payload, head[:])
}

func sum(head, tail []byte, run uint64) uint32 {
	var id [8]byte
	binary.BigEndian.PutUint64(id[:], run)
	s := crc32.Update(crc32.Checksum(id[:], castagnoli), castagnoli, head)
	return crc32.Update(s, castagnoli, tail)
}

// read reads a payload; false: this run has not written it.
func (m *broadcastMessage) read(payload []byte, size int, run uint64) bool {
	if len(payload) != size {
		return false
	}
	var head [headBytes]byte
	if _, err := base64.RawURLEncoding.Decode(head[:], payload[:LeastEvent]); err != nil {
		return false
	}
	*m = broadcastMessage{number: int64(binary.BigEndian.Uint64(head[0:])),
		due:       time.Duration(binary.BigEndian.Uint64(head[8:])),
		name:      binary.BigEndian.Uint32(head[16:]),
		publisher: binary.BigEndian.Uint32(head[20:]),
		seq:       binary.BigEndian.Uint32(head[24:])}
	return binary.BigEndian.Uint32(head[sumAt:]) == sum(head[:sumAt], payload[LeastEvent:], run)
}

package effect

import (
	"bytes"
	"math"
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

// roomExamples has one effect of each kind over rooms, and the edges of the fields.
var roomExamples = []Room{
	{Kind: RoomSet, Name: []byte("r"), Generation: 300, First: 12,
		Settings: RoomSettings{Created: 1_700_000_000_000, MaxEvents: 10_000, MaxBytes: -1,
			MaxAge: 3_600_000}},
	{Kind: RoomSet, Generation: math.MaxUint64}, // no more than how high generations have come
	{Kind: RoomDelete, Name: []byte("gone"), Generation: 1},
	{Kind: RoomPublish, Name: []byte("r"), Generation: 2, Offset: 0, Time: 1_700_000_000_000,
		Event: []byte("e"), Data: []byte(`{"a":1}`)},
	{Kind: RoomPublish, Name: make([]byte, 512), Generation: 2, Offset: 10_000, First: 1,
		Time: math.MinInt64, Form: BytesData, Event: []byte("e"), Data: []byte("null"),
		Metadata: []byte(`{}`)},
	{Kind: RoomPublish, Name: []byte("r"), Offset: math.MaxInt64, First: math.MaxInt64},
	{Kind: RoomTrim, Name: []byte("r"), Generation: 9, First: math.MaxUint64},
	{Kind: RoomCursor, Name: []byte("r"), Generation: 9, Consumer: []byte("c"), Offset: 1 << 40},
	{Kind: RoomCursor, Name: []byte("r"), Generation: 9, Consumer: []byte("c"), Gone: true},
}

// sameRoom compares what the store sees: absent and empty bytes are the same.
func sameRoom(a, b Room) bool {
	for _, p := range [][2]*[]byte{{&a.Name, &b.Name}, {&a.Event, &b.Event}, {&a.Data, &b.Data},
		{&a.Metadata, &b.Metadata}, {&a.Consumer, &b.Consumer}} {
		if !bytes.Equal(*p[0], *p[1]) {
			return false
		}
		*p[0], *p[1] = nil, nil
	}
	return reflect.DeepEqual(a, b)
}

var roomCodec = codec[Room]{AppendRoom, DecodeRoom, sameRoom, roomExamples}

func TestRoomEffectsComeBack(t *testing.T) { roomCodec.comeBack(t) }

func TestAnyRoomEffectComesBack(t *testing.T) {
	text := rapid.SliceOfN(rapid.Byte(), 0, 200)
	rapid.Check(t, func(t *rapid.T) {
		e := Room{
			Kind: RoomPublish, Name: text.Draw(t, "name"), Form: EventForm(
				rapid.IntRange(0, 3).Draw(t, "form")),
			Generation: rapid.Uint64().Draw(t, "generation"),
			Offset:     rapid.Uint64Range(1, math.MaxInt64).Draw(t, "offset"),
			Time:       rapid.Int64().Draw(t, "time"), Event: text.Draw(t, "event"),
			Data: text.Draw(t, "data"), Metadata: text.Draw(t, "metadata"),
		}
		if rapid.Bool().Draw(t, "trims") {
			e.First = rapid.Uint64Range(1, e.Offset).Draw(t, "first")
		}
		roomCodec.comesBack(t, e)
	})
}

func TestMalformedRoomEffects(t *testing.T) {
	publish := func(bits, offset, kept byte) []byte {
		return []byte{byte(RoomPublish), 1, 'r', 1, bits, offset, 0, kept, 1, 1, 'e', '1'}
	}
	if _, _, err := DecodeRoom(publish(1<<keptBit, 5, 5)); err != nil {
		t.Fatal(err)
	}
	roomCodec.refuse(t, []byte{byte(RoomCursor) + 1, 1, 'r', 1, 1, 1, 1}, []byte{255, 0, 0},
		[]byte{byte(QueueSet), 0, 0},
		[]byte{byte(RoomCursor), 1, 'r', 1, 2, 1, 'c', 1}, // an unknown bit
		publish(1<<4, 5, 5),                               // an unknown bit
		publish(1<<keptBit, 5, 0),                         // nothing kept: not even the event
		publish(1<<keptBit, 5, 6),                         // more than were removed from
	)
}

func FuzzDecodeRoom(f *testing.F) { roomCodec.fuzz(f) }

func BenchmarkAppendRoomPublish(b *testing.B) {
	e := Room{Kind: RoomPublish, Name: make([]byte, 16), Generation: 7, Offset: 1 << 20,
		First: 1<<20 - 9999, Time: 1_700_000_000_000, Event: make([]byte, 10),
		Data: make([]byte, 100)}
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = AppendRoom(buf[:0], &e)
	}
}

package effect

import (
	"bytes"
	"math"
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

// examples has one effect of each kind, and the edges of the fields.
var examples = []Effect{
	{Kind: Set, DB: 15, Flags: JSON, Version: 1, Deadline: 1_700_000_000_000, Key: []byte("k"),
		Value: []byte("value")},
	{Kind: Set},
	{Kind: Set, Version: math.MaxUint32, Deadline: math.MinInt64, Key: make([]byte, 65535)},
	{Kind: Patch, DB: 3, Version: 300, Offset: 512 << 20, Key: []byte("k"), Value: []byte{0}},
	{Kind: Delete, DB: 1, Key: []byte("gone")},
	{Kind: Expire, Key: []byte("late")},
	{Kind: Evict, DB: 255, Key: []byte{}},
	{Kind: Deadline, Version: 128, Deadline: -1, Key: []byte("k")},
	{Kind: Flush, DB: 7},
	{Kind: FlushAll},
	{Kind: Swap, DB: 1, Other: 2},
	{Kind: Set, Cause: ByRestore, Key: []byte("k"), Value: []byte("v")},
	{Kind: Patch, Cause: ByAppend, Version: 2, Offset: 1, Key: []byte("k"), Value: []byte("v")},
	{Kind: Delete, Cause: ByMoveFrom, Key: []byte("k")},
	{Kind: FlushAll, Cause: 255}, // of a newer program
}

// same compares what the store sees: absent and empty bytes are the same.
func same(a, b Effect) bool {
	if !bytes.Equal(a.Key, b.Key) || !bytes.Equal(a.Value, b.Value) {
		return false
	}
	a.Key, a.Value, b.Key, b.Value = nil, nil, nil, nil
	return reflect.DeepEqual(a, b)
}

var keyCodec = codec[Effect]{Append, Decode, same, examples}

func TestDecodeReturnsWhatWasAppended(t *testing.T) {
	keyCodec.comeBack(t)
	for _, e := range examples {
		if n := len(Append(nil, &e)); n > MaxEncoded+len(e.Key)+len(e.Value) {
			t.Errorf("%+.80v takes %d bytes", e, n)
		}
	}
}

func TestAnyEffectComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := Effect{
			Kind: Set, Cause: Cause(rapid.Byte().Draw(t, "cause")),
			DB: rapid.Byte().Draw(t, "db"), Flags: Flag(rapid.Byte().Draw(t, "flags")),
			Version: rapid.Uint32().Draw(t, "version"), Deadline: rapid.Int64().Draw(t, "deadline"),
			Key: rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "key"), Value: rapid.SliceOfN(
				rapid.Byte(), 0, 300).Draw(t, "value"),
		}
		if rapid.Bool().Draw(t, "patch") {
			e.Kind, e.Flags, e.Deadline = Patch, 0, 0
			e.Offset = int(rapid.Int32Range(0, math.MaxInt32).Draw(t, "offset"))
		}
		keyCodec.comesBack(t, e)
	})
}

func TestUnusedFieldsAreLeftOut(t *testing.T) {
	for _, e := range examples {
		full := Effect{Kind: e.Kind, DB: 1, Other: 2, Flags: 1, Version: 3, Offset: 4, Deadline: 5,
			Key: []byte("key"), Value: []byte("value"), Cause: e.Cause}
		if _, rest, err := Decode(Append(nil, &full)); err != nil || len(rest) != 0 {
			t.Errorf("kind %d: %q is left, %v", e.Kind, rest, err)
		}
	}
}

func TestHeadAndValueMakeTheWhole(t *testing.T) {
	for _, e := range examples {
		whole := Append(nil, &e)
		value := e.Value
		e.Value = nil
		if parts := append(AppendHead(nil, &e, len(value)), value...); !bytes.Equal(parts, whole) {
			t.Errorf("kind %d: %x and %x", e.Kind, parts, whole)
		}
	}
}

func TestMalformedEffects(t *testing.T) {
	cause := byte(causeMark)
	keyCodec.refuse(t, nil, []byte{0}, []byte{0, 0}, []byte{cause + 1, 0, 0, 0},
		[]byte{255, 1, 1, 1}, []byte{cause}, []byte{cause, 1}, []byte{cause, 1, 0, 0},
		[]byte{cause, 1, cause, 1, byte(FlushAll)},
		append([]byte{cause, 1}, AppendQueue(nil, &Queue{Kind: QueueDelete})...),
		append([]byte{cause, 1}, AppendRoom(nil, &Room{Kind: RoomDelete})...))
}

func FuzzDecode(f *testing.F) { keyCodec.fuzz(f) }

func BenchmarkAppend(b *testing.B) {
	e := Effect{Kind: Set, Version: 7, Key: make([]byte, 16), Value: make([]byte, 100)}
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = Append(buf[:0], &e)
	}
}

func BenchmarkDecode(b *testing.B) {
	buf := Append(nil, &Effect{Kind: Set, Version: 7, Key: make([]byte, 16),
		Value: make([]byte, 100)})
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := Decode(buf); err != nil {
			b.Fatal(err)
		}
	}
}

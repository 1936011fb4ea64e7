package effect

import (
	"bytes"
	"errors"
	"testing"
)

// FuzzDecodeQueue: any bytes are either malformed or an effect that has the same meaning written
// anew, and never more is taken than there is.
func FuzzDecodeQueue(f *testing.F) {
	var record []byte
	for i := range queueExamples {
		one := AppendQueue(nil, &queueExamples[i])
		f.Add(one[:min(len(one), 2000)]) // one is cut off
		record = append(record, one...)
	}
	f.Add(record[:2000])
	f.Fuzz(func(t *testing.T, b []byte) {
		q, rest, err := DecodeQueue(b)
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Fatalf("%v", err)
			}
			return
		}
		if len(rest) >= len(b) || !bytes.HasSuffix(b, rest) {
			t.Fatalf("%d bytes are left of %d", len(rest), len(b))
		}
		again, tail, err := DecodeQueue(AppendQueue(nil, &q))
		if err != nil || len(tail) != 0 || !sameQueue(used(q), again) {
			t.Fatalf("%+v came back as\n%+v, %v", q, again, err)
		}
	})
}

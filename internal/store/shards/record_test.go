package shards

import "testing"

func TestRecordIsLent(t *testing.T) {
	var r Record
	r.GiveBack() // nothing was borrowed
	mine, other := make([]byte, 3, 100), make([]byte, 0, 50)
	r.Borrow(&mine)
	r.Borrow(&other) // it has a buffer
	if len(r.Bytes) != 0 || cap(r.Bytes) != 100 {
		t.Fatalf("%d bytes of %d", len(r.Bytes), cap(r.Bytes))
	}
	r.Bytes = append(r.Bytes, make([]byte, 200)...) // it moves
	grown := cap(r.Bytes)
	r.GiveBack()
	if r.Bytes != nil || len(mine) != 0 || cap(mine) != grown || cap(other) != 50 {
		t.Errorf("%d bytes are left, the lenders have %d and %d", len(r.Bytes), cap(mine),
			cap(other))
	}
	r.Borrow(&mine)
	r.Bytes = append(r.Bytes, make([]byte, keptScratch+1)...)
	if r.GiveBack(); mine != nil {
		t.Errorf("a buffer of %d bytes is kept", cap(mine))
	}
}

func TestEmptied(t *testing.T) {
	value := new(int)
	list := Emptied([]*int{value, value})
	if len(list) != 0 || cap(list) != 2 || list[:2][0] != nil || list[:2][1] != nil {
		t.Errorf("%v of %d", list[:2], cap(list))
	}
	if list := Emptied(make([][keptBytes / 4]byte, 5)); list != nil {
		t.Errorf("%d places are kept", cap(list))
	}
	if Emptied[int](nil) != nil {
		t.Error("something is made of nothing")
	}
}

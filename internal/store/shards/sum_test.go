package shards

import "testing"

func TestSum(t *testing.T) {
	sum := func(items ...string) [32]byte {
		s := NewSum()
		for _, item := range items {
			half := len(item) / 2
			s.Add(append(s.Scratch[:0], item[:half]...), []byte(item[half:]))
		}
		return s.Bytes()
	}
	if sum("a", "bcd", "ef") != sum("ef", "a", "bcd") {
		t.Error("it depends on the order")
	}
	if sum("a") == sum("a", "a") || sum("a", "a", "a") == sum("a") || sum("a") == sum("b") ||
		sum() == sum("") {
		t.Error("other contents have the same sum")
	}
}

package plan

import (
	"bytes"
	"math/big"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/store/kv"
)

// now is when all tests happen, in ms since the Unix epoch.
const now = 1_000_000

// lockAll starts a transaction over a store of its own, with every shard locked.
func lockAll(t *testing.T) *kv.Tx {
	t.Helper()
	store, err := kv.New(kv.Options{Shards: 1})
	if err != nil {
		t.Fatal(err)
	}
	tx := new(kv.Tx)
	store.Begin(tx, now)
	tx.DeclareAll()
	tx.Lock()
	t.Cleanup(func() {
		tx.Unlock()
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return tx
}

func TestIntReadsWhatAppendIntWrites(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64().Draw(t, "n")
		if got, ok := Int(strconv.AppendInt(nil, n, 10)); !ok || got != n {
			t.Fatalf("%d is read as %d, %v", n, got, ok)
		}
	})
}

func TestIntRefusesEveryOtherSpelling(t *testing.T) {
	for _, text := range []string{
		"", "-", "+1", "01", "-0", "-01", " 1", "1 ", "1.0", "1e3", "0x1",
		"9223372036854775808", "-9223372036854775809", "18446744073709551616",
		"99999999999999999999",
	} {
		if n, ok := Int([]byte(text)); ok {
			t.Errorf("%q is read as %d", text, n)
		}
	}
}

func TestSetConditions(t *testing.T) {
	tx, k := lockAll(t), []byte("k")
	if _, stored := Set(tx, 0, k, []byte("a"), SetOptions{IfVersion: 1}); stored {
		t.Error("an absent key has a version")
	}
	version, stored := Set(tx, 0, k, []byte("a"), SetOptions{NX: true, Deadline: now + 5})
	if !stored {
		t.Fatal("NX refuses an absent key")
	}
	if at, stored := Set(tx, 0, k, []byte("b"), SetOptions{IfVersion: version + 1}); stored ||
		at != version {
		t.Errorf("another version: stored %v, at %d", stored, at)
	}
	next, stored := Set(tx, 0, k, []byte("b"), SetOptions{IfVersion: version, KeepTTL: true})
	if !stored || next != version+1 {
		t.Errorf("the version it has: stored %v, version %d", stored, next)
	}
	if e, found := tx.Peek(0, k); !found || e.Deadline() != now+5 || string(e.Value()) != "b" {
		t.Error("KeepTTL lost the deadline")
	}
	if Persist(tx, 0, k); Persist(tx, 0, k) {
		t.Error("the deadline was removed twice")
	}
	if !Expire(tx, 0, k, now, 0) {
		t.Error("an existing key does not expire")
	}
	if _, found := tx.Peek(0, k); found {
		t.Error("a deadline that has come leaves the key")
	}
}

// naiveBit is bit number at of value, the slow way.
func naiveBit(value []byte, at int64) int64 {
	if at/8 >= int64(len(value)) {
		return 0
	}
	return int64(value[at/8]) >> (7 - at%8) & 1
}

func TestBitsAgreeWithASlowCount(t *testing.T) {
	fill := rapid.SampledFrom([]byte{0, 0, 0, 0xff, 0xff, 1, 0x80, 0x5a})
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.SliceOfN(fill, 0, 40).Draw(t, "value")
		from := rapid.Int64Range(0, int64(len(value))*8).Draw(t, "from")
		to := rapid.Int64Range(from, int64(len(value))*8).Draw(t, "to")
		count, first := int64(0), [2]int64{-1, -1}
		for at := to - 1; at >= from; at-- {
			bit := naiveBit(value, at)
			count += bit
			first[bit] = at
		}
		if got := CountBits(value, from, to); got != count {
			t.Errorf("CountBits %d, want %d", got, count)
		}
		for bit, want := range first {
			if got := FindBit(value, int64(bit), from, to); got != want {
				t.Errorf("FindBit(%d) %d, want %d", bit, got, want)
			}
		}
	})
}

// wide is the field of value in unbounded arithmetic.
func wide(value []byte, op FieldOp) *big.Int {
	n := new(big.Int)
	for i := range int64(op.Width) {
		n.Lsh(n, 1).Or(n, big.NewInt(naiveBit(value, op.At+i)))
	}
	if op.Signed && n.Bit(int(op.Width)-1) == 1 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(op.Width)))
	}
	return n
}

// bounds are the smallest and the largest number of the field's type.
func bounds(op FieldOp) (low, high *big.Int) {
	size := new(big.Int).Lsh(big.NewInt(1), uint(op.Width))
	if !op.Signed {
		return new(big.Int), size.Sub(size, big.NewInt(1))
	}
	half := size.Rsh(size, 1)
	return new(big.Int).Neg(half), new(big.Int).Sub(half, big.NewInt(1))
}

func TestFieldsAgreeWithUnboundedArithmetic(t *testing.T) {
	tx, k := lockAll(t), []byte("k")
	rapid.Check(t, func(t *rapid.T) {
		before := rapid.SliceOfN(rapid.Byte(), 1, 20).Draw(t, "value")
		Set(tx, 0, k, before, SetOptions{})
		op := FieldOp{
			Kind: IncrField, Signed: rapid.Bool().Draw(t, "signed"),
			Overflow: rapid.SampledFrom([]Overflow{Wrap, Saturate, Fail}).Draw(t, "overflow"),
			At:       rapid.Int64Range(0, 100).Draw(t, "at"),
			Operand:  rapid.Int64().Draw(t, "operand"),
		}
		op.Width = rapid.Uint8Range(1, 63).Draw(t, "width")
		if op.Signed {
			op.Width = rapid.Uint8Range(1, 64).Draw(t, "signed width")
		}
		fields, err := NewFields(tx, 0, k, []FieldOp{op})
		if err != nil {
			t.Fatal(err)
		}
		want := wide(before, op)
		want.Add(want, big.NewInt(op.Operand))
		low, high := bounds(op)
		over, under := want.Cmp(high) > 0, want.Cmp(low) < 0
		got, ok := fields.Run(&op)
		fields.Close()
		switch {
		case (over || under) && op.Overflow == Fail:
			if ok {
				t.Fatalf("%d, want a failure", got)
			}
			want = wide(before, op)
		case over && op.Overflow == Saturate:
			want = high
		case under && op.Overflow == Saturate:
			want = low
		case over || under:
			size := new(big.Int).Add(new(big.Int).Sub(high, low), big.NewInt(1))
			want.Sub(want, low).Mod(want, size).Add(want, low)
		}
		e, _ := tx.Peek(0, k)
		if stored := wide(e.Value(), op); stored.Cmp(want) != 0 || ok && got != want.Int64() {
			t.Fatalf("stored %v, result %d, want %v", stored, got, want)
		}
		if rest := op; !sameOutside(before, e.Value(), rest) {
			t.Fatal("bits outside the field changed")
		}
	})
}

func sameOutside(before, after []byte, op FieldOp) bool {
	for at := range int64(len(after)) * 8 {
		inside := at >= op.At && at < op.At+int64(op.Width)
		if !inside && naiveBit(before, at) != naiveBit(after, at) {
			return false
		}
	}
	return true
}

func TestAPatchOfAFlaggedValueMakesItAString(t *testing.T) {
	tx, k := lockAll(t), []byte("n")
	if _, err := Incr(tx, 0, k, 41, effect.ByIncrBy); err != nil {
		t.Fatal(err)
	}
	if !Expire(tx, 0, k, now+7, 0) {
		t.Fatal("a new key does not expire")
	}
	if n, err := Append(tx, 0, k, []byte("x")); n != 3 || err != nil {
		t.Errorf("Append: %d, %v", n, err)
	}
	e, _ := tx.Peek(0, k)
	if e.Flags() != 0 || e.Deadline() != now+7 || !bytes.Equal(e.Value(), []byte("41x")) {
		t.Errorf("flags %d, deadline %d, value %q", e.Flags(), e.Deadline(), e.Value())
	}
}

func TestFloatsRoundAsExtendedDoubles(t *testing.T) {
	tx := lockAll(t)
	for _, c := range []struct{ old, by, want string }{
		{"0.1", "0.2", "0.3"},
		{"5.0e3", "200", "5200"},
		{"-0.5", "0.5", "0"},
		{"9007199254740993", "1", "9007199254740994"}, // beyond the mantissa of a float64
		{"0x1.8p1", "-3", "0"},
		{"1e-17", "0", "0.00000000000000001"},
		{"1e-18", "0", "0"},
	} {
		Set(tx, 0, []byte("f"), []byte(c.old), SetOptions{})
		got, err := IncrFloat(tx, 0, []byte("f"), []byte(c.by))
		if string(got) != c.want || err != nil {
			t.Errorf("%s + %s = %s, %v; want %s", c.old, c.by, got, err, c.want)
		}
	}
}

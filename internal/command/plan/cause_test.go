package plan

import (
	"slices"
	"testing"

	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/store/kv"
)

// causes keeps the causes of what it is told.
type causes []effect.Cause

func (*causes) Interest(uint8, []byte) kv.Interest { return kv.NameOnly }

func (c *causes) Changed(_ uint64, _ int64, changes []kv.Change) bool {
	for i := range changes {
		*c = append(*c, changes[i].Cause)
	}
	return false
}

// Those who watch a key are told by what command it changed.
func TestPlansSayWhatCausedTheirEffects(t *testing.T) {
	store, err := kv.New(kv.Options{Shards: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	var told causes
	store.SetObserver(&told)
	store.Observe(true)
	a, b := []byte("a"), []byte("b")
	set := func(o SetOptions) func(*kv.Tx) {
		return func(tx *kv.Tx) { Set(tx, 0, a, []byte("1"), o) }
	}
	fields := func(ops ...FieldOp) func(*kv.Tx) {
		return func(tx *kv.Tx) {
			f, _ := NewFields(tx, 0, b, ops)
			for i := range ops {
				f.Run(&ops[i])
			}
			f.Close()
		}
	}
	one := FieldOp{Kind: IncrField, Width: 8, Operand: 1}
	over := FieldOp{Kind: IncrField, Width: 8, At: 16, Overflow: Fail, Operand: 300}
	for i, step := range []struct {
		run  func(*kv.Tx)
		want []effect.Cause
	}{
		{set(SetOptions{Deadline: now + 9}), []effect.Cause{effect.Unsaid}},
		{set(SetOptions{KeepTTL: true}), []effect.Cause{effect.ByKeepTTL}},
		{func(tx *kv.Tx) { Incr(tx, 0, a, 1, effect.ByDecrBy) }, []effect.Cause{effect.ByDecrBy}},
		{func(tx *kv.Tx) { IncrFloat(tx, 0, a, []byte("1")) },
			[]effect.Cause{effect.ByIncrByFloat}},
		{set(SetOptions{}), []effect.Cause{effect.Unsaid}},
		{set(SetOptions{KeepTTL: true}), []effect.Cause{effect.Unsaid}}, // there is none to keep
		{func(tx *kv.Tx) { Append(tx, 0, a, []byte("x")) }, []effect.Cause{effect.ByAppend}},
		{func(tx *kv.Tx) { SetRange(tx, 0, a, 0, []byte("x")) },
			[]effect.Cause{effect.BySetRange}},
		{func(tx *kv.Tx) { SetBit(tx, 0, a, 0, 1) }, []effect.Cause{effect.BySetBit}},
		{func(tx *kv.Tx) { Copy(tx, Place{0, a}, Place{0, b}, false) },
			[]effect.Cause{effect.ByCopyTo}},
		{func(tx *kv.Tx) { Rename(tx, Place{0, b}, Place{0, a}, true) },
			[]effect.Cause{effect.ByRenameTo, effect.ByRenameFrom}},
		{func(tx *kv.Tx) { Rename(tx, Place{0, a}, Place{1, a}, false) },
			[]effect.Cause{effect.ByMoveTo, effect.ByMoveFrom}},
		{fields(over), []effect.Cause{effect.ByBitfieldRest}},
		{fields(over, one, one), []effect.Cause{effect.BySetBit, effect.ByBitfieldRest}},
		{func(tx *kv.Tx) { Delete(tx, 0, b) }, []effect.Cause{effect.Unsaid}},
		{fields(one, one), []effect.Cause{effect.BySetBit, effect.ByBitfieldRest,
			effect.ByBitfieldRest}},
	} {
		told = nil
		var tx kv.Tx
		store.Begin(&tx, now)
		tx.DeclareAll()
		tx.Lock()
		step.run(&tx)
		tx.Unlock()
		if !slices.Equal(told, step.want) {
			t.Errorf("step %d: %v, want %v", i, told, step.want)
		}
	}
}

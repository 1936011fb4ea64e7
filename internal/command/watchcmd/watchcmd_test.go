package watchcmd

import (
	"testing"

	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/store/kv"
)

func TestNamesOfEvents(t *testing.T) {
	names := map[effect.Cause]string{effect.Unsaid: "set", effect.ByAppend: "append",
		effect.BySetRange: "setrange", effect.BySetBit: "setrange", effect.ByIncrBy: "incrby",
		effect.ByDecrBy: "decrby", effect.ByIncrByFloat: "set", effect.ByRenameTo: "set",
		effect.ByCopyTo: "set", effect.ByMoveTo: "set", effect.ByRestore: "set",
		effect.ByKeepTTL: "set", effect.ByBitfieldRest: "setrange"}
	for cause, want := range names {
		if got := eventName(&effect.Effect{Kind: effect.Set, Cause: cause}); got != want {
			t.Errorf("a Set, %s: %s, want %s", cause, got, want)
		}
	}
	for _, c := range []struct {
		e    effect.Effect
		want string
	}{
		{effect.Effect{Kind: effect.Patch}, "setrange"},
		{effect.Effect{Kind: effect.Patch, Cause: effect.ByAppend}, "append"},
		{effect.Effect{Kind: effect.Delete, Cause: effect.ByRenameFrom}, "del"},
		{effect.Effect{Kind: effect.Delete, Cause: effect.ByMoveFrom}, "del"},
		{effect.Effect{Kind: effect.Expire}, "expired"},
		{effect.Effect{Kind: effect.Evict}, "evicted"},
		{effect.Effect{Kind: effect.Deadline, Deadline: 1}, "expire"},
		{effect.Effect{Kind: effect.Deadline}, "persist"},
		{effect.Effect{Kind: effect.Flush}, "flush"},
		{effect.Effect{Kind: effect.FlushAll}, "flush"},
		{effect.Effect{Kind: effect.Swap}, "swap"},
	} {
		if got := eventName(&c.e); got != c.want {
			t.Errorf("%+v is %s, want %s", c.e, got, c.want)
		}
	}
}

func TestTextsOfEvents(t *testing.T) {
	set := func(value []byte) *kv.Change {
		return &kv.Change{Effect: effect.Effect{Kind: effect.Set, Key: []byte("k\xff"),
			Version: 7, Value: value}}
	}
	for _, c := range []struct {
		change *kv.Change
		lsn    uint64
		bare   bool
		want   string
	}{
		{set([]byte(`"`)), 0, false, `{"key":"k�","event":"set","version":7,"value":"\""}`},
		{set(nil), 3, false, `{"key":"k�","event":"set","version":7,"truncated":true,"lsn":3}`},
		{set([]byte("\xff")), 0, false, `{"key":"k�","event":"set","version":7,"truncated":true}`},
		{set([]byte{}), 0, false, `{"key":"k�","event":"set","version":7,"value":""}`},
		{set([]byte("v")), 1, true, `{"key":"k�","event":"set","version":7,"lsn":1}`},
		{set(nil), 0, true, `{"key":"k�","event":"set","version":7}`},
		{&kv.Change{Effect: effect.Effect{Kind: effect.Delete, Key: []byte("k")}}, 0, false,
			`{"key":"k","event":"del","version":0}`},
	} {
		if got := string(appendEvent(nil, c.change, c.lsn, c.bare)); got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
}

func TestPositions(t *testing.T) {
	for text, want := range map[string]Position{"0": {0, wholeRecord}, "17": {17, wholeRecord},
		"17-0": {17, 0}, "0-4": {0, 4}} {
		if got, err := ParsePosition([]byte(text)); err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "-", "1-", "-1", "1-x", "1-2-3", "99999999999999999999",
		"1-99999999999", "+1", " 1"} {
		if got, err := ParsePosition([]byte(text)); err == nil {
			t.Errorf("%q is %+v", text, got)
		}
	}
	for _, c := range []struct {
		p     Position
		first uint64
	}{{Position{0, wholeRecord}, 1}, {Position{0, 4}, 1}, {Position{5, 2}, 5},
		{Position{5, wholeRecord}, 6}} {
		if got := c.p.first(); got != c.first {
			t.Errorf("the first record behind %+v is %d, not %d", c.p, got, c.first)
		}
	}
	p := Position{5, 2}
	for _, c := range []struct {
		lsn   uint64
		place int
		want  bool
	}{{4, 9, true}, {5, 2, true}, {5, 3, false}, {6, 0, false}} {
		if p.covers(c.lsn, c.place) != c.want {
			t.Errorf("%+v covers %d-%d: %v", p, c.lsn, c.place, !c.want)
		}
	}
}

func TestLabelsOfServerSentEvents(t *testing.T) {
	for text, want := range map[string][2]string{
		`{"type":"message","message_id":"7-0","topic":"t"}`:    {"7-0", "message"},
		`{"type":"message","message_id":"0a1b-c","topic":"t"}`: {"", ""},
		`{"type":"connected","topics":[",\"lsn\":1}"],"lsn":12}`: {"12",
			"connected"},
		`{"type":"connected","topics":["a"]}`: {"", ""},
		`{"type":"error","error":"x"}`:        {"", ""},
	} {
		id, name := label(nil, []byte(text), nil)
		if string(id) != want[0] || string(name) != want[1] {
			t.Errorf("%s: %q %q", text, id, name)
		}
	}
}

func TestAWatchThatCouldNotBeOpenedMayStall(t *testing.T) {
	var w KeyWatch
	if _, err := w.Open(nil, &Options{Patterns: [][]byte{[]byte("#.a")}}, 0); err == nil {
		t.Fatal("a pattern that is none was accepted")
	}
	w.Stall(true) // its answer is still on its way
}

package room_test

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/synapdb/synap/internal/store/room"
)

// selected is what a twin would take: it decodes every frame.
func selected(t *rapid.T, frames []byte, s room.Selection, name string) (all []string) {
	bytes := 0
	for len(frames) > 0 {
		var text []byte
		text, frames = room.Text(frames)
		var e struct {
			Offset uint64
			Event  string
		}
		if err := json.Unmarshal(text, &e); err != nil {
			t.Fatalf("%v in %q", err, text)
		}
		if e.Offset >= s.Until || name != "" && e.Event != name {
			continue
		}
		if s.Events > 0 && len(all) >= s.Events || s.Bytes > 0 && bytes >= s.Bytes {
			continue
		}
		bytes += len(text)
		all = append(all, string(text))
	}
	return all
}

// Labels and selections are read from the frames' bytes; a decoder of JSON must agree.
func TestFramesAreReadAsTheyWereWritten(t *testing.T) {
	names := []string{"a", `q"uo\te`, "line\nbreak", strings.Repeat("n", 300), "é"}
	rapid.Check(t, func(t *rapid.T) {
		s, err := room.New(room.Options{Shards: 1})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = s.Close() }()
		name := []byte(rapid.SampledFrom(names).Draw(t, "room"))
		var tx room.Tx
		s.Begin(&tx, 1_700_000_000_000)
		tx.Declare(name)
		tx.Lock()
		failed := []error{tx.Create(name, room.Settings{})}
		count := rapid.IntRange(0, 12).Draw(t, "events")
		given := make([]string, count)
		for i := range count {
			given[i] = rapid.SampledFrom(names).Draw(t, "name")
			data := `{"event":"` + strings.Repeat("y", rapid.SampledFrom([]int{
				0, 1, 100, 126, 70_000}).Draw(t, "size")) + `"}`
			_, err := tx.Publish(name, &room.Event{Name: []byte(given[i]), Data: []byte(data)})
			failed = append(failed, err)
		}
		f, err := tx.Frames(name, 0, 1<<30, nil)
		tx.Unlock()
		if err := errors.Join(append(failed, err)...); err != nil || f.Events != count {
			t.Fatalf("%d events, %v", f.Events, err)
		}
		for i, rest := 0, f.Bytes; len(rest) > 0; i++ {
			var text []byte
			text, rest = room.Text(rest)
			offset, inside := room.Label(text)
			if string(offset) != strconv.Itoa(i) || string(inside) != string(
				room.Inside([]byte(given[i]))) {
				t.Fatalf("event %d, %q, is labelled %q %q", i, given[i], offset, inside)
			}
		}
		wanted := room.Selection{Until: uint64(rapid.IntRange(0, 14).Draw(t, "until")),
			Events: rapid.IntRange(0, 5).Draw(t, "most"),
			Bytes:  rapid.SampledFrom([]int{0, 1, 200, 100_000}).Draw(t, "bytes")}
		only := rapid.SampledFrom(append(names, "")).Draw(t, "only")
		if only != "" {
			wanted.Name = room.Inside([]byte(only))
		}
		want := selected(t, f.Bytes, wanted, only)
		kept := wanted.Take(append([]byte(nil), f.Bytes...), 0)
		for _, w := range want {
			var text []byte
			if len(kept) == 0 {
				t.Fatalf("%q is missing", w)
			}
			if text, kept = room.Text(kept); string(text) != w {
				t.Fatalf("got %q, want %q", text, w)
			}
		}
		if len(kept) > 0 {
			t.Fatalf("%q is too much", kept)
		}
	})
}

func TestOtherTextHasNoLabel(t *testing.T) {
	whole := `{"type":"event","room":"r","offset":12,"event":"e","data":1,"timestamp":1}`
	for n := range whole {
		if offset, name := room.Label([]byte(whole[:n])); n < 50 && offset != nil && name != nil {
			t.Errorf("%q is labelled %q %q", whole[:n], offset, name)
		}
	}
	if offset, _ := room.Label([]byte(`{"type":"gap","from":1,"to":2}`)); offset != nil {
		t.Error("a gap has an offset")
	}
}

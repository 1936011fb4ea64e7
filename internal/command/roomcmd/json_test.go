package roomcmd

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/synapdb/synap/internal/effect"
)

var texts = []string{
	``, ` `, `null`, ` true `, `false`, `nul`, `0`, `-0`, `01`, `1.`, `1.5e+3`, `1E-2`, `1e`, `-`,
	`.5`, `"a"`, `"a`, `"\n\u00e9\\"`, `"\x"`, `"\u00g0"`, `"` + "\x01" + `"`, `"é"`, "\"\xff\"",
	`[]`, `[ ]`, `[1,2]`, `[1,]`, `[,]`, `[1 2]`, `{}`, `{"a":1}`, `{"a":1,}`, `{"a"}`, `{a:1}`,
	"{\n\"a\": [1,\r\n2]}", `[1]x`, strings.Repeat("[", 128) + strings.Repeat("]", 128),
	strings.Repeat("[", 129) + strings.Repeat("]", 129), `hello "you"`, "\xff\x00", "tab\tline\n",
}

// check holds what is kept of a line's data against the standard library.
func check(t *testing.T, data []byte) {
	t.Helper()
	var first, second []byte
	text, form := dataOf(data, &first)
	if !json.Valid(text) || !utf8.Valid(text) || bytes.ContainsAny(text, "\r\n") {
		t.Fatalf("%q is kept as %q", data, text)
	}
	// No JSON is deeper than its brackets are many.
	flat := bytes.Count(data, []byte("["))+bytes.Count(data, []byte("{")) <= maxDepth
	valid := json.Valid(data) && utf8.Valid(data)
	if form == effect.JSONData && !valid || valid && flat && form != effect.JSONData {
		t.Fatalf("%q has the form %d", data, form)
	}
	got := given(text, form, &second)
	if form == effect.JSONData && bytes.ContainsAny(data, "\r\n") {
		var compact bytes.Buffer
		_ = json.Compact(&compact, data)
		data = compact.Bytes()
	}
	if !bytes.Equal(got, data) {
		t.Fatalf("%q comes back as %q", data, got)
	}
}

func TestDataOfLinesComesBack(t *testing.T) {
	for _, text := range texts {
		check(t, []byte(text))
	}
}

func FuzzData(f *testing.F) {
	for _, text := range texts {
		f.Add([]byte(text))
	}
	f.Fuzz(check)
}

func BenchmarkDataOf(b *testing.B) {
	data := []byte(`{"user":"somebody","text":"` + strings.Repeat("hello ", 10) + `","n":[1,2,3]}`)
	var scratch []byte
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		dataOf(data, &scratch)
	}
}

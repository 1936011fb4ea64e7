package listing_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/synapdb/synap/internal/command/listing"
	"github.com/synapdb/synap/internal/command/replytest"
)

// names are a source, sorted, that counts how it is asked.
type names struct {
	all   []string
	asked int
}

func (n *names) Names(prefix, after string, limit int) (page []string) {
	n.asked++
	for _, name := range n.all {
		if strings.HasPrefix(name, prefix) && (after == "" || name > after) && len(page) < limit {
			page = append(page, name)
		}
	}
	return page
}

func page(t *testing.T, s listing.Source, counted bool, q listing.Query) string {
	t.Helper()
	var r replytest.Recorder
	if err := q.Page(&r, s, "things", counted); err != nil {
		return "!" + err.Error()
	}
	return r.Take()
}

func cursor(name string) []byte {
	return []byte(base64.RawURLEncoding.EncodeToString([]byte(name)))
}

func TestPage(t *testing.T) {
	s := &names{all: []string{"a", "b1", "b2", "b3"}}
	for _, c := range []struct {
		q       listing.Query
		counted bool
		want    string
	}{
		{listing.Query{Limit: 9}, false, `{1 "things" [4 "a" "b1" "b2" "b3"`},
		{listing.Query{Limit: 4, Paging: true}, true,
			`{3 "things" [4 "a" "b1" "b2" "b3" "count" 4 "cursor" (nil)`},
		{listing.Query{Limit: 2}, true,
			`{3 "things" [2 "a" "b1" "count" 2 "cursor" "` + string(cursor("b1")) + `"`},
		{listing.Query{Limit: 2, Cursor: cursor("b1"), Paging: true}, false,
			`{2 "things" [2 "b2" "b3" "cursor" (nil)`},
		{listing.Query{Limit: 1, Prefix: []byte("b")}, false,
			`{2 "things" [1 "b1" "cursor" "` + string(cursor("b1")) + `"`},
		{listing.Query{Limit: 1 << 40}, false, `{1 "things" [4 "a" "b1" "b2" "b3"`},
		{listing.Query{}, false, "!Invalid value: limit must be at least 1"},
		{listing.Query{Limit: 1, Cursor: []byte("*")}, false,
			"!Invalid request: Invalid cursor: give the one of the answer before, as it is"},
	} {
		if got := page(t, s, c.counted, c.q); got != c.want {
			t.Errorf("%+v\n got %s\nwant %s", c.q, got, c.want)
		}
	}
}

// TestLine: a long list is gathered piece by piece, whole and in order.
func TestLine(t *testing.T) {
	s := &names{}
	for i := range 25_000 {
		s.all = append(s.all, fmt.Sprintf("x%05d", i))
	}
	quoted := func(names []string) string {
		var b strings.Builder
		fmt.Fprintf(&b, "[%d", len(names))
		for _, name := range names {
			fmt.Fprintf(&b, " %q", name)
		}
		return b.String()
	}
	for _, c := range []struct {
		line string
		want string
	}{
		{"", quoted(s.all)},
		{"PREFIX x1", quoted(s.all[10_000:20_000])},
		{"after x00002 count 2", quoted(s.all[3:5])},
		{"COUNT 10001", quoted(s.all[:10_001])},
		{"COUNT 0", "!ERR COUNT must be a whole number of 1 or more"},
		{"LIMIT 5", "!ERR syntax error at 'LIMIT'; usage: TLIST " + listing.LineUsage},
	} {
		var r replytest.Recorder
		s.asked = 0
		err := listing.Line(&r, s, replytest.Words(t, c.line), "TLIST")
		got := r.Take()
		if err != nil {
			got = "!" + err.Error()
		}
		if got != c.want {
			t.Errorf("%s\n got %.200s\nwant %.200s", c.line, got, c.want)
		}
		if c.line == "" && s.asked < 3 {
			t.Errorf("25000 names in %d pieces", s.asked)
		}
	}
	var r replytest.Recorder
	if listing.All(&r, s); r.Take() != quoted(s.all) {
		t.Error("All is something else")
	}
}

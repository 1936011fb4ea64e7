package live

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/synapdb/synap/test/harness"
)

// asExpression is a pattern of segments as a regular expression: the plain matcher.
func asExpression(pattern string) *regexp.Regexp {
	tail := ""
	if pattern == "#" {
		return regexp.MustCompile(`^(?s:.*)$`)
	} else if head, is := strings.CutSuffix(pattern, ".#"); is {
		pattern, tail = head, `(\..*)?`
	}
	text := strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, `[^.]*`)
	return regexp.MustCompile(`^(?s:` + text + tail + `)$`)
}

// globExpression is one of Redis' patterns likewise, of those without brackets.
func globExpression(pattern string) *regexp.Regexp {
	text := strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, `.*`)
	return regexp.MustCompile(`^(?s:` + strings.ReplaceAll(text, `\?`, `.`) + `)$`)
}

var (
	segment = rapid.SampledFrom([]string{"a", "b", "ab", "", "abab", "é", "x y", "%2e", "?"})
	partial = rapid.SampledFrom([]string{"a", "b", "ab", "", "*", "a*", "*b", "a*b", "*a*", "**",
		"x*y", "%2e", "é*"})
)

// drawTopic is never empty.
func drawTopic(t *rapid.T) string {
	topic := strings.Join(rapid.SliceOfN(segment, 1, 4).Draw(t, "topic"), ".")
	if topic == "" {
		return "a"
	}
	return topic
}

func drawPattern(t *rapid.T) string {
	parts := rapid.SliceOfN(partial, 1, 3).Draw(t, "pattern")
	if rapid.IntRange(0, 2).Draw(t, "rest") == 0 {
		parts = append(parts, "#")
	}
	if pattern := strings.Join(parts, "."); pattern != "" {
		return pattern
	}
	return "*"
}

// hearing is a feed with the topics that it is to get.
type hearing struct {
	*feed
	what    string
	matches *regexp.Regexp
}

// matching subscribes random patterns at random doors, publishes random topics at random doors, and
// wants at each feed those that the plain matcher says, in order.
func matching(all []*user) func(t *rapid.T) {
	return func(t *rapid.T) {
		var feeds []hearing
		for range rapid.IntRange(1, 5).Draw(t, "feeds") {
			u := rapid.SampledFrom(all[len(askers):]).Draw(t, "door")
			h := hearing{what: u.way}
			var pattern string
			var err error
			if r := respOf(u.door); r != nil {
				pattern = strings.ReplaceAll(drawPattern(t), "#", "?*")
				h.matches = globExpression(pattern)
				h.feed, err = r.listen("psubscribe", []string{pattern, "end of it"})
			} else {
				pattern = drawPattern(t)
				h.matches = asExpression(pattern)
				h.feed, err = u.door.hear(pattern, "end of it")
			}
			if err != nil {
				t.Fatalf("%s: %q: %v", u.way, pattern, err)
			}
			defer h.close()
			h.what += " with " + pattern
			feeds = append(feeds, h)
		}
		var topics []string
		for range rapid.IntRange(1, 12).Draw(t, "messages") {
			topics = append(topics, drawTopic(t))
		}
		for _, topic := range append(topics, "end of it") {
			u := rapid.SampledFrom(all).Draw(t, "publisher")
			ask := fields{"topic": topic, "payload": topic}
			if _, err := u.door.Call("pubsub.publish", ask); err != nil {
				t.Fatalf("%s: %q: %v", u.way, topic, err)
			}
		}
		for _, h := range feeds {
			h.check(t, topics)
		}
	}
}

func respOf(d door) *resp {
	switch d := d.(type) {
	case *resp:
		return d
	case *resp3:
		return d.resp
	}
	return nil
}

func (h *hearing) check(t *rapid.T, topics []string) {
	var want, got []string
	for _, topic := range topics {
		if h.matches.MatchString(topic) {
			want = append(want, topic)
		}
	}
	for {
		v, err := h.next()
		if err != nil {
			t.Fatalf("%s: %v", h.what, err)
		}
		if v["topic"] == "end of it" {
			break
		}
		if v["topic"] != v["payload"] {
			t.Fatalf("%s: %v", h.what, v)
		}
		got = append(got, fmt.Sprint(v["topic"]))
	}
	if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
		t.Fatalf("%s: %q arrive of %q, not %q", h.what, got, topics, want)
	}
}

func TestWhatMatchesArrives(t *testing.T) {
	rapid.Check(t, matching(everybody(t, harness.Start(t), "match")))
}

func FuzzWhatMatchesArrives(f *testing.F) {
	s := harness.Start(f)
	f.Fuzz(func(t *testing.T, drawn []byte) {
		rapid.MakeFuzz(matching(everybody(t, s, "match")))(t, drawn)
	})
}

package pubsub_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/synapdb/synap/internal/errs"
	"github.com/synapdb/synap/internal/glob"
	"github.com/synapdb/synap/internal/store/pubsub"
)

// matches is the rules of patterns, word by word.
func matches(pattern, topic []string) bool {
	if len(pattern) == 1 && pattern[0] == "#" {
		return true
	}
	if len(pattern) == 0 || len(topic) == 0 {
		return len(pattern) == 0 && len(topic) == 0
	}
	return matchesSegment(pattern[0], topic[0]) && matches(pattern[1:], topic[1:])
}

func matchesSegment(pattern, s string) bool {
	switch {
	case pattern == "":
		return s == ""
	case pattern[0] == '*':
		return matchesSegment(pattern[1:], s) || s != "" && matchesSegment(pattern, s[1:])
	}
	return s != "" && s[0] == pattern[0] && matchesSegment(pattern[1:], s[1:])
}

// valid is the rule of where wildcards may be, word by word.
func valid(pattern string) bool {
	segments := strings.Split(pattern, ".")
	for i, s := range segments {
		if strings.Contains(s, "#") && (s != "#" || i != len(segments)-1) {
			return false
		}
	}
	return pattern != ""
}

func plainMatch(kind pubsub.Kind, name, topic string) bool {
	switch kind {
	case pubsub.Glob:
		return glob.Match([]byte(name), []byte(topic), false)
	case pubsub.Pattern:
		return matches(strings.Split(name, "."), strings.Split(topic, "."))
	}
	return name == topic
}

func TestWildcards(t *testing.T) {
	for _, c := range []struct {
		pattern  string
		yes, not string // separated by spaces
	}{
		{"a.*", "a.b a. a.*", "a a.b.c b.a A.b"},
		{"a.#", "a a. a.b a.b.c", "b ab a-b"},
		{"#", "a a.b . ..", ""},
		{"*", "a * #", "a.b ."},
		{"*.#", "a a.b .", ""},
		{"a.*.c", "a.b.c a..c", "a.c a.b.b.c"},
		{"user:*", "user: user:7 user:7:x", "user user:7.x"},
		{"a*c.x", "ac.x abc.x abcc.x", "ab.x a.c.x acx"},
		{"**.a", "b.a .a", "a b.b.a"},
		{"a?[b]*", "a?[b] a?[b]c", "axb"},
		{"*a*a*", "aa baab", "a ba"},
	} {
		h, sub := pubsub.New(pubsub.Options{}), new(pubsub.Subscriber)
		open(t, h, sub)
		if _, err := h.Subscribe(sub, 0, []byte(c.pattern)); err != nil {
			t.Fatal(err)
		}
		for _, topic := range strings.Fields(c.yes) {
			if n, _ := h.Publish(message(topic)); n != 1 {
				t.Errorf("%q does not match %q", c.pattern, topic)
			}
		}
		for _, topic := range strings.Fields(c.not) {
			if n, _ := h.Publish(message(topic)); n != 0 {
				t.Errorf("%q matches %q", c.pattern, topic)
			}
		}
	}
}

func TestPatternsThatAreNone(t *testing.T) {
	h, sub := pubsub.New(pubsub.Options{}), new(pubsub.Subscriber)
	open(t, h, sub)
	long := strings.Repeat("*", pubsub.MaxPatternBytes+1)
	for _, p := range []string{"", "#.a", "a.#.b", "#.#", "a#", "#a", "a.b#", "##", long} {
		total, err := h.Subscribe(sub, 0, []byte("fine"), []byte(p))
		if errs.Of(err) != errs.BadValue || !strings.HasPrefix(err.Error(), "Invalid value: ") {
			t.Errorf("%.20q: %v", p, err)
		}
		if total != 0 || sub.Count() != 0 {
			t.Errorf("%.20q: something was subscribed to all the same", p)
		}
		if h.Unsubscribe(sub, []byte(p)) != 0 {
			t.Errorf("%.20q could be unsubscribed", p)
		}
	}
	if n := h.SubscribeExact(sub, 0, []byte("#.*"), []byte("")); n != 2 {
		t.Errorf("channels are any bytes, but %d could be subscribed to", n)
	}
}

// router is a hub with one subscriber to everything, who counts each match.
type router struct {
	h     *pubsub.Hub
	sub   *pubsub.Subscriber
	names map[string]pubsub.Kind // with a letter for the kind
	buf   []pubsub.Delivery
}

func (r *router) subscribe(kind pubsub.Kind, name string) {
	switch kind {
	case pubsub.Glob:
		r.h.PSubscribe(r.sub, []byte(name))
	case pubsub.Topic:
		r.h.SubscribeExact(r.sub, 0, []byte(name))
	default:
		if !valid(name) {
			return
		}
		if kind, _ = pubsub.CheckPattern([]byte(name)); kind == pubsub.Topic {
			return
		}
		if _, err := r.h.Subscribe(r.sub, 0, []byte(name)); err != nil {
			panic(err)
		}
	}
	r.names[fmt.Sprint(kind, name)] = kind
}

func (r *router) unsubscribe(kind pubsub.Kind, name string) (was, did bool) {
	key := fmt.Sprint(kind, name)
	_, was = r.names[key]
	delete(r.names, key)
	var n int
	switch kind {
	case pubsub.Glob:
		n = r.h.PUnsubscribe(r.sub, []byte(name))
	case pubsub.Topic:
		n = r.h.UnsubscribeExact(r.sub, []byte(name))
	default:
		if kind, err := pubsub.CheckPattern([]byte(name)); err == nil && kind == pubsub.Topic {
			return was, was // it would be another kind
		}
		n = r.h.Unsubscribe(r.sub, []byte(name))
	}
	return was, n == 1
}

// check publishes to a topic and compares with the plain rules.
func (r *router) check(topic string) error {
	var want, got []string
	for key, kind := range r.names {
		if plainMatch(kind, key[1:], topic) {
			want = append(want, key)
		}
	}
	n, _ := r.h.Publish(message(topic))
	r.buf, _ = r.sub.Drain(r.buf[:0], 1<<20)
	for _, d := range r.buf {
		got = append(got, fmt.Sprint(d.Target.Kind(), d.Target.Name()))
	}
	slices.Sort(want)
	slices.Sort(got)
	if n != len(want) || !slices.Equal(got, want) {
		return fmt.Errorf("topic %q: %d matched, %q; by the rules %q", topic, n, got, want)
	}
	return nil
}

func newRouter(t testing.TB, routes int) *router {
	h := pubsub.New(pubsub.Options{Routes: routes})
	r := &router{h: h, sub: &pubsub.Subscriber{Each: true}, names: map[string]pubsub.Kind{}}
	open(t, h, r.sub)
	return r
}

func TestRoutingIsByTheRules(t *testing.T) {
	part := rapid.SampledFrom([]string{"a", "b", "ab", "", "*", "a*", "*b", "a*b", "*a*", "#",
		"?", "[a", "[ab]", `\a`, `\`, "c", "d", "e", "f", "g", "h", "i", "j", "k", "abab", "ba"})
	name := rapid.Map(rapid.SliceOfN(part, 1, 4), func(parts []string) string {
		return strings.Join(parts, ".")
	})
	kinds := rapid.SampledFrom([]pubsub.Kind{pubsub.Topic, pubsub.Pattern, pubsub.Glob})
	rapid.Check(t, func(rt *rapid.T) {
		r := newRouter(t, 8)
		var topics []string
		for range rapid.IntRange(1, 120).Draw(rt, "steps") {
			switch rapid.IntRange(0, 9).Draw(rt, "step") {
			case 0, 1, 2, 3:
				r.subscribe(kinds.Draw(rt, "kind"), name.Draw(rt, "name"))
			case 4, 5:
				kind, n := kinds.Draw(rt, "kind"), name.Draw(rt, "name")
				if was, did := r.unsubscribe(kind, n); was != did {
					rt.Fatalf("%d %q: was subscribed %v, unsubscribed %v", kind, n, was, did)
				}
			case 6:
				topics = append(topics, name.Draw(rt, "topic"))
			default:
				if len(topics) == 0 {
					continue
				}
				if err := r.check(rapid.SampledFrom(topics).Draw(rt, "again")); err != nil {
					rt.Fatal(err)
				}
			}
		}
		n := len(r.names)
		if got := r.h.UnsubscribeAll(r.sub); got != n {
			rt.Fatalf("%d of %d subscriptions ended", got, n)
		}
		if s := r.h.Stats(); s.Subscribers != 0 || s.Wildcards != 0 || s.Globs != 0 {
			rt.Fatalf("after all is unsubscribed: %+v", s)
		}
		if !r.h.Bare() {
			rt.Fatal("branches or keys are left of patterns that are gone")
		}
	})
}

func FuzzRouting(f *testing.F) {
	f.Add([]byte("a.*\na.#\n+a*\n-a.*"), []byte("a.b"))
	f.Add([]byte("*\n**\n*.*\n#\n+*\n+[a\n+a\\*"), []byte("a.b.c"))
	f.Add([]byte("+[a-]b*\n+*[^\n+x*y\n=a.b"), []byte("a.b"))
	f.Fuzz(func(t *testing.T, lines, topic []byte) {
		if len(lines) > 1<<12 || len(topic) > 1<<8 {
			return
		}
		r := newRouter(t, 4)
		for _, line := range bytes.Split(lines, []byte("\n")) {
			kind, name := pubsub.Pattern, string(line)
			if len(line) > 1 {
				switch name = string(line[1:]); line[0] {
				case '+':
					kind = pubsub.Glob
				case '=':
					kind = pubsub.Topic
				default:
					name = string(line)
				}
			}
			if strings.Count(name, "*") > 8 {
				continue // the plain rules would take forever
			}
			r.subscribe(kind, name)
			if err := r.check(string(topic)); err != nil {
				t.Fatal(err)
			}
		}
		for key, kind := range r.names {
			if was, did := r.unsubscribe(kind, key[1:]); !was || !did {
				t.Fatalf("%q could not be unsubscribed", key)
			}
			if err := r.check(string(topic)); err != nil {
				t.Fatal(err)
			}
		}
		if !r.h.Bare() {
			t.Fatal("branches or keys are left of patterns that are gone")
		}
	})
}

func TestManyBranches(t *testing.T) {
	r := newRouter(t, 64)
	for i := range 300 {
		r.subscribe(pubsub.Pattern, fmt.Sprintf("a.%d.*", i))
		r.subscribe(pubsub.Pattern, fmt.Sprintf("a.x%d*.b", i))
		r.subscribe(pubsub.Pattern, fmt.Sprintf("a.x*y%d.b", i))
		r.subscribe(pubsub.Glob, fmt.Sprintf("a.%d*", i))
		r.subscribe(pubsub.Glob, fmt.Sprintf("*a%d", i))
		r.subscribe(pubsub.Topic, fmt.Sprintf("a.%d.b", i))
	}
	for _, topic := range []string{"a.1.b", "a.299.b", "a.x17.b", "a.x1y2.b", "a.300.b", "a.a7"} {
		for range 2 {
			if err := r.check(topic); err != nil {
				t.Error(err)
			}
		}
	}
	r.h.UnsubscribeAll(r.sub)
	if !r.h.Bare() {
		t.Error("branches or keys are left of patterns that are gone")
	}
}

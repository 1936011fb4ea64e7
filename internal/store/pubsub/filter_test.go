package pubsub_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/synapdb/synap/internal/store/pubsub"
)

// A Filter and Hub.Matches say of any topic what the rules of patterns do, while subscriptions come
// and go.
func TestFiltersMatchAsSubscriptionsDo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := pubsub.New(pubsub.Options{Routes: 4})
		sub := new(pubsub.Subscriber)
		if err := h.Open(sub, nil, h.NewGroup(nil)); err != nil {
			t.Fatal(err)
		}
		var f pubsub.Filter
		added, live := map[string]bool{}, map[string]bool{}
		word := rapid.StringMatching(`[ab*]{0,2}(\.[ab*]{0,2}){0,2}(\.#)?`)
		topic := rapid.StringMatching(`[ab*]{0,2}(\.[ab]{0,2}){0,3}`)
		agree := func(what, topic string, got bool, all map[string]bool) {
			want := false
			for name := range all {
				kind, _ := pubsub.CheckPattern([]byte(name))
				want = want || plainMatch(kind, name, topic)
			}
			if got != want {
				t.Fatalf("%s: %q matches %v: %v", what, topic, all, got)
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				name := word.Draw(t, "name")
				_, err := h.Subscribe(sub, 1, []byte(name))
				if failed := f.Add([]byte(name)); (failed == nil) != (err == nil) {
					t.Fatalf("%q: %v, as a subscription %v", name, failed, err)
				}
				if err == nil {
					added[name], live[name] = true, true
				}
			},
			"leave": func(t *rapid.T) {
				name := word.Draw(t, "name")
				h.Unsubscribe(sub, []byte(name))
				delete(live, name)
			},
			"match": func(t *rapid.T) {
				name := topic.Draw(t, "topic")
				agree("the filter", name, f.Matches([]byte(name)), added)
				agree("the hub", name, h.Matches([]byte(name)), live)
			},
		})
	})
}

package workload_test

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/synapdb/synap/internal/benchmark/load"
	"github.com/synapdb/synap/internal/benchmark/result"
	"github.com/synapdb/synap/internal/benchmark/target"
	"github.com/synapdb/synap/internal/benchmark/workload"
)

var plan = load.Plan{Connections: 3, Pipeline: 4, Operations: 600}

// broadcast runs messages through a town: in 3 rooms of 4 each, or 20 topics of 30 subscribers.
func broadcast(t *testing.T, town *town, p load.Plan, replay bool) ([]result.Test, result.Faults) {
	t.Helper()
	window := cmp.Or(town.window, 1000)
	town.past = map[string][]target.Event{}
	var params workload.BroadcastParams
	if town.space == target.Rooms {
		s := workload.StreamParams{Rooms: 3, Events: 1, Subscribers: 4, Size: 60, Window: window,
			Replay: replay}
		params = s.Broadcast("r")
	} else {
		s := workload.PubSubParams{Topics: 20, Subscribers: 30, WildcardRatio: 0.2, Fanout: 2,
			Size: workload.LeastEvent, Window: window}
		params = s.Broadcast("t")
	}
	// The quick end suffices: whoever has the marks has got everything in a town.
	params.Patience = 2 * time.Second
	faults := new(workload.Faults)
	b := workload.NewBroadcast(town, params, p, faults,
		func(_ string, kinds []string) load.Options { return load.Options{Kinds: kinds} })
	tests, _, err := b.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return tests, faults.Found()
}

// once tampers with the 5th message of one ear.
func once(f func(e *ear, event target.Event) ([]target.Event, error),
) func(*ear, int, target.Event) ([]target.Event, error) {
	return func(e *ear, nth int, event target.Event) ([]target.Event, error) {
		if e.index == 0 && nth == 5 {
			return f(e, event)
		}
		if held := e.held; held != nil {
			e.held = nil
			return append([]target.Event{event}, held...), nil
		}
		return []target.Event{event}, nil
	}
}

// fault is something that a server can do wrong.
type fault struct {
	name   string
	spaces []target.Space
	tamper func(e *ear, event target.Event) ([]target.Event, error)
	answer func(nth int, p *target.Post)
	hole   int64
	want   result.Faults
	says   string // part of an example
}

var both = []target.Space{target.Rooms, target.Topics}

var faultsOfServers = []fault{
	{name: "none", spaces: both},
	{name: "lost", spaces: both, want: result.Faults{Lost: 1}, says: "never got 1 ",
		tamper: func(*ear, target.Event) ([]target.Event, error) { return nil, nil }},
	{name: "twice", spaces: both, want: result.Faults{Duplicate: 1}, says: "twice",
		tamper: func(_ *ear, e target.Event) ([]target.Event, error) {
			return []target.Event{e, e}, nil
		}},
	{name: "out of order", spaces: both[:1], want: result.Faults{Reordered: 1}, says: "behind",
		tamper: func(ear *ear, e target.Event) ([]target.Event, error) {
			ear.held = []target.Event{e}
			return nil, nil
		}},
	{name: "garbled", spaces: both, want: result.Faults{Lost: 1, Unexpected: 1},
		says: "nobody has published",
		tamper: func(_ *ear, e target.Event) ([]target.Event, error) {
			e.Payload = slices.Clone(e.Payload)
			e.Payload[3] ^= 2
			return []target.Event{e}, nil
		}},
	{name: "not subscribed", spaces: both, want: result.Faults{Unexpected: 1}, says: "as one of",
		tamper: func(_ *ear, e target.Event) ([]target.Event, error) {
			stray := e
			stray.Name = "elsewhere"
			return []target.Event{stray, e}, nil
		}},
	{name: "another content", spaces: both[:1], want: result.Faults{Unexpected: -1},
		says: "to another", tamper: func(ear *ear, e target.Event) ([]target.Event, error) {
			e.Payload = ear.past[e.Name][2].Payload
			return []target.Event{e}, nil
		}},
	{name: "cut off", spaces: both, want: result.Faults{Lost: -1}, says: errCut.Error(),
		tamper: func(*ear, target.Event) ([]target.Event, error) { return nil, errCut }},
	{name: "trimmed", spaces: both[:1], want: result.Faults{Lost: 1}, says: "the room forgot",
		tamper: func(_ *ear, e target.Event) ([]target.Event, error) {
			return []target.Event{{Name: e.Name, Offset: e.Offset + 1, Trimmed: 1}}, nil
		}},
	{name: "an offset nobody has", spaces: both[:1], hole: 7, want: result.Faults{Gaps: 3},
		says: "has offset 7"},
	{name: "refused", spaces: both, want: result.Faults{Unexpected: 1}, says: errCut.Error(),
		answer: func(nth int, p *target.Post) {
			if nth == 100 {
				p.Err = errCut
			}
		}},
	{name: "miscounted", spaces: both[1:], want: result.Faults{Unexpected: 1}, says: "counts",
		answer: func(nth int, p *target.Post) {
			if nth == 100 {
				p.Matched++
			}
		}},
}

// Every fault that a server can commit is found, and found to be what it is: the same run without
// any has none.
func TestFaultsAreCountedAsWhatTheyAre(t *testing.T) {
	defer goleak.VerifyNone(t)
	for _, c := range faultsOfServers {
		for _, space := range c.spaces {
			t.Run(c.name+" in "+map[target.Space]string{target.Rooms: "rooms",
				target.Topics: "topics"}[space], func(t *testing.T) {
				town := &town{space: space, answer: c.answer, hole: c.hole}
				if c.tamper != nil {
					town.tamper = once(c.tamper)
				}
				_, got := broadcast(t, town, plan, false)
				want := c.want
				sameFaults(t, &got, &want, c.says)
			})
		}
	}
}

// sameFaults compares; -1 wants any number of them.
func sameFaults(t *testing.T, got, want *result.Faults, says string) {
	t.Helper()
	for want, got := range map[*int64]int64{&want.Lost: got.Lost,
		&want.Unexpected: got.Unexpected} {
		if *want < 0 && got > 0 {
			*want = got
		}
	}
	text := strings.Join(got.Examples, "\n")
	if got.Lost != want.Lost || got.Duplicate != want.Duplicate || got.Gaps != want.Gaps ||
		got.Reordered != want.Reordered || got.Unexpected != want.Unexpected {
		t.Errorf("lost %d, twice %d, reordered %d, gaps %d, unexpected %d; want %d %d %d %d %d\n%s",
			got.Lost, got.Duplicate, got.Reordered, got.Gaps, got.Unexpected,
			want.Lost, want.Duplicate, want.Reordered, want.Gaps, want.Unexpected, text)
	}
	if !strings.Contains(text, says) {
		t.Errorf("the examples don't say %q:\n%s", says, text)
	}
}

// A history that is read again is held to the same.
func TestFaultsOfHistories(t *testing.T) {
	defer goleak.VerifyNone(t)
	const live = 12 // subscribers of the main phase, which come first
	for _, c := range []struct {
		name string
		// given is what the first reader of a history gets instead of its 5th event.
		given func(target.Event) ([]target.Event, error)
		want  result.Faults
		says  string
	}{
		{name: "none", given: func(e target.Event) ([]target.Event, error) {
			return []target.Event{e}, nil
		}},
		{"twice", func(e target.Event) ([]target.Event, error) {
			return []target.Event{e, e}, nil
		}, result.Faults{Duplicate: 1}, "twice"},
		{"lost", func(target.Event) ([]target.Event, error) {
			return nil, nil
		}, result.Faults{Lost: 1}, "ended early"},
		{"cut off", func(target.Event) ([]target.Event, error) {
			return nil, errCut
		}, result.Faults{Lost: 200 + 1 - 4}, errCut.Error()},
	} {
		t.Run(c.name, func(t *testing.T) {
			town := &town{space: target.Rooms}
			town.tamper = func(e *ear, nth int, event target.Event) ([]target.Event, error) {
				if e.index == live && nth == 5 {
					return c.given(event)
				}
				return []target.Event{event}, nil
			}
			tests, got := broadcast(t, town, plan, true)
			sameFaults(t, &got, &c.want, c.says)
			if c.name == "none" {
				// 600 messages and a mark in each of 3 rooms, to 4 in each.
				figures(t, tests, map[string]int64{"subscribe": 12, "publish": 600,
					"delivery": 2400, "fanout": 600, "replay": 603 * 4, "catch-up": 12})
			}
		})
	}
}

// What a room has forgotten before a history was asked for is no fault.
func TestHistoriesBeginWhereTheirRoomsDo(t *testing.T) {
	town := &town{space: target.Rooms}
	town.tamper = func(e *ear, nth int, event target.Event) ([]target.Event, error) {
		switch {
		case e.index < 12 || nth > 10:
			return []target.Event{event}, nil
		case nth == 10:
			return []target.Event{{Name: event.Name, Offset: 10, Trimmed: 10}}, nil
		}
		return nil, nil
	}
	tests, got := broadcast(t, town, plan, true)
	sameFaults(t, &got, &result.Faults{}, "")
	figures(t, tests, map[string]int64{"subscribe": 12, "publish": 600, "delivery": 2400,
		"fanout": 600, "replay": (603 - 30) * 4, "catch-up": 12})
}

// figures checks how often what was measured happened.
func figures(t *testing.T, tests []result.Test, want map[string]int64) {
	t.Helper()
	got := map[string]int64{}
	for _, test := range tests {
		got[test.Name] = test.Operations
	}
	if !maps.Equal(got, want) {
		t.Errorf("measured %v, want %v", got, want)
	}
}

// Deliveries that a server holds back are late, not lost; the last subscriber's is the fan-out.
func TestLateDeliveriesAreMeasuredAsLate(t *testing.T) {
	const hold = 30 * time.Millisecond
	town := &town{space: target.Rooms}
	town.tamper = func(e *ear, _ int, event target.Event) ([]target.Event, error) {
		if e.index > 0 {
			return []target.Event{event}, nil
		}
		time.AfterFunc(hold, func() {
			e.mu.Lock()
			defer e.mu.Unlock()
			e.queue = append(e.queue, event)
			e.wake()
		})
		return nil, nil
	}
	// One at a time: what is held back must not overtake.
	tests, got := broadcast(t, town, load.Plan{Connections: 1, Pipeline: 1, Operations: 10,
		Rate: 20}, false)
	sameFaults(t, &got, &result.Faults{}, "")
	for _, test := range tests {
		slowest := time.Duration(test.Latency.Max * float64(time.Microsecond))
		if late := test.Name == "delivery" || test.Name == "fanout"; late && slowest < hold {
			t.Errorf("the slowest %s took %s, and one was held back for %s", test.Name, slowest,
				hold)
		}
	}
}

// No more messages are on the way to somebody than the window, and those that were begun at once,
// also when a subscriber is slow.
func TestTheWindowBoundsWhatIsOnTheWay(t *testing.T) {
	for _, space := range []target.Space{target.Rooms, target.Topics} {
		town := &town{space: space, window: 20}
		town.tamper = func(e *ear, _ int, event target.Event) ([]target.Event, error) {
			if e.index > 0 {
				return []target.Event{event}, nil
			}
			if e.held = append(e.held, event); len(e.held) == 1 {
				time.AfterFunc(5*time.Millisecond, func() {
					e.mu.Lock()
					defer e.mu.Unlock()
					e.queue, e.held = append(e.queue, e.held...), nil
					e.wake()
				})
			}
			return nil, nil
		}
		_, got := broadcast(t, town, plan, false)
		sameFaults(t, &got, &result.Faults{}, "")
		most := int(town.window) - 1 + plan.Connections*plan.Pipeline
		if town.backlog > most {
			t.Errorf("%d messages waited for one subscriber, and the window allows %d",
				town.backlog, most)
		}
	}
}

// The subscriptions that are chosen bring about the fan-out that was asked for, with as many
// patterns as asked for; the matcher that counts it is the one that judges servers.
func TestChosenSubscriptionsBringTheFanoutAbout(t *testing.T) {
	for _, c := range []struct {
		p     workload.PubSubParams
		quiet bool // some must hear nothing
	}{
		{chosen(1000, 5000, 0.2, 3), true},
		{chosen(100, 500, 0, 3), true},
		{chosen(100, 500, 1, 3), true},
		{chosen(100, 500, 0.2, 10), true},
		{chosen(10, 500, 0.2, 50), true},
		{chosen(10, 30, 0, 3), false},
		{chosen(95, 400, 0.5, 4), true},
	} {
		b := c.p.Broadcast("x")
		fanout, quiet := b.Reach()
		if math.Abs(fanout-c.p.Fanout) > 0.05*c.p.Fanout || quiet > 0 != c.quiet {
			t.Errorf("%+v: a message reaches %.3f, %d hear nothing", c.p, fanout, quiet)
		}
		patterns, pairs := 0, 0
		for i, o := range b.Subscriptions {
			if strings.Contains(o.Names[0], "*") {
				patterns++
			}
			want := []int{}
			for n, name := range b.Names {
				if workload.TopicMatches(o.Names[0], name) {
					want = append(want, n)
				}
			}
			if pairs += len(want); !slices.Equal(want, b.Matches[i]) &&
				len(want)+len(b.Matches[i]) > 0 {
				t.Fatalf("%v matches %v, want %v", o.Names, b.Matches[i], want)
			}
		}
		if len(b.Subscriptions) != c.p.Subscribers || len(b.Names) != c.p.Topics ||
			patterns != int(c.p.WildcardRatio*float64(c.p.Subscribers)) {
			t.Errorf("%+v: %d subscribers, %d of them with a pattern, %d topics", c.p,
				len(b.Subscriptions), patterns, len(b.Names))
		}
	}
}

func chosen(topics, subscribers int, wildcards, fanout float64) workload.PubSubParams {
	return workload.PubSubParams{Topics: topics, Subscribers: subscribers,
		WildcardRatio: wildcards, Fanout: fanout}
}

func TestTopicMatches(t *testing.T) {
	for _, c := range []struct {
		pattern, topic string
		want           bool
	}{
		{"a.b", "a.b", true}, {"a.b", "a.c", false}, {"a.b", "a", false}, {"a", "a.b", false},
		{"a.*", "a.b", true}, {"a.*", "a.b.c", false}, {"a.*", "a", false}, {"*", "a", true},
		{"*.b", "a.b", true}, {"*.b", "a.c", false}, {"*", "a.b", false},
		{"#", "a.b", true}, {"a.#", "a", true}, {"a.#", "a.b.c", true}, {"a.#", "b.c", false},
	} {
		if got := workload.TopicMatches(c.pattern, c.topic); got != c.want {
			t.Errorf("%s matches %s: %v", c.pattern, c.topic, got)
		}
	}
}

func TestParametersOfRoomsAndTopicsAreChecked(t *testing.T) {
	stream := workload.StreamParams{Rooms: 1, Events: 1, Size: workload.LeastEvent}
	pubsub := workload.PubSubParams{Topics: 1, Messages: 1, Size: workload.LeastEvent}
	for _, err := range []error{stream.Check(), pubsub.Check()} {
		if err != nil {
			t.Error(err)
		}
	}
	for flag, spoil := range map[string]func(*workload.StreamParams){
		"--rooms":                func(p *workload.StreamParams) { p.Rooms = 0 },
		"--events":               func(p *workload.StreamParams) { p.Events = 0 },
		"--subscribers-per-room": func(p *workload.StreamParams) { p.Subscribers = -1 },
		"--value-size":           func(p *workload.StreamParams) { p.Size-- },
		"--window":               func(p *workload.StreamParams) { p.Window = -1 },
	} {
		p := stream
		spoil(&p)
		named(t, flag, p.Check())
	}
	for flag, spoil := range map[string]func(*workload.PubSubParams){
		"--topics":         func(p *workload.PubSubParams) { p.Topics = 0 },
		"--messages":       func(p *workload.PubSubParams) { p.Messages = 0 },
		"--subscribers":    func(p *workload.PubSubParams) { p.Subscribers = -1 },
		"--wildcard-ratio": func(p *workload.PubSubParams) { p.WildcardRatio = 1.1 },
		"--fan-out":        func(p *workload.PubSubParams) { p.Fanout = -1 },
		"--value-size":     func(p *workload.PubSubParams) { p.Size-- },
		"--window":         func(p *workload.PubSubParams) { p.Window = -1 },
	} {
		p := pubsub
		spoil(&p)
		named(t, flag, p.Check())
	}
}

func named(t *testing.T, flag string, err error) {
	t.Helper()
	if !strings.HasPrefix(fmt.Sprint(err), flag+" ") {
		t.Errorf("%s is wrong, and the error is %v", flag, err)
	}
}

// What one publisher sends to one topic arrives in that order; what it sends to others, or others
// send, may come in between.
func TestTopicsKeepTheOrderOfAPublisher(t *testing.T) {
	town := &town{space: target.Topics}
	town.tamper = func(e *ear, nth int, event target.Event) ([]target.Event, error) {
		switch {
		case e.index == 0 && nth == 5:
			e.held = []target.Event{event}
			return nil, nil
		case e.index == 0 && nth == 25: // its 10 topics came twice each meanwhile
			return append(e.held, event), nil
		}
		return []target.Event{event}, nil
	}
	_, got := broadcast(t, town, load.Plan{Connections: 1, Pipeline: 1, Operations: 600}, false)
	sameFaults(t, &got, &result.Faults{Reordered: 1}, "behind later ones")
}

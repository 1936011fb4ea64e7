package live

import (
	"fmt"
	"sync"
	"testing"

	"github.com/synapdb/synap/test/harness"
)

// scenario is something a user would notice. not names the doors that can't express it, and why.
type scenario struct {
	name string
	run  func(u *user)
	not  map[string]string
}

// way is a door by its name.
type way struct {
	name string
	open func(s *harness.Server) (door, error)
	text bool // topics' payloads are text
}

var ways = []way{
	{"JSON", func(s *harness.Server) (door, error) {
		return silent{newEnvelope(s.HTTP, false)}, nil
	}, false},
	{"MessagePack", func(s *harness.Server) (door, error) {
		return silent{newEnvelope(s.HTTP, true)}, nil
	}, false},
	{"REST", func(s *harness.Server) (door, error) {
		return silent{flat{newREST(s.HTTP)}}, nil
	}, false},
	{"WebSocket", func(s *harness.Server) (door, error) {
		return &web{newEnvelope(s.HTTP, false)}, nil
	}, false},
	{"SSE", func(s *harness.Server) (door, error) { return &sse{newREST(s.HTTP)}, nil }, false},
	{"RESP2", func(s *harness.Server) (door, error) { return newRESP(s.RESP, 2), nil }, true},
	{"RESP3", func(s *harness.Server) (door, error) { return newRESP3(s.RESP), nil }, true},
	{"mux-JSON", func(s *harness.Server) (door, error) { return newMux(s.HTTP, false) }, false},
	{"mux-MessagePack", func(s *harness.Server) (door, error) { return newMux(s.HTTP, true) },
		false},
}

// Reasons why doors can't express a scenario, or express it in another way, which other tests try.
const (
	asksOnly     = "requests are answered, nothing is pushed"
	noSegments   = "SUBSCRIBE takes names as they are, and PSUBSCRIBE Redis' globs"
	textOnly     = "words have no metadata beside them"
	matchedOnly  = "PUBLISH answers a number"
	startsAt     = "SREAD begins at an offset"
	bySetting    = "by the server's setting alone: there is no word for it"
	anEachOption = "a Redis client gets a message for each subscription that matches"
	okOnly       = "the line answers OK, or a number"
	gapIsPushed  = "a gap is pushed"
	gapIsRefused = "who asks for what is gone is refused"
	noListing    = "SCAN has no lsn beside its keys"
	wholeRecords = "pushes have no id; a watch resumes behind a whole record"
	noEmptyPart  = "a path has no empty part"
	idsPush      = "an id without a connection is of no use to who is pushed by SUBSCRIBE"
)

// not joins reasons for doors, whose names commas separate.
func not(pairs ...map[string]string) map[string]string {
	all := map[string]string{}
	for _, p := range pairs {
		for door, why := range p {
			all[door] = why
		}
	}
	return all
}

func on(why string, doors ...string) map[string]string {
	all := map[string]string{}
	for _, d := range doors {
		all[d] = why
	}
	return all
}

var (
	resps  = []string{"RESP2", "RESP3"}
	askers = []string{"JSON", "MessagePack", "REST"}
	// pullers follow rooms by asking.
	pullers = []string{"JSON", "MessagePack", "REST", "RESP2"}
	pushers = []string{"WebSocket", "SSE", "RESP3", "mux-JSON", "mux-MessagePack"}
)

func TestConformance(t *testing.T) {
	s := harness.Start(t)
	for _, d := range ways {
		t.Run(d.name, func(t *testing.T) {
			// Some scenarios wait for a moment: several run at once, on few cores too.
			var group sync.WaitGroup
			room := make(chan struct{}, 4)
			for i, c := range scenarios() {
				room <- struct{}{}
				group.Go(func() {
					defer func() { <-room }()
					t.Run(c.name, func(t *testing.T) { d.run(t, s, c, fmt.Sprint(i)) })
				})
			}
			group.Wait()
		})
	}
}

func (d *way) run(t *testing.T, s *harness.Server, c scenario, id string) {
	if why := c.not[d.name]; why != "" {
		t.Skip(why)
	}
	opened, err := d.open(s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(opened.Close)
	c.run(&user{T: t, door: opened, way: d.name, name: d.name + "-" + id,
		text: d.text})
}

func scenarios() []scenario {
	var all []scenario
	for _, family := range [][]scenario{
		roomScenarios, historyScenarios, writerScenarios, followScenarios, topicScenarios,
		watchScenarios,
	} {
		all = append(all, family...)
	}
	return all
}

// TestEveryExceptionNamesADoor holds the tables to the doors that there are.
func TestEveryExceptionNamesADoor(t *testing.T) {
	known := map[string]bool{}
	for _, d := range ways {
		known[d.name] = true
	}
	for _, c := range scenarios() {
		if len(c.not) >= len(ways) {
			t.Errorf("%q runs at no door", c.name)
		}
		for door, why := range c.not {
			if !known[door] || why == "" {
				t.Errorf("%q is excepted from %q: %q", c.name, door, why)
			}
		}
	}
}

package queues

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

// doors are the ways in, by name.
var doors = []struct {
	name string
	open func(s *harness.Server) door
}{
	{"JSON", func(s *harness.Server) door { return newEnvelope(s.HTTP, false) }},
	{"MessagePack", func(s *harness.Server) door { return newEnvelope(s.HTTP, true) }},
	{"REST", func(s *harness.Server) door { return newREST(s.HTTP) }},
	{"RESP2", func(s *harness.Server) door { return newRESP(s.RESP, 2) }},
	{"RESP3", func(s *harness.Server) door { return newRESP(s.RESP, 3) }},
	{"WebSocket", func(s *harness.Server) door { return newSocket(s.HTTP) }},
}

func TestConformance(t *testing.T) {
	s := harness.Start(t)
	for _, d := range doors {
		t.Run(d.name, func(t *testing.T) {
			// Most scenarios wait for a moment: several run at once, on few cores too.
			var group sync.WaitGroup
			room := make(chan struct{}, 8)
			for i, c := range scenarios() {
				room <- struct{}{}
				group.Go(func() {
					defer func() { <-room }()
					t.Run(c.name, func(t *testing.T) {
						if why := c.not[d.name]; why != "" {
							t.Skip(why)
						}
						way := d.open(s)
						t.Cleanup(way.Close)
						c.run(&user{T: t, door: way, queue: fmt.Sprintf("%s-%d", d.name, i)})
					})
				})
			}
			group.Wait()
		})
	}
}

func scenarios() []scenario {
	var all []scenario
	for _, family := range [][]scenario{
		lifeScenarios, orderScenarios, waitScenarios, leaseScenarios, deadScenarios,
		limitScenarios, timeScenarios, contentScenarios, atomicScenarios,
	} {
		all = append(all, family...)
	}
	return all
}

// Reasons why a door can't express a scenario.
const (
	pushOnly = "a socket gets messages pushed, it does not ask for them"
)

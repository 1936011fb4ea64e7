package command_test

import (
	"fmt"
	"testing"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/store/pubsub"
)

// notified is a fixture whose keyspace notifications are all sent, to a subscriber of a loop that
// never comes round.
func notified(t *testing.T, burst int) *fixture {
	t.Helper()
	f := newFixture(t)
	f.Topics = command.NewTopics(pubsub.Options{Bound: 1, Burst: burst})
	f.Watches = command.NewWatches(f.Store, f.Topics)
	if err := f.Watches.SetKeyspaceEvents("KEAn"); err != nil {
		t.Fatal(err)
	}
	sub := new(pubsub.Subscriber)
	group := f.Topics.LoopGroup(func(func()) bool { return true })
	if err := f.Topics.Open(sub, nil, group); err != nil {
		t.Fatal(err)
	}
	f.Topics.PSubscribe(sub, []byte("*"))
	t.Cleanup(func() { f.Topics.Close(sub) })
	return f
}

// Who changes many keys lets the loop of the subscribers have a turn, as a publisher does, and is
// asked anew for every command.
func TestNotificationsLetOthersHaveATurn(t *testing.T) {
	f := notified(t, 64)
	for i := range 4 { // four notifications each
		expect(t, fmt.Sprint(f.s.Crowded), "false")
		expect(t, f.exec(fmt.Sprint("PUT ", i, " v")), "+OK")
	}
	expect(t, fmt.Sprint(f.s.Crowded), "true")
	f.s.Crowded = false
	expect(t, f.exec("GET 1"), `"v"`)
	expect(t, fmt.Sprint(f.s.Crowded), "false")
}

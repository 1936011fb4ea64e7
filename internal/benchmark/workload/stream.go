package workload

import (
	"fmt"
	"time"

	"github.com/synapdb/synap/internal/benchmark/target"
)

// StreamParams shape the load on rooms: everybody in a room gets all of its events.
type StreamParams struct {
	Rooms       int
	Events      int64 // in all rooms together
	Subscribers int   // of each room
	Size        int   // bytes of an event's data
	Window      int64 // events on their way to somebody at once; 0 = any number
	Replay      bool  // every subscriber reads the history of its room once more
}

// Patience is how long a run waits while something is missing and nothing comes.
const Patience = 5 * time.Second

// Check says what is wrong with the parameters.
func (p *StreamParams) Check() error {
	switch {
	case p.Rooms < 1 || p.Rooms > mostNames:
		return fmt.Errorf("--rooms must be 1 to %d, not %d", mostNames, p.Rooms)
	case p.Events < 1:
		return fmt.Errorf("--events must be at least 1, not %d", p.Events)
	case p.Subscribers < 0:
		return fmt.Errorf("--subscribers-per-room must not be negative, but is %d", p.Subscribers)
	case p.Subscribers > mostNames/p.Rooms:
		return fmt.Errorf("--subscribers-per-room %d in %d rooms are too many: %d in all at most",
			p.Subscribers, p.Rooms, mostNames)
	case p.Size < LeastEvent:
		return fmt.Errorf("--value-size must be at least %d, not %d", LeastEvent, p.Size)
	case p.Window < 0:
		return fmt.Errorf("--window must not be negative, but is %d", p.Window)
	}
	return nil
}

// Broadcast is what a run does in rooms whose names begin with prefix.
func (p *StreamParams) Broadcast(prefix string) BroadcastParams {
	b := BroadcastParams{Space: target.Rooms, Size: p.Size, Window: p.Window, Replay: p.Replay,
		Patience: Patience}
	for room := range p.Rooms {
		b.Names = append(b.Names, fmt.Sprintf("%s-%d", prefix, room))
	}
	// Subscriber by subscriber, not room by room: rooms fill evenly.
	for i := range p.Subscribers {
		for room, name := range b.Names {
			b.Subscriptions = append(b.Subscriptions, target.Subscription{Names: []string{name},
				Replay: true, ID: fmt.Sprintf("bench-%d", i)})
			b.Matches = append(b.Matches, []int{room})
		}
	}
	return b
}

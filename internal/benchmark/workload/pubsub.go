package workload

import (
	"fmt"
	"strings"

	"github.com/synapdb/synap/internal/benchmark/target"
)

// PubSubParams shape the load on topics.
type PubSubParams struct {
	Topics        int     // that are published to, evenly
	Messages      int64   // in all
	Subscribers   int     // with one subscription each
	WildcardRatio float64 // part of the subscribers that have a pattern, 0 to 1
	Fanout        float64 // subscribers that a message shall reach on average
	Size          int     // bytes of a payload
	Window        int64   // messages on their way to somebody at once; 0 = any number
}

// Check says what is wrong with the parameters.
func (p *PubSubParams) Check() error {
	switch {
	case p.Topics < 1 || p.Topics > mostNames:
		return fmt.Errorf("--topics must be 1 to %d, not %d", mostNames, p.Topics)
	case p.Messages < 1:
		return fmt.Errorf("--messages must be at least 1, not %d", p.Messages)
	case p.Subscribers < 0:
		return fmt.Errorf("--subscribers must not be negative, but is %d", p.Subscribers)
	case p.Subscribers > mostNames:
		return fmt.Errorf("--subscribers must be %d at most, not %d", mostNames, p.Subscribers)
	case !(p.WildcardRatio >= 0 && p.WildcardRatio <= 1): // NaN is neither
		return fmt.Errorf("--wildcard-ratio must be between 0 and 1, not %g", p.WildcardRatio)
	case p.Fanout < 0:
		return fmt.Errorf("--fan-out must not be negative, but is %g", p.Fanout)
	case p.Size < LeastEvent:
		return fmt.Errorf("--value-size must be at least %d, not %d", LeastEvent, p.Size)
	case p.Window < 0:
		return fmt.Errorf("--window must not be negative, but is %d", p.Window)
	}
	return nil
}

// Topics are <prefix>.g<group>.t<number>, so many in a group. Patterns are <prefix>.g<group>.*:
// they mean the same to all servers, whose wildcards differ otherwise.
const groupSize = 10

// Broadcast is what a run does in topics whose names begin with prefix.
//
// The specification's scenario wants more subscribers than a message may reach: so some of them
// stand on topics to which nobody publishes, as in a system where most are quiet. The server has
// to find the others among them. Of the deliveries, patterns get half where there are enough of
// both sorts.
func (p *PubSubParams) Broadcast(prefix string) BroadcastParams {
	b := BroadcastParams{Space: target.Topics, Size: p.Size, Window: p.Window, Patience: Patience}
	for i := range p.Topics {
		b.Names = append(b.Names, fmt.Sprintf("%s.g%d.t%d", prefix, i/groupSize, i))
	}
	patterns := int(float64(p.Subscribers)*p.WildcardRatio + 0.5)
	exact := p.Subscribers - patterns
	wanted := int(p.Fanout*float64(p.Topics) + 0.5) // pairs of a topic and its subscriber
	left := wanted / 2
	if rest := wanted - left; rest > exact {
		left = wanted - exact
	}
	groups := (p.Topics + groupSize - 1) / groupSize
	for i := range patterns {
		group := i % groups
		size := min(groupSize, p.Topics-group*groupSize)
		text := fmt.Sprintf("%s.g%d.*", prefix, group)
		if size > left {
			text = fmt.Sprintf("%s.q%d.*", prefix, i)
		} else {
			left, wanted = left-size, wanted-size
		}
		b.Subscriptions = append(b.Subscriptions, target.Subscription{Names: []string{text}})
	}
	for i := range exact {
		text := fmt.Sprintf("%s.quiet.t%d", prefix, i)
		if wanted > 0 {
			text = b.Names[i%p.Topics]
			wanted--
		}
		b.Subscriptions = append(b.Subscriptions, target.Subscription{Names: []string{text}})
	}
	for i := range b.Subscriptions {
		b.Subscriptions[i].ID = fmt.Sprintf("bench-%d", i)
	}
	b.match()
	return b
}

// match finds out what each subscription has to get.
func (p *BroadcastParams) match() {
	p.Matches = make([][]int, len(p.Subscriptions))
	index, topics := make(map[string]int, len(p.Names)), make([][]string, len(p.Names))
	for i, name := range p.Names {
		index[name], topics[i] = i, strings.Split(name, ".")
	}
	for s, o := range p.Subscriptions {
		for _, pattern := range o.Names {
			if !strings.ContainsAny(pattern, "*#") {
				if i, ok := index[pattern]; ok {
					p.Matches[s] = append(p.Matches[s], i)
				}
				continue
			}
			want := strings.Split(pattern, ".")
			for i := range topics {
				if segmentsMatch(want, topics[i]) {
					p.Matches[s] = append(p.Matches[s], i)
				}
			}
		}
	}
}

// TopicMatches says whether a subscription gets what is published to a topic: * is one segment, #
// at the end any number of them. It is as plain as can be, because servers are judged by it.
func TopicMatches(pattern, topic string) bool {
	return segmentsMatch(strings.Split(pattern, "."), strings.Split(topic, "."))
}

func segmentsMatch(want, got []string) bool {
	for i, segment := range want {
		switch {
		case segment == "#" && i == len(want)-1:
			return true
		case i >= len(got) || segment != "*" && segment != got[i]:
			return false
		}
	}
	return len(want) == len(got)
}

// Reach is how many subscribers a message gets to on average, and how many subscriptions get
// nothing.
func (p *BroadcastParams) Reach() (fanout float64, quiet int) {
	pairs := 0
	for _, names := range p.Matches {
		if pairs += len(names); len(names) == 0 {
			quiet++
		}
	}
	return float64(pairs) / float64(max(1, len(p.Names))), quiet
}

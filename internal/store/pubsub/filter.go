package pubsub

// Matches says whether anybody is subscribed to what matches a topic.
func (h *Hub) Matches(topic []byte) bool {
	hash := h.hash(topic)
	if t := h.shard(hash).find(hash, topic); t != nil && t.head.Load() != nil {
		return true
	}
	if h.patterns.live.Load() == 0 {
		return false
	}
	var sc *scratch
	matched := len(h.route(hash, topic, &sc)) > 0
	if sc != nil {
		h.giveBack(sc)
	}
	return matched
}

// Filter tells which topics match some that Hub.Subscribe takes. Its zero value matches none. It is
// for one goroutine at a time.
type Filter struct {
	topics map[string]struct{}
	trie   branch
	found  []*Target
}

// Add has f match what a subscription to topic does. The error is that of CheckPattern.
func (f *Filter) Add(topic []byte) error {
	kind, err := CheckPattern(topic)
	if err != nil {
		return err
	}
	if kind == Topic {
		if f.topics == nil {
			f.topics = map[string]struct{}{}
		}
		f.topics[string(topic)] = struct{}{}
		return nil
	}
	if f.trie.find(topic) == nil {
		f.trie.insert(topic, &Target{name: string(topic), kind: kind})
	}
	return nil
}

// Matches says whether a topic does.
func (f *Filter) Matches(topic []byte) bool {
	if _, ok := f.topics[string(topic)]; ok {
		return true
	}
	f.found = f.trie.collect(topic, f.found[:0])
	return len(f.found) > 0
}

package pubsub

import (
	"bytes"

	"github.com/synapdb/synap/internal/glob"
)

func (h *Hub) join(sub *Subscriber, kind Kind, name []byte, now int64) {
	if kind == Topic {
		h.joinTopic(sub, name, now)
	} else {
		h.joinPattern(sub, kind, name)
	}
}

func (h *Hub) leave(sub *Subscriber, kind Kind, name []byte) bool {
	if kind == Topic {
		return h.leaveTopic(sub, name)
	}
	return h.leavePattern(sub, kind, name)
}

func (h *Hub) joinTopic(sub *Subscriber, name []byte, now int64) {
	hash := h.hash(name)
	s := h.shard(hash)
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.find(hash, name)
	switch {
	case t == nil:
		t = &topic{Target: Target{name: string(name), kind: Topic}, created: now}
		s.add(h, hash, t)
	case sub.has(&t.Target) != nil:
		return
	case t.count.Load() == 0:
		s.rouse(t)
		h.idle.Add(-1)
	}
	h.kept(sub, t.add(sub))
}

func (h *Hub) leaveTopic(sub *Subscriber, name []byte) bool {
	hash := h.hash(name)
	s := h.shard(hash)
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.find(hash, name)
	if t == nil {
		return false
	}
	of := sub.has(&t.Target)
	if of == nil {
		return false
	}
	t.drop(of)
	h.gone(sub, of)
	if t.count.Load() > 0 {
		return true
	}
	s.rest(t)
	if h.idle.Add(1) > int64(h.options.IdleTopics) {
		old := s.oldest
		s.rouse(old)
		s.remove(h.hash([]byte(old.name)), old)
		h.idle.Add(-1)
	}
	return true
}

func (h *Hub) joinPattern(sub *Subscriber, kind Kind, name []byte) {
	p := &h.patterns
	p.change.Lock()
	defer p.change.Unlock()
	t := p.find(kind, name)
	if t == nil {
		t = &Target{name: string(name), kind: kind}
		h.insert(t)
	} else if sub.has(t) != nil {
		return
	}
	h.kept(sub, t.add(sub))
}

func (h *Hub) leavePattern(sub *Subscriber, kind Kind, name []byte) bool {
	p := &h.patterns
	p.change.Lock()
	defer p.change.Unlock()
	t := p.find(kind, name)
	if t == nil {
		return false
	}
	of := sub.has(t)
	if of == nil {
		return false
	}
	t.drop(of)
	h.gone(sub, of)
	if t.count.Load() == 0 {
		h.remove(t)
	}
	return true
}

// find is the target of a pattern or glob, or nil. p.change is held.
func (p *patterns) find(kind Kind, name []byte) *Target {
	if kind == Glob {
		t, _ := p.globs.get(name)
		return t
	}
	return p.trie.find(name)
}

// insert makes a target known. The generation goes up after the index has changed and before a
// walk can begin, so whoever sees the old number has seen the old index.
func (h *Hub) insert(t *Target) {
	p, name := &h.patterns, []byte(t.name)
	head, tail := []byte(nil), []byte(nil)
	if t.kind == Glob {
		head, tail = glob.LiteralPrefix(name), literalTail(name)
		h.globs.Add(1)
	}
	p.live.Add(1)
	p.mu.Lock()
	defer p.mu.Unlock()
	if t.kind == Glob {
		p.globs.put(t.name, head, tail, t)
	} else {
		p.trie.insert(name, t)
	}
	h.affected(t.kind, name, head).Add(1)
}

func (h *Hub) remove(t *Target) {
	p, name := &h.patterns, []byte(t.name)
	var head []byte
	p.mu.Lock()
	defer p.mu.Unlock()
	if t.kind == Glob {
		head = glob.LiteralPrefix(name)
		p.globs.remove(name)
		h.globs.Add(-1)
	} else {
		p.trie.remove(name)
	}
	p.live.Add(-1)
	h.affected(t.kind, name, head).Add(1)
}

// literalTail is bytes that every name ends with that a glob matches. Sets may hold anything, even
// the rest of the glob, so a glob that has one gets none.
func literalTail(pattern []byte) []byte {
	if bytes.IndexByte(pattern, '[') >= 0 {
		return nil
	}
	return pattern[bytes.LastIndexAny(pattern, `*?\`)+1:]
}

package pubsub

// Bare says that the indexes hold nothing.
func (h *Hub) Bare() bool {
	p := &h.patterns
	none := [len(affixSizes)]int{}
	return p.trie.empty() && len(p.globs.all) == 0 && p.live.Load() == 0 &&
		p.globs.heads.sizes == none && p.globs.tails.sizes == none &&
		len(p.globs.heads.buckets) == 0 && len(p.globs.tails.buckets) == 0
}

// Items is how many messages are in outboxes of g.
func (g *Group) Items() int {
	g.out.Lock()
	defer g.out.Unlock()
	return g.out.items.used
}

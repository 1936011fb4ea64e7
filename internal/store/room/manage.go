package room

import (
	"slices"
	"strings"
	"sync/atomic"

	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/errs"
)

// Create makes a room. One that is there already is a RoomExists error.
func (t *Tx) Create(name []byte, set Settings) error {
	if t.find(name) != nil {
		return errs.Newf(errs.RoomExists, "Invalid request: Room '%s' already exists", name)
	}
	_, err := t.create(name, set)
	return err
}

// GetOrCreate makes a room if there is none, and says whether it did. One that is there keeps its
// settings.
func (t *Tx) GetOrCreate(name []byte, set Settings) (created bool, err error) {
	if t.find(name) != nil {
		return false, nil
	}
	_, err = t.create(name, set)
	return err == nil, err
}

func (t *Tx) create(name []byte, set Settings) (*room, error) {
	complete(&set, &t.s.defaults)
	if err := checkName("a room", name); err != nil {
		return nil, err
	}
	if err := check(&set); err != nil {
		return nil, err
	}
	set.Created = t.now
	return t.set(nil, string(name), &effect.Room{
		Kind: effect.RoomSet, Generation: t.s.generation.Add(1), Settings: set,
	}), nil
}

// Update gives a room those of the settings that are not zero, and returns all of them. Bounds hold
// at once, unless in an atomic section: there they wait for the next event, or Maintain.
func (t *Tx) Update(name []byte, set Settings) (Settings, error) {
	r, err := t.need(name)
	if err != nil {
		return Settings{}, err
	}
	complete(&set, &r.set)
	if err := check(&set); err != nil {
		return Settings{}, err
	}
	set.Created = r.set.Created
	t.set(r, r.name, &effect.Room{
		Kind: effect.RoomSet, Generation: r.generation, First: r.first, Settings: set,
	})
	if !t.atomic {
		t.retain(r)
	}
	return set, nil
}

// Delete removes a room with its events and cursors. Its subscribers are woken, and told. It must
// not be used in an atomic section.
func (t *Tx) Delete(name []byte) error {
	r, err := t.need(name)
	if err != nil {
		return err
	}
	t.discard(r)
	return nil
}

// Trim removes the events below first, as far as there are any, and returns how many. It must not
// be used in an atomic section.
func (t *Tx) Trim(name []byte, first uint64) (removed int64, err error) {
	r, err := t.need(name)
	if err != nil {
		return 0, err
	}
	if first = min(first, r.next); first > r.first {
		removed = int64(first - r.first)
		t.trim(r, first)
	}
	return removed, nil
}

// Exists says whether there is such a room.
func (t *Tx) Exists(name []byte) bool { return t.find(name) != nil }

// Stats returns a room's counters and sizes.
func (t *Tx) Stats(name []byte) (Stats, error) {
	r, err := t.need(name)
	if err != nil {
		return Stats{}, err
	}
	return r.stats(), nil
}

func (r *room) stats() Stats {
	return Stats{
		Messages: int64(r.next - r.first), Bytes: r.bytes, Min: r.first, Next: r.next,
		Max: max(r.next, 1) - 1, Subscribers: r.audience.count(), Published: int64(r.next),
		Consumed: r.consumed, Dropped: r.dropped,
	}
}

// mostListed bounds the lists in an Info.
const mostListed = 1000

// Info returns everything about a room.
func (t *Tx) Info(name []byte) (Info, error) {
	r, err := t.need(name)
	if err != nil {
		return Info{}, err
	}
	info := Info{
		Name: r.name, Generation: r.generation, Settings: r.set, Stats: r.stats(),
		Active: r.active, Oldest: r.shard.oldest(r),
	}
	for name, offset := range r.cursors {
		info.Consumers = append(info.Consumers, ConsumerInfo{name, offset})
	}
	slices.SortFunc(info.Consumers, func(a, b ConsumerInfo) int {
		return strings.Compare(a.Name, b.Name)
	})
	info.Consumers = info.Consumers[:min(len(info.Consumers), mostListed)]
	if a := r.audience; a != nil {
		for _, f := range a.followers[:min(len(a.followers), mostListed)] {
			info.Connected = append(info.Connected, SubscriberInfo{f.sub.id, f.next})
		}
	}
	return info, nil
}

// raise makes n at least value.
func raise(n *atomic.Uint64, value uint64) {
	for old := n.Load(); old < value && !n.CompareAndSwap(old, value); old = n.Load() {
	}
}

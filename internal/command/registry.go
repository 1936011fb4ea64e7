package command

import "sync"

// Registry knows the connected sessions. It is safe for concurrent use.
type Registry struct {
	mu struct {
		sync.RWMutex
		byID map[int64]*Session
	}
	lastID int64 // guarded by mu
}

// NewRegistry makes an empty registry.
func NewRegistry() *Registry {
	r := new(Registry)
	r.mu.byID = map[int64]*Session{}
	return r
}

// Add gives s an id, counted from 1, and lists it.
func (r *Registry) Add(s *Session) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lastID++
	s.ID = r.lastID
	r.mu.byID[s.ID] = s
}

// Remove takes s off the list.
func (r *Registry) Remove(s *Session) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.mu.byID, s.ID)
}

// Count is the number of connected sessions.
func (r *Registry) Count() int {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return len(r.mu.byID)
}

// Total is the number of sessions ever connected.
func (r *Registry) Total() int64 {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.lastID
}

// Each visits the sessions in no order, under the registry's read lock, until visit returns false.
func (r *Registry) Each(visit func(*Session) bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, s := range r.mu.byID {
		if !visit(s) {
			return
		}
	}
}

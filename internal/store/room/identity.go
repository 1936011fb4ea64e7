package room

// Identity tells a room from others that had or will have its name: generation grows with every
// room made; created is ms since the Unix epoch.
func (t *Tx) Identity(name []byte) (generation uint64, created int64, err error) {
	r, err := t.need(name)
	if err != nil {
		return 0, 0, err
	}
	return r.generation, r.set.Created, nil
}

// CheckEvent says why no room can take e. Publish asks it itself; who publishes many asks before.
func CheckEvent(e *Event) error { return checkEvent(e) }

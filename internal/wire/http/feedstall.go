package httpwire

// Stall tells the feed whether its peer takes what it is sent: see wire.Pusher.
func (c *Conn) Stall(stalled bool) {
	f := c.feed
	switch {
	case f == nil, f.ended: // what it held is given back already
	case f.mux != nil:
		f.mux.stall(stalled)
	case f.point.Stalled != nil:
		f.point.Stalled(&f.sub, stalled)
	}
}

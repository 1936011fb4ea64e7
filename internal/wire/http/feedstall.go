package httpwire

// Stall tells the feed whether its peer takes what it is sent: see wire.Pusher.
func (c *Conn) Stall(stalled bool) {
	if f := c.feed; f != nil && f.point.Stalled != nil {
		f.point.Stalled(&f.sub, stalled)
	}
}

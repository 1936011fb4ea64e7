package server

import (
	"errors"
	"net"
	"time"
)

// Accepting pauses after an error, longer each time: most often file descriptors have run out,
// and only the end of other connections brings some back.
const (
	firstPause = 5 * time.Millisecond
	lastPause  = time.Second
)

// accept admits connections until the listener is closed; no other error ends it.
func (s *Server) accept(ln net.Listener, door *Door) error {
	pause := firstPause
	for {
		nc, err := ln.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err == nil {
			err = s.admit(nc.(*net.TCPConn), door)
		}
		if err != nil {
			s.log.Warn("accepting a connection failed; trying again", "port", door.Name,
				"error", err, "pause", pause)
			select {
			case <-s.quit:
				return nil
			case <-time.After(pause):
			}
			pause = min(2*pause, lastPause)
			continue
		}
		pause = firstPause
	}
}

// admit brings a connection onto a loop, or refuses it. Its error is the machine's.
func (s *Server) admit(tc *net.TCPConn, door *Door) error {
	s.total.Add(1)
	switch {
	case !s.opts.AllowRemote && !isLocal(tc.RemoteAddr()):
		s.refuse(tc, door, &notLocal)
		return nil
	case s.open.Add(1) > s.maxOpen.Load():
		s.open.Add(-1)
		s.refuse(tc, door, &tooMany)
		return nil
	}
	peer := s.peers.enter(tc.RemoteAddr())
	if peer == nil {
		s.open.Add(-1)
		s.refusedPeer.Add(1)
		s.refuse(tc, door, &tooManyOfPeer)
		return nil
	}
	now := s.clock.Now()
	c := &conn{server: s, door: door, from: peer, opened: now, seen: now}
	err := s.engine.adopt(tc, c)
	if err != nil {
		s.discount(peer)
		_ = tc.Close()
	}
	if s.draining.Load() {
		return nil // the loops have ended
	}
	return err
}

// discount stops counting a connection that was admitted.
func (s *Server) discount(from *address) {
	s.peers.leave(from)
	s.open.Add(-1)
}

// maxRefusals bounds the connections that are being told why they are refused, which may last
// twice lingerFor; more peers are cut off silently. They have descriptors set aside.
const maxRefusals = 64

func (s *Server) refuse(tc *net.TCPConn, door *Door, why *refusal) {
	s.refused.Add(1)
	say := func() {
		defer s.refusing.Add(-1)
		defer tc.Close() //nolint:errcheck // nothing is left to lose
		if door.Dialect == HTTPDoor {
			awaitRequest(tc)
		}
		if tc.SetWriteDeadline(after(lingerFor)) != nil {
			return
		}
		if _, err := tc.Write(why.bytes(door.Dialect)); err == nil {
			linger(tc)
		}
	}
	if s.refusing.Add(1) > maxRefusals || !s.lane.Go(say, func() { hurry(tc) }) {
		_ = tc.Close()
		s.refusing.Add(-1)
	}
}

// awaitRequest waits, not for long, until the peer has said something. An HTTP client takes an
// answer that is there before its request for a fault of the connection and does not show it.
func awaitRequest(tc *net.TCPConn) {
	if tc.SetReadDeadline(after(lingerFor)) == nil {
		_, _ = tc.Read(make([]byte, 1)) // a silent peer is told as well
	}
}

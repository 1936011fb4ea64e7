//go:build unix && !linux

package server

// startEngine runs the event loops with gnet.
func startEngine(s *Server, loops int) (engine, error) { return startGnet(s, loops) }

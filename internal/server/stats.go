package server

import (
	"sync/atomic"

	"github.com/synapdb/synap/internal/command"
)

// sampleEvery says how many rounds share one timed round: timing costs two clock readings.
const sampleEvery = 64

// LatencyBounds are the upper bounds of the latency buckets, in microseconds; a last bucket has
// none.
var LatencyBounds = [...]int64{1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 50_000}

// loopStats is written by one loop and read by everybody.
type loopStats struct {
	bytesIn, bytesOut atomic.Uint64
	latency           []histogram // by row of the command table
}

type histogram struct {
	buckets [len(LatencyBounds) + 1]atomic.Uint64
	micros  atomic.Uint64
}

// observe books a timed round, executed commands of which the last names the row.
func (s *loopStats) observe(session *command.Session, before uint64, micros int64) {
	executed := int64(session.Executed - before)
	row := session.Info.LastCommand.Load()
	if executed <= 0 || row == nil || row.ID() >= len(s.latency) {
		return
	}
	each := max(micros, 0) / executed
	i := 0
	for i < len(LatencyBounds) && each > LatencyBounds[i] {
		i++
	}
	h := &s.latency[row.ID()]
	h.buckets[i].Add(1)
	h.micros.Add(uint64(each))
}

// Stats is a reading of the server's counters since its start.
type Stats struct {
	Open    int64 // connections, handed-over ones included
	Total   int64 // connections accepted
	Refused int64 // connections refused
	// RefusedPeer are those of Refused whose address had as many connections as it may.
	RefusedPeer int64
	HandedOver  int64 // connections given to the general HTTP server
	SlowClosed  int64 // connections closed because they did not read
	BytesIn     int64 // read on the loops
	BytesOut    int64 // written by loops and slow lane
}

// Stats reads the counters.
func (s *Server) Stats() Stats {
	st := Stats{
		Open: s.open.Load(), Total: s.total.Load(), Refused: s.refused.Load(),
		RefusedPeer: s.refusedPeer.Load(),
		HandedOver:  s.handedOver.Load(), SlowClosed: s.slowClosed.Load(),
	}
	for _, l := range s.allLoops() {
		st.BytesIn += int64(l.stats.bytesIn.Load())
		st.BytesOut += int64(l.stats.bytesOut.Load())
	}
	return st
}

// Latency is the histogram of one command: a count per bucket of LatencyBounds and one beyond.
type Latency struct {
	Buckets [len(LatencyBounds) + 1]uint64
	Micros  uint64 // sum
}

// Latency reads the sampled latencies of the command whose row has this id.
func (s *Server) Latency(row int) (sum Latency) {
	for _, l := range s.allLoops() {
		if row >= len(l.stats.latency) {
			continue
		}
		h := &l.stats.latency[row]
		for i := range h.buckets {
			sum.Buckets[i] += h.buckets[i].Load()
		}
		sum.Micros += h.micros.Load()
	}
	return sum
}

package cli

import (
	"fmt"
	"slices"

	"github.com/synapdb/synap/internal/benchmark/probe"
	"github.com/synapdb/synap/internal/benchmark/result"
)

// When notes are made.
const (
	saturated  = 0.85   // part of the cores it may use that the client has in use
	crowded    = 0.90   // part of all cores that client and server have in use together
	fewSamples = 10_000 // for p99.9: fewer say something of ten operations or less
)

// notes are what a reader of the figures must know.
func notes(e *result.Environment, run *result.Run) []string {
	var all []string
	client, server := busy(run.Tests)
	mine := float64(probe.Cores())
	if client > saturated*mine {
		all = append(all, fmt.Sprintf("client saturated: it had %.1f of its %.0f cores in use, so "+
			"the server may be faster than this", client, mine))
	}
	if e.CoLocated {
		text := "co-located: client and server share this machine"
		if server >= 0 {
			text += fmt.Sprintf(" (%.1f and %.1f of %d cores in use)", client, server,
				e.Cores)
			if client+server > crowded*float64(e.Cores) {
				text += "; it has nothing left, so each slows the other down"
			}
		}
		all = append(all, text)
	} else if server < 0 {
		all = append(all, "CPU and memory of the server are not known")
	}
	for i := range run.Tests {
		if t := &run.Tests[i]; t.Latency.Count < fewSamples {
			all = append(all, fmt.Sprintf("too few samples for p99.9 of %s: %d, of %d that it "+
				"takes", t.Name, t.Latency.Count, fewSamples))
		}
	}
	if slices.ContainsFunc(run.Tests, func(t result.Test) bool { return t.Corrected }) {
		all = append(all, "latencies count from when an operation was due (open loop)")
	}
	if run.Server.Durability != "" {
		all = append(all, fmt.Sprintf("durability: %s", run.Server.Durability))
	}
	return all
}

// busy is the mean of the cores that client and server had in use, in the phase that took the
// client most; -1 = not known.
func busy(tests []result.Test) (client, server float64) {
	client, server = -1, -1
	for i := range tests {
		c, s, n := 0.0, 0.0, 0
		for _, p := range tests[i].Series {
			if p.ClientCPU >= 0 {
				c, n = c+p.ClientCPU, n+1
			}
			s += p.ServerCPU
		}
		if n > 0 && c/float64(n) > client {
			client, server = c/float64(n), s/float64(n)
		}
	}
	return client, max(server, -1)
}

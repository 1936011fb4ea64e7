package cli

import (
	"fmt"
	"slices"
	"strconv"

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
	if text := behind(run); text != "" {
		all = append(all, text)
	}
	if run.Server.Durability != "" {
		all = append(all, fmt.Sprintf("durability: %s", run.Server.Durability))
	}
	return all
}

// behind says that a server did not keep up with --rate: what it never got to has no latency.
func behind(run *result.Run) string {
	rate, err := strconv.ParseFloat(run.Params["rate"], 64)
	if err != nil {
		return "" // there is none
	}
	done := 0.0
	for i := range run.Tests {
		if t := &run.Tests[i]; run.Workload == "kv" || t.Name == "publish" {
			done += t.Rate()
		}
	}
	const kept = 0.98
	if done == 0 || done > kept*rate {
		return ""
	}
	return fmt.Sprintf("the rate was not kept: %.0f of %.0f operations a second; what was due and "+
		"not begun in the end is in no percentile", done, rate)
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

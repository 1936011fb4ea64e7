package workload

import (
	"github.com/synapdb/synap/internal/benchmark/result"
)

// The workloads that only the specification's tables need, beside the scenarios.
const (
	CountWorkload     = "kv count"
	ScanWorkload      = "kv scan"
	SubscribeWorkload = "stream subscribe"
	PipelinedKV       = "kv pipelined"
	PipelinedQueue    = "queue pipelined"
	OneRoom           = "stream, one room"
	SteadyKV          = "kv at 50000/s"
	Capacity          = "memory"
)

// SteadyRate is the rate at which the specification bounds the use of the CPU.
const SteadyRate = 50_000

// tables are those of the specification's performance targets.
var tables = []section{
	{"Latency Goals (p95)", []expectation{
		{"KV GET", below(0.5, millis), in("kv", quantile(95, "GET"))},
		{"KV SET", below(1, millis), in("kv", quantile(95, "SET"))},
		{"KV INCR", below(0.5, millis), in(CountWorkload, quantile(95, "INCR"))},
		{"KV SCAN of 100 keys", below(5, millis), in(ScanWorkload, quantile(95, "SCAN"))},
		{"queue publish", below(1, millis), in("queue", quantile(95, "publish"))},
		{"queue consume", below(0.5, millis), in("queue", quantile(95, "consume"))},
		{"queue ack", below(0.5, millis), in("queue", quantile(95, "ack"))},
		{"stream publish", below(1, millis), in("stream", quantile(95, "publish"))},
		{"stream subscribe, to the first event", below(2, millis),
			in(SubscribeWorkload, quantile(95, "subscribe"))},
		{"pub/sub publish", below(0.5, millis), in("pubsub", quantile(95, "publish"))},
		{"replication lag", below(10, millis), impossible("it needs replicas")},
	}},
	{"Throughput Goals", []expectation{
		{"KV operations, each core of the server", atLeast(100_000, perSecond),
			in(PipelinedKV, perCore)},
		{"queue messages published, one queue", atLeast(50_000, perSecond),
			in(PipelinedQueue, rate("publish"))},
		{"queue messages consumed, one queue", atLeast(50_000, perSecond),
			in(PipelinedQueue, rate("consume"))},
		{"events, one room of 50 subscribers", atLeast(10_000, perSecond),
			in(OneRoom, rate("publish"))},
		{"pub/sub messages, all topics", atLeast(100_000, perSecond),
			in("pubsub", rate("publish"))},
	}},
	{"Resource Usage", []expectation{
		{"CPU of all cores at 50000/s", below(50, percent), in(SteadyKV, cpuShare)},
		{"network at 50000/s, keys and values", below(100, megabits), in(SteadyKV, network)},
	}},
}

// SpecTables holds runs of all scenarios, and of the workloads above, against the specification.
// What Resources measured is not among it.
func SpecTables(runs []result.Run) (checks []result.Check) {
	all := make(evidence, len(runs))
	for i := range runs {
		all[i] = &runs[i]
	}
	for _, workload := range []string{"kv", "queue", "stream", "pubsub"} {
		s := scenarios[workload]
		checks = append(checks, s.checks(all.only(workload))...)
	}
	for i := range tables {
		checks = append(checks, tables[i].checks(all)...)
	}
	return checks
}

func (r evidence) only(workload string) (some evidence) {
	for _, run := range r {
		if run.Workload == workload {
			some = append(some, run)
		}
	}
	return some
}

// in reads a figure from the runs of one workload.
func in(workload string, f figure) figure {
	return func(r evidence) (float64, gap) { return f(r.only(workload)) }
}

// impossible is what can't be measured here.
func impossible(why string) figure {
	return func(evidence) (float64, gap) { return 0, gap{why: why, here: true} }
}

// needsProcess is why there is no figure of a server elsewhere.
var needsProcess = gap{why: "the server's process is not known", here: true}

// perCore is operations a second of the server's CPU time.
func perCore(r evidence) (float64, gap) {
	tests, missing := r.of("GET")
	if missing.why != "" {
		return 0, missing
	}
	var rates []float64
	for _, t := range tests {
		if t.ServerMicros > 0 {
			rates = append(rates, 1e6/t.ServerMicros)
		}
	}
	if rates == nil {
		return 0, needsProcess
	}
	return median(rates), gap{}
}

// steady finds a run whose rate was kept.
func (r evidence) steady() (*result.Run, gap) {
	missing := gap{why: "it was not run"}
	for _, run := range r {
		done := 0.0
		for i := range run.Tests {
			done += run.Tests[i].Rate()
		}
		if done >= Kept*SteadyRate {
			return run, gap{}
		}
		missing.why = "only " + perSecond.text(done) + " were done"
	}
	return nil, missing
}

// cpuShare is the server's part of all cores, in %.
func cpuShare(r evidence) (float64, gap) {
	run, missing := r.steady()
	if missing.why != "" {
		return 0, missing
	}
	sum, n := 0.0, 0
	for i := range run.Tests {
		for _, p := range run.Tests[i].Series {
			if p.ServerCPU >= 0 {
				sum, n = sum+p.ServerCPU, n+1
			}
		}
		if n > 0 { // the other kinds have the same
			break
		}
	}
	if n == 0 {
		return 0, needsProcess
	}
	return 100 * sum / float64(n) / float64(machineCores()), gap{}
}

// network is what keys and values take, in Mbit/s.
func network(r evidence) (float64, gap) {
	run, missing := r.steady()
	if missing.why != "" {
		return 0, missing
	}
	bits := 0.0
	for i := range run.Tests {
		bits += 8 * float64(run.Tests[i].Bytes) / run.Tests[i].Seconds
	}
	return bits / 1e6, gap{}
}

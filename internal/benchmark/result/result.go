// Package result is what a benchmark found: the document that is shown, written, compared.
//
// Receives: figures and facts of runs.
// Hands on: one Report, as JSON and back.
// Never does: measure, print, or draw.
package result

import "time"

// Version is that of the JSON document. A reader refuses a newer one.
const Version = 1

// Report is everything that one invocation found.
type Report struct {
	Version     int         `json:"version"`
	Started     time.Time   `json:"started"`
	Command     []string    `json:"command"` // the command line, secrets left out
	Environment Environment `json:"environment"`
	Runs        []Run       `json:"runs"`
	// Aborted says why the report is not whole: interrupted, or a server died. Empty: it is.
	Aborted string `json:"aborted,omitempty"`
}

// Environment is where a report was made.
type Environment struct {
	Host       string  `json:"host"`
	OS         string  `json:"os"`  // kernel and release
	CPU        string  `json:"cpu"` // model
	Cores      int     `json:"cores"`
	MemoryGiB  float64 `json:"memory_gib"`
	Go         string  `json:"go"`
	Tool       string  `json:"tool"` // version and commit of the benchmark
	CoLocated  bool    `json:"co_located"`
	Calibrated float64 `json:"calibrated"` // iterations a second of the calibration loop
}

// Server is what was loaded.
type Server struct {
	Name       string `json:"name"` // synap, redis, nats, beanstalkd, rabbitmq
	Version    string `json:"version"`
	URL        string `json:"url"`      // without credentials
	Protocol   string `json:"protocol"` // http, ws, resp, nats, beanstalk, amqp
	Format     string `json:"format,omitempty"`
	Durability string `json:"durability"` // of acknowledged writes, in the server's own words
	Spawned    bool   `json:"spawned"`
}

// Run is one workload against one server, once.
type Run struct {
	Workload string            `json:"workload"` // kv, queue, stream, pubsub, stress
	Number   int               `json:"number"`   // from 1, among the runs of the same workload
	Server   Server            `json:"server"`
	Params   map[string]string `json:"params"` // flags that shape the load, by their long names
	Tests    []Test            `json:"tests"`
	Faults   Faults            `json:"faults"`
	Checks   []Check           `json:"checks,omitempty"`
	Knee     []Step            `json:"knee,omitempty"` // of a staircase
	Notes    []string          `json:"notes,omitempty"`
}

// Test is one kind of operation within a run: "GET", "publish", "delivery" …
type Test struct {
	Name       string  `json:"name"`
	Operations int64   `json:"operations"`
	Errors     int64   `json:"errors"`
	Bytes      int64   `json:"bytes"` // of keys and payloads, both ways
	Seconds    float64 `json:"seconds"`
	// Latency is in µs.
	Latency Latency `json:"latency"`
	// Corrected says that latencies count from when an operation was due, not from when it began.
	Corrected bool `json:"corrected"`
	// ServerMicros and ClientMicros are CPU time an operation; 0 = not known.
	ServerMicros float64 `json:"server_cpu_us"`
	ClientMicros float64 `json:"client_cpu_us"`
	Series       []Point `json:"series,omitempty"`
}

// Rate is operations a second.
func (t *Test) Rate() float64 {
	if t.Seconds == 0 {
		return 0
	}
	return float64(t.Operations) / t.Seconds
}

// Latency is a distribution, in µs.
type Latency struct {
	Count int64   `json:"count"`
	Mean  float64 `json:"mean"`
	Min   float64 `json:"min"`
	P50   float64 `json:"p50"`
	P90   float64 `json:"p90"`
	P95   float64 `json:"p95"`
	P99   float64 `json:"p99"`
	P999  float64 `json:"p99_9"`
	Max   float64 `json:"max"`
	// Histogram is the whole of it, in ns: HdrHistogram's V2 compressed form in base64.
	Histogram string `json:"histogram,omitempty"`
}

// Point is about one second of a test.
type Point struct {
	At        float64 `json:"at"`   // its end, in seconds since the test began
	Rate      float64 `json:"rate"` // operations a second
	Errors    int64   `json:"errors"`
	P50       float64 `json:"p50"`        // µs
	P99       float64 `json:"p99"`        // µs
	ServerCPU float64 `json:"server_cpu"` // cores in use; -1 = not known
	ClientCPU float64 `json:"client_cpu"`
	ServerRSS int64   `json:"server_rss"` // bytes; -1 = not known
	ServerGC  float64 `json:"server_gc"`  // pauses in this time, in ms; -1 = not known
}

// Step is one stair of a staircase.
type Step struct {
	Target   float64 `json:"target"`   // operations a second that were due
	Achieved float64 `json:"achieved"` // that were done
	P50      float64 `json:"p50"`      // µs
	P99      float64 `json:"p99"`      // µs
	Holds    bool    `json:"holds"`    // the rate was kept, and the SLO if there is one
}

// Faults are what must not happen. Any of them makes the exit code 1.
type Faults struct {
	Lost       int64 `json:"lost"`
	Duplicate  int64 `json:"duplicate"`
	Reordered  int64 `json:"reordered"`
	Gaps       int64 `json:"gaps"`
	Unexpected int64 `json:"unexpected_errors"`
	// Examples are the first few, in words.
	Examples []string `json:"examples,omitempty"`
}

// Any says whether there was one.
func (f *Faults) Any() bool {
	return f.Lost+f.Duplicate+f.Reordered+f.Gaps+f.Unexpected > 0
}

// Check is an expectation and what became of it.
type Check struct {
	Name  string  `json:"name"`  // "GET p95"
	Want  string  `json:"want"`  // "< 1ms"
	Got   string  `json:"got"`   // "0.31ms"
	Value float64 `json:"value"` // of Got, in the unit of Want
	OK    bool    `json:"ok"`
	// Skipped says that it can't be measured here: it neither holds nor is missed. Got says why.
	Skipped bool `json:"skipped,omitempty"`
	// Source is where it comes from: a section of the specification, or --slo.
	Source string `json:"source"`
}

package assembly

import (
	"math"
	"net/http"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/synapdb/synap/internal/clock"
	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/server"
	"github.com/synapdb/synap/internal/store/kv"
)

// metrics reads every counter when it is scraped; nothing is kept up to date in between. Labels
// are names from the command table, so their number is bounded by the program, or of queues and
// rooms, of which only the first labelledQueues and labelledRooms are shown.
type metrics struct {
	in  *Instance
	cpu cpuGauge
}

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("synap_"+name, help, labels, nil)
}

var (
	descCommands = describe("commands_total",
		"Commands by name and outcome; a name that both dialects have is counted once.",
		"command", "status")
	descOperations = describe("operations_total",
		"Commands by component, all dialects together.", "component", "operation")
	descDuration = describe("operation_duration_seconds",
		"Time in the server per command, sampled: 1 in 64 rounds of an event loop is timed and "+
			"divided by its commands. Time on the network is not part of it.",
		"component", "operation")
	descBuild   = describe("build_info", "Always 1.", "version", "commit", "goversion")
	descCPU     = describe("cpu_usage_percent", "CPU use since the last scrape; 100 = one core.")
	descMemory  = describe("memory_bytes", "Memory of keys, queues, rooms and their indexes.")
	descLimit   = describe("memory_limit_bytes", "Limit of synap_memory_bytes; 0 = none.")
	descKeys    = describe("keys", "Keys in all databases.")
	descActive  = describe("connections_active", "Open connections.")
	descAccept  = describe("connections_total", "Connections accepted.")
	descRefused = describe("connections_refused_total", "Connections refused.")
	descPeer    = describe("connections_refused_per_address_total",
		"Connections refused because their address had as many as it may; part of "+
			"synap_connections_refused_total.")
	descRoom = describe("connections_limit",
		"Connections possible: server.max_connections, or what the limit of open files allows.")
	descSlow = describe("connections_slow_closed_total",
		"Connections closed because they did not read their replies.")
	descIn      = describe("network_received_bytes_total", "Bytes read by the event loops.")
	descOut     = describe("network_sent_bytes_total", "Bytes written by the event loops.")
	descHits    = describe("kv_hits_total", "Reads that found their key.")
	descMisses  = describe("kv_misses_total", "Reads that did not find their key.")
	descExpired = describe("kv_expired_total", "Keys removed because their time was up.")
	descEvicted = describe("kv_evicted_total", "Keys removed to make room.")
)

// Describe is part of prometheus.Collector.
func (m *metrics) Describe(ch chan<- *prometheus.Desc) { prometheus.DescribeByCollect(m, ch) }

// Collect is part of prometheus.Collector.
func (m *metrics) Collect(ch chan<- prometheus.Metric) {
	send := func(d *prometheus.Desc, t prometheus.ValueType, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, t, v, labels...)
	}
	count := func(d *prometheus.Desc, v int64) { send(d, prometheus.CounterValue, float64(v)) }
	gauge := func(d *prometheus.Desc, v float64) { send(d, prometheus.GaugeValue, v) }
	e := m.in.engine
	build := e.Server
	send(descBuild, prometheus.GaugeValue, 1, build.Version, build.Commit, goVersion())
	gauge(descCPU, m.cpu.percent(clock.Real{}.Micros()))
	limit, _ := e.Store.MemoryLimit()
	st, net := e.Store.Stats(), m.in.server.Stats()
	gauge(descMemory, float64(m.in.stores.Memory()))
	gauge(descLimit, float64(limit))
	gauge(descKeys, float64(allKeys(e.Store)))
	gauge(descActive, float64(net.Open))
	count(descAccept, net.Total)
	count(descRefused, net.Refused)
	count(descPeer, net.RefusedPeer)
	gauge(descRoom, float64(m.in.server.MaxConnections()))
	count(descSlow, net.SlowClosed)
	count(descIn, net.BytesIn)
	count(descOut, net.BytesOut)
	count(descHits, st.Hits)
	count(descMisses, st.Misses)
	count(descExpired, st.Expired)
	count(descEvicted, st.Evicted)
	m.durable(count, gauge)
	m.queues(send)
	m.rooms(send)
	m.topics(send)
	m.commands(send, ch)
}

func allKeys(s *kv.Store) (n int64) {
	for db := range uint8(kv.Databases) {
		n += s.Count(db)
	}
	return n
}

// outcome counts one name: both dialects have an INFO, for instance.
type outcome struct{ calls, failures uint64 }

// operation sums the rows that do the same in different dialects.
type operation struct {
	calls   float64
	latency server.Latency
}

func (m *metrics) commands(
	send func(*prometheus.Desc, prometheus.ValueType, float64, ...string),
	ch chan<- prometheus.Metric,
) {
	all := m.in.allCounters()
	names := map[string]outcome{}
	sums := map[[2]string]*operation{}
	eachRow(m.in.engine.Table, func(row *command.Row) {
		var n outcome
		for _, c := range all {
			n.calls += c.Calls[row.ID()].Load()
			n.failures += c.Failures[row.ID()].Load()
		}
		if n.calls == 0 {
			return
		}
		name := strings.ToLower(row.FullName())
		names[name] = outcome{names[name].calls + n.calls, names[name].failures + n.failures}
		label := labels(row)
		o := sums[label]
		if o == nil {
			o = new(operation)
			sums[label] = o
		}
		o.calls += float64(n.calls)
		o.add(m.in.server.Latency(row.ID()))
	})
	for name, n := range names {
		ok := n.calls - min(n.failures, n.calls) // the two are not read at one instant
		send(descCommands, prometheus.CounterValue, float64(ok), name, "ok")
		send(descCommands, prometheus.CounterValue, float64(n.failures), name, "error")
	}
	for label, o := range sums {
		send(descOperations, prometheus.CounterValue, o.calls, label[0], label[1])
		if h := o.histogram(label); h != nil {
			ch <- h
		}
	}
}

func (o *operation) add(l server.Latency) {
	o.latency.Micros += l.Micros
	for i, n := range l.Buckets {
		o.latency.Buckets[i] += n
	}
}

func (o *operation) histogram(label [2]string) prometheus.Metric {
	var total uint64
	below := map[float64]uint64{}
	for i, n := range o.latency.Buckets {
		total += n
		if i < len(server.LatencyBounds) {
			below[float64(server.LatencyBounds[i])/1e6] = total
		}
	}
	if total == 0 {
		return nil
	}
	return prometheus.MustNewConstHistogram(descDuration, total,
		float64(o.latency.Micros)/1e6, below, label[0], label[1])
}

// labels are component and operation: "kv" and "get" for both GET and kv.get.
func labels(row *command.Row) [2]string {
	name := strings.ToLower(row.FullName())
	if row.Call != nil {
		if component, op, ok := strings.Cut(name, "."); ok {
			return [2]string{component, op}
		}
		return [2]string{row.Group, name}
	}
	switch row.Group {
	case "string", "generic", "bitmap":
		return [2]string{"kv", name}
	case "queue": // QPUBLISH does what queue.publish does
		return [2]string{"queue", strings.TrimPrefix(name, "q")}
	case "stream": // SPUBLISH does what stream.publish does
		return [2]string{"stream", strings.TrimPrefix(name, "s")}
	}
	return [2]string{row.Group, name}
}

func eachRow(t *command.Table, visit func(*command.Row)) {
	for _, row := range t.Rows() {
		visit(row)
		for _, sub := range row.Subcommands {
			visit(sub)
		}
	}
}

// cpuGauge turns the process's CPU time into a rate between scrapes.
type cpuGauge struct {
	sync.Mutex
	atMicros, usedMicros int64
	last                 float64
}

func (g *cpuGauge) percent(now int64) float64 {
	g.Lock()
	defer g.Unlock()
	user, system := cpuMicros()
	used := user + system
	if elapsed := now - g.atMicros; g.atMicros != 0 && elapsed > 0 {
		g.last = math.Round(1e4*float64(used-g.usedMicros)/float64(elapsed)) / 100
	}
	g.atMicros, g.usedMicros = now, used
	return g.last
}

// metricsHandler serves /metrics.
func (in *Instance) metricsHandler() http.Handler {
	reg := prometheus.NewRegistry()
	m := &metrics{in: in}
	m.cpu.percent(clock.Real{}.Micros())
	reg.MustRegister(m, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return promhttp.HandlerFor(reg, promhttp.HandlerOpts{})
}

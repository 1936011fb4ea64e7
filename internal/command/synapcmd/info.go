package synapcmd

import (
	"fmt"
	"runtime"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/errs"
	"github.com/synapdb/synap/internal/store/kv"
)

// fact is one member of a section of info: a string, int64 or float64.
type fact struct {
	name  string
	value any
}

// reading is what several sections need.
type reading struct {
	c       *command.Ctx
	stats   kv.Stats
	process command.ProcessStats
}

// sections of info, with the names that monitoring tools look for.
var sections = []struct {
	name  string
	facts func(*reading) []fact
}{
	{"server", serverFacts},
	{"memory", memoryFacts},
	{"persistence", persistenceFacts},
	{"stats", statsFacts},
	{"replication", replicationFacts},
	{"keyspace", keyspaceFacts},
	{"queues", func(r *reading) []fact { return figures(r.c.QueueFigures()) }},
	{"rooms", func(r *reading) []fact { return figures(r.c.RoomFigures()) }},
	{"topics", func(r *reading) []fact { return figures(r.c.Engine.TopicFigures()) }},
	{"cluster", func(*reading) []fact { return []fact{{"cluster_enabled", int64(0)}} }},
}

func info(c *command.Ctx, a *command.Args) error {
	asked := "all"
	if a.Has(0) {
		asked = string(a.Bytes(0))
	}
	wanted := 0
	for _, s := range sections {
		if asked == "all" || asked == s.name {
			wanted++
		}
	}
	if wanted == 0 {
		return errs.Value("section must be all, server, memory, persistence, stats, " +
			"replication, keyspace, queues, rooms, topics or cluster")
	}
	r := &reading{c: c, stats: c.Store.Stats()}
	if c.Engine.Server.Process != nil {
		r.process = c.Engine.Server.Process()
	}
	c.Reply.Map(wanted)
	for _, s := range sections {
		if asked == "all" || asked == s.name {
			c.Reply.Str(s.name)
			replyFacts(c.Reply, s.facts(r))
		}
	}
	return nil
}

func replyFacts(r command.Reply, facts []fact) {
	r.Map(len(facts))
	for _, f := range facts {
		r.Str(f.name)
		switch v := f.value.(type) {
		case string:
			r.Str(v)
		case float64:
			r.Float(v)
		case int64:
			r.Int(v)
		}
	}
}

func serverFacts(r *reading) []fact {
	s := &r.c.Engine.Server
	uptime := max(r.c.Now-s.Started, 0) / 1000
	return []fact{
		{"redis_version", s.Version},
		{"redis_git_sha1", s.Commit},
		{"redis_git_dirty", int64(0)},
		{"redis_build_id", s.Commit},
		{"redis_mode", "standalone"},
		{"os", runtime.GOOS + " " + runtime.GOARCH},
		{"arch_bits", int64(32 << (^uint(0) >> 63))},
		{"multiplexing_api", "epoll"},
		{"process_id", int64(r.process.PID)},
		{"run_id", s.RunID},
		{"tcp_port", int64(s.HTTPPort)},
		{"uptime_in_seconds", uptime},
		{"uptime_in_days", uptime / 86400},
		{"hz", int64(10)},
		{"executable", s.Executable},
		{"config_file", s.ConfigFile},
	}
}

func memoryFacts(r *reading) []fact {
	ratio, m := 0.0, r.c.Engine.Memory()
	if m.Used > 0 {
		ratio = float64(r.process.RSS) / float64(m.Used)
	}
	return []fact{
		{"used_memory", m.Used},
		{"used_memory_human", command.HumanBytes(m.Used)},
		{"used_memory_rss", r.process.RSS},
		{"used_memory_peak", m.Peak},
		{"used_memory_peak_human", command.HumanBytes(m.Peak)},
		{"mem_fragmentation_ratio", ratio},
		{"mem_allocator", "synap-slabs"},
	}
}

func statsFacts(r *reading) []fact {
	var executed uint64
	if counters := r.c.Engine.Server.Counters; counters != nil {
		for _, loop := range counters() {
			for i := range loop.Calls {
				executed += loop.Calls[i].Load()
			}
		}
	}
	rate := int64(0)
	if read := r.c.Engine.Server.OpsPerSec; read != nil {
		rate = read()
	}
	topics, globs, _ := r.c.Engine.Subscribed()
	return []fact{
		{"total_commands_processed", int64(executed)},
		{"instantaneous_ops_per_sec", rate},
		{"total_connections_received", r.c.Engine.Sessions.Total()},
		{"keyspace_hits", r.stats.Hits},
		{"keyspace_misses", r.stats.Misses},
		{"pubsub_channels", int64(topics)},
		{"pubsub_patterns", int64(globs)},
	}
}

func replicationFacts(*reading) []fact {
	return []fact{
		{"role", "master"},
		{"connected_slaves", int64(0)},
		{"master_repl_offset", int64(0)},
		{"repl_backlog_active", int64(0)},
		{"repl_backlog_size", int64(0)},
	}
}

func keyspaceFacts(r *reading) (facts []fact) {
	for db := range kv.Databases {
		if d := r.c.Store.DB(uint8(db)); d.Keys > 0 {
			facts = append(facts, fact{fmt.Sprintf("db%d", db),
				fmt.Sprintf("keys=%d,expires=%d,avg_ttl=0", d.Keys, d.Expires)})
		}
	}
	return facts
}

func figures(list []command.Figure) (facts []fact) {
	for _, f := range list {
		facts = append(facts, fact{f.Name, f.Value})
	}
	return facts
}

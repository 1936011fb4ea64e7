package conncmd

import (
	"fmt"
	"runtime"
	"slices"
	"strings"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/store/kv"
)

// The sections keep Redis' field names, which monitoring tools look for. What the server does
// not have (replicas, channels …) reads as Redis reports it unused; what it does not measure is
// left out.

func infoServer(r *report) {
	s := &r.e.Server
	uptime := max(r.now-s.Started, 0) / 1000
	r.line("redis_version", RedisVersion)
	r.line("synap_version", s.Version)
	r.line("redis_git_sha1", s.Commit)
	r.line("redis_git_dirty", 0)
	r.line("redis_mode", "standalone")
	r.line("os", runtime.GOOS+" "+runtime.GOARCH)
	r.line("arch_bits", 32<<(^uint(0)>>63))
	r.line("multiplexing_api", "epoll")
	r.line("go_version", runtime.Version())
	r.line("process_id", r.process.PID)
	r.line("process_supervised", "no")
	r.line("run_id", s.RunID)
	r.line("tcp_port", s.RESPPort)
	r.line("http_port", s.HTTPPort)
	r.line("event_loops", s.Loops)
	r.line("server_time_usec", r.e.Clock.Micros())
	r.line("uptime_in_seconds", uptime)
	r.line("uptime_in_days", uptime/86400)
	r.line("executable", s.Executable)
	r.line("config_file", s.ConfigFile)
}

func infoClients(r *report) {
	r.line("connected_clients", r.e.Sessions.Count())
	r.line("cluster_connections", 0)
	if limit := r.e.Settings.Find("maxclients"); limit != nil {
		r.line("maxclients", limit.Get())
	}
	if limit := r.e.Settings.Find("maxclients-per-address"); limit != nil {
		r.line("maxclients_per_address", limit.Get())
	}
	if wanted := r.e.Server.MaxClients; wanted > 0 {
		r.line("maxclients_configured", wanted) // maxclients is less when open files are short
	}
	waiting := int64(0)
	for _, f := range slices.Concat(r.queues, r.rooms) {
		if f.Name == "queue_waiters" || f.Name == "room_waiters" {
			waiting += f.Value
		}
	}
	r.line("blocked_clients", waiting)
	r.line("tracking_clients", 0)
	r.line("clients_in_timeout_table", 0)
}

func infoMemory(r *report) {
	limit, policy := r.e.Store.MemoryLimit()
	used, rss := r.memory.Used, r.process.RSS
	r.size("used_memory", used)
	r.size("used_memory_rss", rss)
	r.size("used_memory_peak", r.memory.Peak)
	r.line("used_memory_peak_perc", percent(used, r.memory.Peak))
	r.line("used_memory_dataset", used)
	r.line("used_memory_dataset_perc", percent(used, used))
	r.size("maxmemory", limit)
	r.line("maxmemory_policy", policyName(policy))
	ratio := 0.0
	if used > 0 {
		ratio = float64(rss) / float64(used)
	}
	r.line("mem_fragmentation_ratio", fmt.Sprintf("%.2f", ratio))
	r.line("mem_allocator", "synap-slabs")
	r.line("allocator_allocated", used)
	r.line("allocator_resident", r.memory.Resident)
	r.line("active_defrag_running", 0)
	r.line("lazyfree_pending_objects", 0)
}

func percent(part, whole int64) string {
	if whole <= 0 {
		return "0.00%"
	}
	return fmt.Sprintf("%.2f%%", 100*float64(part)/float64(whole))
}

// policyName is the policy in Redis' spelling.
func policyName(p kv.Policy) string {
	names := [...]string{
		kv.NoEviction: "noeviction", kv.AllKeysLRU: "allkeys-lru", kv.AllKeysLFU: "allkeys-lfu",
		kv.AllKeysRandom: "allkeys-random", kv.VolatileLRU: "volatile-lru",
		kv.VolatileLFU: "volatile-lfu", kv.VolatileRandom: "volatile-random",
		kv.VolatileTTL: "volatile-ttl",
	}
	return names[p]
}

func infoStats(r *report) {
	refused, ofPeer := int64(0), int64(0)
	if r.e.Server.Refused != nil {
		refused = r.e.Server.Refused()
	}
	if r.e.Server.RefusedPeer != nil {
		ofPeer = r.e.Server.RefusedPeer()
	}
	executed := uint64(0)
	eachCommand(r.e, func(_ *command.Row, calls, _ uint64) { executed += calls })
	rate := int64(0)
	if r.e.Server.OpsPerSec != nil {
		rate = r.e.Server.OpsPerSec()
	}
	r.line("total_connections_received", r.e.Sessions.Total())
	r.line("total_commands_processed", executed)
	r.line("instantaneous_ops_per_sec", rate)
	r.line("total_net_input_bytes", r.process.NetIn)
	r.line("total_net_output_bytes", r.process.NetOut)
	r.line("rejected_connections", refused)
	r.line("rejected_connections_per_address", ofPeer)
	r.line("sync_full", 0)
	r.line("sync_partial_ok", 0)
	r.line("sync_partial_err", 0)
	r.line("expired_keys", r.stats.Expired)
	r.line("evicted_keys", r.stats.Evicted)
	r.line("evicted_clients", 0)
	r.line("keyspace_hits", r.stats.Hits)
	r.line("keyspace_misses", r.stats.Misses)
	topics, globs, shards := r.e.Subscribed()
	r.line("pubsub_channels", topics)
	r.line("pubsub_patterns", globs)
	r.line("pubsubshard_channels", shards)
	r.line("latest_fork_usec", 0)
	r.line("total_forks", 0)
}

func infoReplication(r *report) {
	r.line("role", "master")
	r.line("connected_slaves", 0)
	r.line("master_failover_state", "no-failover")
	r.line("master_replid", r.e.Server.RunID)
	r.line("master_replid2", strings.Repeat("0", 40))
	r.line("master_repl_offset", 0)
	r.line("second_repl_offset", -1)
	r.line("repl_backlog_active", 0)
	r.line("repl_backlog_size", 0)
	r.line("repl_backlog_first_byte_offset", 0)
	r.line("repl_backlog_histlen", 0)
}

func infoCPU(r *report) {
	seconds := func(micros int64) string { return fmt.Sprintf("%.6f", float64(micros)/1e6) }
	r.line("used_cpu_sys", seconds(r.process.SystemMicros))
	r.line("used_cpu_user", seconds(r.process.UserMicros))
	r.line("used_cpu_sys_children", seconds(0))
	r.line("used_cpu_user_children", seconds(0))
}

// infoCommandStats writes usec as 0: commands are too short to read the clock around each.
func infoCommandStats(r *report) {
	eachCommand(r.e, func(row *command.Row, calls, failures uint64) {
		if calls > 0 {
			r.printf("cmdstat_%s:calls=%d,usec=0,usec_per_call=0.00,rejected_calls=0,"+
				"failed_calls=%d\r\n", row.FullName(), calls, failures)
		}
	})
}

// eachCommand visits all rows and subcommands with their counts over all loops.
func eachCommand(e *command.Engine, visit func(row *command.Row, calls, failures uint64)) {
	all := allCounters(e)
	one := func(row *command.Row) {
		var calls, failures uint64
		for _, counters := range all {
			calls += counters.Calls[row.ID()].Load()
			failures += counters.Failures[row.ID()].Load()
		}
		visit(row, calls, failures)
	}
	for _, row := range e.Table.Rows() {
		one(row)
		for _, sub := range row.Subcommands {
			one(sub)
		}
	}
}

func infoKeyspace(r *report) {
	for db := range uint8(kv.Databases) {
		if s := r.e.Store.DB(db); s.Keys > 0 {
			r.printf("db%d:keys=%d,expires=%d,avg_ttl=0\r\n", db, s.Keys, s.Expires)
		}
	}
}

// infoQueues, infoRooms and infoTopics are sections of Synap's own.
func infoQueues(r *report) { r.figures(r.queues) }

func infoRooms(r *report) { r.figures(r.rooms) }

func infoTopics(r *report) { r.figures(r.e.TopicFigures()) }

func (r *report) figures(list []command.Figure) {
	for _, f := range list {
		r.line(f.Name, f.Value)
	}
}

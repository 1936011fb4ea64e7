package conncmd_test

import (
	"strings"
	"testing"
)

func TestConfig(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"CONFIG GET port", "*2|$4|port|$4|6379|"},
		{"CONFIG GET MAXMEM* p?rt max*y", "*6|$9|maxmemory|$1|0|$16|maxmemory-policy|" +
			"$10|noeviction|$4|port|$4|6379|"},
		{"CONFIG GET no", "*0|"},
		{"CONFIG GET", "-ERR wrong number of arguments for 'config|get' command|"},
		{"CONFIG SET MaxMemory 5 maxmemory-policy allkeys-lru\nCONFIG GET maxmem*",
			"+OK|*4|$9|maxmemory|$1|5|$16|maxmemory-policy|$11|allkeys-lru|"},
		{"CONFIG SET maxmemory 5 maxmemory-policy bad\nCONFIG GET maxmemory",
			"-ERR CONFIG SET failed (possibly related to argument 'maxmemory-policy') - argument" +
				" must be a memory value|*2|$9|maxmemory|$1|0|"},
		{"CONFIG SET maxmemory 5 port 1\nCONFIG GET maxmemory",
			"-ERR CONFIG SET failed (possibly related to argument 'port') - can't set immutable" +
				" config|*2|$9|maxmemory|$1|0|"},
		{"CONFIG SET maxmemory 5 no 1\nCONFIG GET maxmemory", "-ERR Unknown option or number of" +
			" arguments for CONFIG SET - 'no'|*2|$9|maxmemory|$1|0|"},
		{"CONFIG SET maxmemory 1 maxmemory 2", "-ERR CONFIG SET failed (possibly related to" +
			" argument 'maxmemory') - duplicate parameter|"},
		{"CONFIG SET maxmemory 1 port", "-ERR wrong number of arguments for 'config|set'" +
			" command|"},
		{"CONFIG REWRITE", "-ERR CONFIG REWRITE is not supported: CONFIG SET lasts until restart;" +
			" write lasting changes into the configuration file|"},
		{"HELLO 3\nCONFIG GET port", ""},
	} {
		f := newFixture(t)
		if c.want == "" {
			if got := f.connect("a:1").send(c.in); !strings.HasSuffix(got,
				"%1\r\n$4\r\nport\r\n$4\r\n6379\r\n") {
				t.Errorf("%s: got %q", c.in, got)
			}
			continue
		}
		f.connect("a:1").expect(c.in, c.want)
	}
}

// fields are the lines of an INFO reply by name.
func fields(t *testing.T, reply string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for line := range strings.SplitSeq(reply, "\r\n") {
		if name, value, found := strings.Cut(line, ":"); found {
			all[name] = value
		}
	}
	return all
}

func TestInfo(t *testing.T) {
	f := newFixture(t)
	c := f.connect("a:1")
	c.send("SET k v\nGET k\nGET no\nSELECT 3\nSET k v\nSET bad\nCLIENT SETNAME \"a b\"")
	f.clock.Advance(90_000_000)
	got := fields(t, c.send("INFO everything"))
	for name, want := range map[string]string{
		"redis_version": "7.0.15", "synap_version": "1.2.3", "redis_mode": "standalone",
		"tcp_port": "6379", "process_id": "42", "uptime_in_seconds": "90000",
		"uptime_in_days": "1", "connected_clients": "1", "used_memory_rss": "3145728",
		"used_memory_rss_human": "3.00M", "maxmemory_policy": "noeviction", "loading": "0",
		"total_connections_received": "1", "rejected_connections": "7", "keyspace_hits": "1",
		"keyspace_misses": "1", "role": "master", "used_cpu_user": "1.500000",
		"total_net_input_bytes": "9", "cluster_enabled": "0", "run_id": "f00",
		"db0": "keys=1,expires=0,avg_ttl=0", "db3": "keys=1,expires=0,avg_ttl=0",
		"cmdstat_set": "calls=2,usec=0,usec_per_call=0.00,rejected_calls=0,failed_calls=0",
		"cmdstat_client|setname": "calls=1,usec=0,usec_per_call=0.00,rejected_calls=0," +
			"failed_calls=1",
	} {
		if got[name] != want {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
	}
	if _, there := got["db1"]; there || got["used_memory"] == "0" {
		t.Errorf("an empty database is listed, or %s bytes are used", got["used_memory"])
	}
}

func TestInfoSections(t *testing.T) {
	c := newFixture(t).connect("a:1")
	for in, want := range map[string]string{
		"INFO": "Server Clients Memory Persistence Stats Replication CPU Modules Errorstats" +
			" Cluster Keyspace Queues Rooms Topics",
		"INFO default commandstats": "Server Clients Memory Persistence Stats Replication CPU" +
			" Modules Commandstats Errorstats Cluster Keyspace Queues Rooms Topics",
		"INFO cpu SERVER": "Server CPU",
		"INFO keyspace":   "Keyspace",
		"INFO nonsense":   "",
	} {
		var names []string
		for line := range strings.SplitSeq(c.send(in), "\r\n") {
			if name, found := strings.CutPrefix(line, "# "); found {
				names = append(names, name)
			}
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
	c.expect("INFO cluster", "$30|# Cluster|cluster_enabled:0||")
	c.send("HELLO 3")
	c.expect("INFO cluster nonsense", "=34|txt:# Cluster|cluster_enabled:0||")
}

func TestResetStat(t *testing.T) {
	f := newFixture(t)
	c := f.connect("a:1")
	c.send("SET k v\nGET k\nGET no")
	c.expect("CONFIG RESETSTAT", "+OK|")
	got := fields(t, c.send("INFO everything"))
	if got["cmdstat_set"] != "" || got["keyspace_hits"] != "0" || f.resets != 1 {
		t.Errorf("after CONFIG RESETSTAT: set %q, hits %s, resets %d", got["cmdstat_set"],
			got["keyspace_hits"], f.resets)
	}
}

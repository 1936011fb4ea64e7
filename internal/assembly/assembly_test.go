package assembly

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/config"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patient = 10 * time.Second

// open starts an instance on free ports.
func open(t *testing.T, flags map[string]string) *Instance {
	t.Helper()
	all := map[string]string{"server.host": "127.0.0.1", "server.port": "0",
		"server.resp_port": "0", "kv_store.shards": "4", "server.loops": "2",
		"persistence.level": "memory"}
	for key, value := range flags {
		all[key] = value
	}
	l, err := config.Load(config.Sources{Environ: []string{}, Flags: all})
	if err != nil {
		t.Fatal(err)
	}
	in, err := Open(&l.Config, Build{Version: "1.2.3", Commit: "abc"},
		slog.New(slog.DiscardHandler), new(slog.LevelVar))
	if err != nil {
		t.Fatal(err)
	}
	if err := in.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patient)
		defer cancel()
		if err := in.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return in
}

// ask sends inline commands, then QUIT, and returns all that came back.
func (in *Instance) ask(t *testing.T, commands ...string) string {
	t.Helper()
	c, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(in.RESPPort())))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patient))
	_, _ = io.WriteString(c, strings.Join(commands, "\r\n")+"\r\nQUIT\r\n")
	reply, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(string(reply), "+OK\r\n")
}

func TestSettingsActAtOnce(t *testing.T) {
	in := open(t, nil)
	for _, tc := range []struct{ set, value, want string }{
		{"maxmemory", "100mb", "104857600"},
		{"maxmemory-policy", "allkeys-LRU", "allkeys-lru"},
		{"timeout", "30", "30"},
		{"maxclients", "500", "500"},
		{"maxclients-per-address", "20", "20"},
		{"loglevel", "warning", "warning"},
		{"loglevel", "debug", "debug"},
		{"loglevel", "notice", "notice"},
		{"save", `""`, ""},
		{"appendonly", "no", "no"},
		{"notify-keyspace-events", "K$gE", "g$KE"},
	} {
		got := in.ask(t, "CONFIG SET "+tc.set+" "+tc.value, "CONFIG GET "+tc.set)
		want := "+OK\r\n*2\r\n$" + strconv.Itoa(len(tc.set)) + "\r\n" + tc.set + "\r\n$" +
			strconv.Itoa(len(tc.want)) + "\r\n" + tc.want + "\r\n"
		if got != want {
			t.Errorf("%s %s: %q, want %q", tc.set, tc.value, got, want)
		}
	}
	if limit, policy := in.engine.Store.MemoryLimit(); limit != 100<<20 ||
		policies[policy] != "allkeys-lru" {
		t.Errorf("the store has limit %d, policy %s", limit, policies[policy])
	}
	if in.server.IdleTimeout() != 30*time.Second || in.server.MaxConnections() != 500 {
		t.Errorf("the doors have %v, %d", in.server.IdleTimeout(), in.server.MaxConnections())
	}
	if n := in.server.MaxPerAddress(); n != 20 {
		t.Errorf("an address may have %d connections", n)
	}
	for _, bad := range []string{"maxmemory lots", "maxmemory -1", "maxmemory 9999999999999gb",
		"maxmemory-policy lru", "timeout x", "timeout -1", "maxclients 0", "loglevel loud",
		"save 60", "appendonly yes", "port 1", "maxclients 2000000000",
		"maxclients-per-address -1", "notify-keyspace-events KEm", "notify-keyspace-events q"} {
		if got := in.ask(t, "CONFIG SET "+bad); !strings.HasPrefix(got, "-ERR CONFIG SET failed") {
			t.Errorf("CONFIG SET %s: %q", bad, got)
		}
	}
}

func TestMemoryLimitIsKept(t *testing.T) {
	in := open(t, map[string]string{"kv_store.max_memory_mb": "8"})
	value := strings.Repeat("v", 10_000)
	var commands []string
	for i := range 2_000 {
		commands = append(commands, "SET key:"+strconv.Itoa(i)+" "+value)
	}
	if got := in.ask(t, commands...); !strings.Contains(got, "-OOM command not allowed") {
		t.Errorf("20 MB went into 8 MiB: %.100q", got)
	}
	if used := in.engine.Store.Stats().Memory; used > 9<<20 {
		t.Errorf("%d bytes are used", used)
	}
}

func TestKeysExpireByThemselves(t *testing.T) {
	in := open(t, nil)
	in.ask(t, "SET a 1 PX 1", "SET b 2")
	for deadline := time.Now().Add(patient); in.engine.Store.Count(0) != 1; {
		if time.Now().After(deadline) {
			t.Fatal("nobody removes expired keys")
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func TestResetStatLeavesMetricsAlone(t *testing.T) {
	in := open(t, nil)
	got := in.ask(t, "PING", "INFO stats", "CONFIG RESETSTAT", "INFO stats")
	first, second, _ := strings.Cut(got, "+OK\r\n")
	read := func(text string) (n int) {
		_, after, _ := strings.Cut(text, "total_net_input_bytes:")
		digits, _, _ := strings.Cut(after, "\r\n")
		n, _ = strconv.Atoi(digits)
		return n
	}
	before, after := read(first), read(second)
	if before == 0 || after >= before {
		t.Errorf("bytes read: %d, after CONFIG RESETSTAT %d", before, after)
	}
	if total := in.server.Stats().BytesIn; total < int64(before) {
		t.Errorf("the metric went back to %d", total)
	}
}

func TestBothDialectsCountAsOneOperation(t *testing.T) {
	in := open(t, nil)
	in.ask(t, "SET a 1", "GET a")
	web := "http://127.0.0.1:" + strconv.Itoa(in.HTTPPort())
	client := &http.Client{Timeout: patient}
	defer client.CloseIdleConnections()
	get := func(path string) string {
		reply, err := client.Get(web + path)
		if err != nil {
			t.Fatal(err)
		}
		defer reply.Body.Close()
		body, _ := io.ReadAll(reply.Body)
		return string(body)
	}
	get("/kv/get/a")
	scrape := get("/metrics")
	for _, want := range []string{
		`synap_operations_total{component="kv",operation="get"} 2`,
		`synap_commands_total{command="get",status="ok"} 1`,
		`synap_commands_total{command="kv.get",status="ok"} 1`,
		`synap_build_info{commit="abc",`,
	} {
		if !strings.Contains(scrape, want) {
			t.Errorf("%s is missing", want)
		}
	}
}

// Every row has been called once: no scrape can fail on two rows with the same labels.
func TestEveryRowCanBeScraped(t *testing.T) {
	in := open(t, nil)
	counters := in.allCounters()[0]
	eachRow(in.engine.Table, func(row *command.Row) {
		counters.Calls[row.ID()].Store(1)
		if l := labels(row); l[0] == "" || l[1] == "" {
			t.Errorf("%s: %q", row.FullName(), l)
		}
	})
	reply := httptest.NewRecorder()
	in.metricsHandler().ServeHTTP(reply, httptest.NewRequest("GET", "/metrics", nil))
	if reply.Code != 200 {
		t.Errorf("%d %.300s", reply.Code, reply.Body)
	}
}

func TestSizesAsInRedis(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "17": 17, "17b": 17, "1k": 1000, "1KB": 1024, "2m": 2_000_000, "2mb": 2 << 20,
		"1g": 1_000_000_000, "1Gb": 1 << 30, "": -1, "mb": -1, "1mbb": -1, "1kk": -1, "-1": -1,
		"1.5gb": -1, "9999999999gb": -1,
	} {
		if n, err := parseBytes(text); err == nil && n != want || err != nil && want >= 0 {
			t.Errorf("%q: %d, %v; want %d", text, n, err, want)
		}
	}
}

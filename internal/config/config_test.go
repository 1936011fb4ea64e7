package config_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/synapdb/synap/internal/config"
)

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

var none = []string{} // no environment

func TestDefaults(t *testing.T) {
	l, err := config.Load(config.Sources{Environ: none})
	if err != nil {
		t.Fatal(err)
	}
	s := l.Server
	if s.Host != "0.0.0.0" || s.Port != 15500 || s.RESPHost != "127.0.0.1" || s.RESPPort != 6379 ||
		s.AllowInsecure || l.KVStore.MaxMemoryMB != 4096 ||
		l.KVStore.EvictionPolicy != "noeviction" || l.KVStore.AllowFlushCommands {
		t.Errorf("defaults: %+v", l.Config)
	}
	q := l.Queue
	if q.MaxDepth != 100_000 || q.AckDeadlineSecs != 30 || q.DefaultMaxRetries != 3 ||
		q.DefaultPriority != 5 || q.PrefetchLimit != 0 || q.DedupWindowSecs != 300 ||
		q.TTLSecs != 0 || q.BackoffBaseMS != 0 || q.Overflow != "reject" {
		t.Errorf("defaults of queues: %+v", q)
	}
	if r := l.Stream; r.MaxEvents != 10_000 || r.HardEvents != 100_000 || r.MaxBytes != 0 ||
		r.RetentionSecs != 3600 || r.AutoCreate || r.InactiveRoomSecs != 0 ||
		r.CompactionSecs != 60 {
		t.Errorf("defaults of rooms: %+v", r)
	}
	if l.Summary() != "defaults" {
		t.Errorf("summary %q", l.Summary())
	}
}

func TestFlagBeatsEnvBeatsFileBeatsDefault(t *testing.T) {
	file := write(t, "c.yml", "server:\n  port: 1\n  resp_port: 2\n  loops: 3\n")
	l, err := config.Load(config.Sources{
		File:    file,
		Environ: []string{"SYNAP_SERVER_PORT=10", "SYNAP_SERVER_RESP_PORT=20", "HOME=/x"},
		Flags:   map[string]string{"server.port": "100"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		key, value, origin string
	}{
		{"server.port", "100", "flag --port"},
		{"server.resp_port", "20", "env SYNAP_SERVER_RESP_PORT"},
		{"server.loops", "3", "file " + file + ":4"},
		{"server.max_connections", "100000", "default"},
	} {
		if l.Values[tc.key] != tc.value || l.Origin[tc.key] != tc.origin {
			t.Errorf("%s = %s from %s, want %s from %s", tc.key, l.Values[tc.key],
				l.Origin[tc.key], tc.value, tc.origin)
		}
	}
	if want := "defaults + file " + file + " + 1 env + 1 flag"; l.Summary() != want {
		t.Errorf("summary %q, want %q", l.Summary(), want)
	}
	if l.Server.Port != 100 || l.Server.RESPPort != 20 || l.Server.Loops != 3 {
		t.Errorf("%+v", l.Server)
	}
}

func TestPresetIsWeakerThanFlags(t *testing.T) {
	l, err := config.Load(config.Sources{Environ: []string{"SYNAP_LOGGING_LEVEL=warn"},
		Preset: map[string]string{"logging.level": "debug", "logging.format": "text"},
		Flags:  map[string]string{"logging.format": "json"}})
	if err != nil {
		t.Fatal(err)
	}
	if l.Logging.Level != "debug" || l.Logging.Format != "json" {
		t.Errorf("%+v", l.Logging)
	}
}

// Each mistake in a file is named with its line and with what to write instead.
func TestMistakesInFiles(t *testing.T) {
	for _, tc := range []struct{ name, text, want string }{
		{"unknown key", "server:\n  prot: 1\n", `c.yml:2: unknown key server.prot; ` +
			`did you mean server.port\?`},
		{"unknown section", "sever:\n  port: 1\n", `c.yml:1: unknown key sever; ` +
			`did you mean server\?`},
		{"key of another section", "server:\n  eviction_policy: x\n",
			`c.yml:2: unknown key server.eviction_policy; did you mean kv_store.eviction_policy\?`},
		{"key far from all", "server:\n  zzzzzzzzzzzz: 1\n", `c.yml:2: .*; known are host, port`},
		{"text for a number", "server:\n  port: many\n",
			`c.yml:2: server.port is "many"; it must be a whole number from 0 to 65535`},
		{"number out of bounds", "\nserver:\n  port: 70000\n", `c.yml:3: server.port is "70000"`},
		{"fraction", "server:\n  loops: 1.5\n", `server.loops is "1.5"`},
		{"choice", "kv_store:\n  eviction_policy: lru\n",
			`it must be one of noeviction, allkeys-lru`},
		{"shards", "kv_store:\n  shards: 12\n", `0 or a power of two up to 256`},
		{"priority", "queue:\n  default_priority: 10\n", `a whole number from 0 to 9`},
		{"deadline", "queue:\n  ack_deadline_secs: 0\n", `a whole number from 1 to`},
		{"hard events", "stream:\n  hard_events: 0\n", `a whole number from 1 to`},
		{"overflow", "queue:\n  overflow: drop\n", `one of reject, drop_oldest`},
		{"events", "kv_store:\n  notify_keyspace_events: KEm\n",
			`is "KEm"; it must be empty, or some of the letters KEg\$lshzxetdnA`},
		{"truth", "protocol:\n  http2: maybe\n", `it must be true or false`},
		{"no value", "server:\n  port:\n", `c.yml:2: server.port has no value`},
		{"list for a value", "server:\n  port: [1]\n",
			`c.yml:2: server.port must be a single value`},
		{"value for a section", "server: 5\n", `c.yml:1: server must be a mapping`},
		{"list for the file", "- 1\n", `must be a mapping`},
		{"not YAML", "server:\n\tport: 1\n", `c.yml:2: `},
		{"doubled key", "server:\n  port: 1\n  port: 2\n", `c.yml:3: `},
		{"second document", "server:\n  port: 1\n---\nserver:\n  loops: 2\n",
			`c.yml:4: a second document begins`},
		{"two mistakes", "server:\n  prot: 1\n  hots: x\n", `(?s)prot.*\n.*hots`},
		{"same port twice", "server:\n  port: 7000\n  resp_port: 7000\n", `are both 7000`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := config.Load(config.Sources{File: write(t, "c.yml", tc.text), Environ: none})
			if err == nil || !regexp.MustCompile(tc.want).MatchString(err.Error()) {
				t.Errorf("got  %v\nwant %s", err, tc.want)
			}
		})
	}
}

func TestEmptySectionsAndFilesAreFine(t *testing.T) {
	for _, text := range []string{"", "# nothing\n", "server:\n", "server:\n  # port: 1\n",
		"server: {}\n", "---\nserver:\n  port: 5\n", "server:\n  port: 5\n---\n"} {
		if _, err := config.Load(config.Sources{
			File: write(t, "c.yml", text), Environ: none,
		}); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestMissingFileIsNamed(t *testing.T) {
	_, err := config.Load(config.Sources{File: "/nowhere/c.yml", Environ: none})
	if err == nil || !strings.Contains(err.Error(), "/nowhere/c.yml could not be read") {
		t.Errorf("got %v", err)
	}
}

func TestEnvironment(t *testing.T) {
	secret := write(t, "port", " 4711\n")
	for _, tc := range []struct {
		name string
		env  []string
		want string // of the error, "" = server.port is 4711
	}{
		{"value", []string{"SYNAP_SERVER_PORT=4711"}, ""},
		{"file", []string{"SYNAP_SERVER_PORT_FILE=" + secret}, ""},
		{"file that is not there", []string{"SYNAP_SERVER_PORT_FILE=/nowhere"},
			"env SYNAP_SERVER_PORT_FILE: open /nowhere"},
		{"both", []string{"SYNAP_SERVER_PORT=1", "SYNAP_SERVER_PORT_FILE=" + secret},
			"env SYNAP_SERVER_PORT and SYNAP_SERVER_PORT_FILE are both set"},
		{"Kubernetes", []string{"SYNAP_SERVER_PORT=tcp://10.0.0.1:15500"}, "enableServiceLinks"},
		{"wrong value", []string{"SYNAP_SERVER_PORT=x"},
			`env SYNAP_SERVER_PORT: server.port is "x"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l, err := config.Load(config.Sources{Environ: tc.env})
			switch {
			case tc.want == "" && (err != nil || l.Server.Port != 4711):
				t.Errorf("got %v", err)
			case tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)):
				t.Errorf("got %v, want %s", err, tc.want)
			}
		})
	}
}

func TestMistypedVariableIsWarnedOf(t *testing.T) {
	l, err := config.Load(config.Sources{Environ: []string{
		"SYNAP_SERVER_PROT=1", "SYNAP_URL=x", "SYNAP_SERVER_SERVICE_HOST=10.0.0.1",
	}})
	if err != nil {
		t.Fatal(err)
	}
	if len(l.Warnings) != 1 ||
		!strings.Contains(l.Warnings[0], "did you mean SYNAP_SERVER_PORT?") {
		t.Errorf("warnings: %q", l.Warnings)
	}
}

func TestSizesTakeUnits(t *testing.T) {
	for text, want := range map[string]int{
		"512": 512, "512mb": 512, "2gb": 2048, "2 GB": 2048, "1tb": 1 << 20, "0": 0,
		"-1": -1, "99999tb": -1, "9223372036854775807gb": -1, "5kb": -1,
		"-17592186044416tb": -1, "-1tb": -1,
	} {
		l, err := config.Load(config.Sources{Environ: none,
			Flags: map[string]string{"kv_store.max_memory_mb": text}})
		if want < 0 && err == nil || want >= 0 && (err != nil || l.KVStore.MaxMemoryMB != want) {
			t.Errorf("%q: want %d, error %v", text, want, err)
		}
	}
}

func TestSecondsMayBeWrittenAsSuch(t *testing.T) {
	for text, want := range map[string]int{"10": 10, "10s": 10, "10m": -1, "s": -1, "10ss": -1} {
		l, err := config.Load(config.Sources{Environ: none,
			Flags: map[string]string{"server.shutdown_grace_secs": text}})
		good := err == nil && l.Server.ShutdownGraceSecs == want
		if good != (want > 0) || want < 0 && err == nil {
			t.Errorf("%q: want %d, error %v", text, want, err)
		}
	}
}

// What is printed is read back as the same configuration, and each setting is in it.
func TestPrintedFilesAreValid(t *testing.T) {
	var template, values strings.Builder
	if err := config.WriteTemplate(&template); err != nil {
		t.Fatal(err)
	}
	l, err := config.Load(config.Sources{File: write(t, "c.yml", template.String()), Environ: none})
	if err != nil {
		t.Fatal(err)
	}
	for i := range config.Settings {
		s := &config.Settings[i]
		if l.Values[s.Key] != s.Default || !strings.HasPrefix(l.Origin[s.Key], "file ") {
			t.Errorf("%s = %q from %s", s.Key, l.Values[s.Key], l.Origin[s.Key])
		}
	}
	if err := l.WriteValues(&values, true); err != nil {
		t.Fatal(err)
	}
	file := write(t, "c.yml", values.String())
	again, err := config.Load(config.Sources{File: file, Environ: none})
	if err != nil || again.Config != l.Config {
		t.Errorf("%v\n%s", err, values.String())
	}
}

func TestTableIsSound(t *testing.T) {
	flags := map[string]bool{}
	var env strings.Builder
	if err := config.WriteEnv(&env); err != nil {
		t.Fatal(err)
	}
	for i := range config.Settings {
		s := &config.Settings[i]
		if s.Doc == "" || !strings.HasSuffix(s.Doc, ".") {
			t.Errorf("%s: its text is no sentence: %q", s.Key, s.Doc)
		}
		if s.Flag != "" && flags[s.Flag] {
			t.Errorf("flag --%s is there twice", s.Flag)
		}
		flags[s.Flag] = true
		if !strings.Contains(env.String(), s.Env()) {
			t.Errorf("%s is missing in the list of variables", s.Env())
		}
	}
}

func TestSchemaIsJSON(t *testing.T) {
	var b strings.Builder
	if err := config.WriteSchema(&b); err != nil {
		t.Fatal(err)
	}
	var schema struct {
		Properties map[string]struct{ Properties map[string]any }
	}
	if err := json.Unmarshal([]byte(b.String()), &schema); err != nil {
		t.Fatal(err)
	}
	for i := range config.Settings {
		s := &config.Settings[i]
		if schema.Properties[s.Section()].Properties[s.Name()] == nil {
			t.Errorf("%s is missing", s.Key)
		}
	}
}

func FuzzFile(f *testing.F) {
	f.Add("server:\n  port: 1\n")
	f.Add("server: &a {port: 1}\nkv_store: *a\n")
	f.Add("? [a]: b\n")
	f.Fuzz(func(t *testing.T, text string) {
		// Neither a panic nor a configuration that its own values don't describe.
		l, err := config.Load(config.Sources{File: write(t, "c.yml", text), Environ: none})
		if err != nil {
			return
		}
		var out strings.Builder
		if err := l.WriteValues(&out, false); err != nil {
			t.Fatal(err)
		}
		var values map[string]any
		if err := yaml.Unmarshal([]byte(out.String()), &values); err != nil {
			t.Fatalf("%v in\n%s", err, out.String())
		}
	})
}

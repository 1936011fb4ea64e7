package synapcmd_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/synapdb/synap/internal/clock"
	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/command/replytest"
	"github.com/synapdb/synap/internal/command/synapcmd"
	"github.com/synapdb/synap/internal/store/kv"
)

// bench runs commands of the dialect over an empty store. The contract's replies are tested over
// the wire, in internal/wire/http; here is what takes many keys or many callers.
type bench struct {
	*command.Engine
	t *testing.T
}

func newBench(t *testing.T, o synapcmd.Options) *bench {
	t.Helper()
	store, err := kv.New(kv.Options{Shards: 4, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return &bench{t: t, Engine: &command.Engine{
		Table: command.NewTable(synapcmd.Rows(o)), Store: store,
		Clock: clock.NewManual(1_700_000_000_000), Sessions: command.NewRegistry(),
		Settings: &command.Settings{},
		Limits:   command.Limits{BatchItems: 100, BatchBytes: 1 << 20, ValueBytes: 1 << 20},
	}}
}

// run calls name with fields given as name, value pairs: strings, ints and bools.
func (b *bench) run(s *command.Session, name string, fields ...any) string {
	b.t.Helper()
	row := b.Table.Synap([]byte(name))
	if row == nil {
		b.t.Fatalf("no command %s", name)
	}
	var a command.Args
	a.Reset(row)
	for i := 0; i < len(fields); i += 2 {
		v := &a.Vals[row.Index([]byte(fields[i].(string)))]
		v.Set = true
		switch f := fields[i+1].(type) {
		case string:
			v.B = []byte(f)
		case int:
			v.Int = int64(f)
		case bool:
			v.Bool = f
		}
	}
	var r replytest.Recorder
	if err := a.Validate(); err != nil {
		return "!" + err.Error()
	}
	if err := b.Call(s, &a, &r); err != nil {
		return "!" + err.Error()
	}
	return r.String()
}

func (b *bench) expect(want, name string, fields ...any) {
	b.t.Helper()
	if got := b.run(new(command.Session), name, fields...); got != want {
		b.t.Errorf("%s %v\n got %s\nwant %s", name, fields, got, want)
	}
}

func (b *bench) fill(prefix string, n int) {
	b.t.Helper()
	s := new(command.Session)
	for i := range n {
		b.run(s, "kv.set", "key", fmt.Sprintf("%s%06d", prefix, i), "value", "v")
	}
}

func TestPrefixDeleteWorksInPieces(t *testing.T) {
	b := newBench(t, synapcmd.Options{})
	b.fill("a:", 10_001)
	b.fill("b:", 10)
	b.expect(`{4 "dry_run" (true) "count" 10001 "more" (false) "cursor" (nil)`,
		"kv.delprefix", "prefix", "a:", "dry_run", true)
	b.expect(`{2 "deleted" 700 "more" (true)`, "kv.delprefix", "prefix", "a:", "limit", 700)
	b.expect(`{2 "deleted" 9301 "more" (false)`, "kv.delprefix", "prefix", "a:", "limit", 9301)
	b.expect(`{2 "deleted" 0 "more" (false)`, "kv.delprefix", "prefix", "a:")
	b.expect(`{1 "size" 10`, "kv.dbsize")
}

// One call must not keep an event loop for long, whatever it asks for.
func TestPrefixDeleteIsBoundedPerCall(t *testing.T) {
	b := newBench(t, synapcmd.Options{})
	b.fill("a:", 100_003)
	first := b.run(new(command.Session), "kv.delprefix", "prefix", "a:", "dry_run", true)
	cursor, found := strings.CutPrefix(first,
		`{4 "dry_run" (true) "count" 100000 "more" (true) "cursor" "`)
	if !found {
		t.Fatalf("the first count is %s", first)
	}
	b.expect(`{4 "dry_run" (true) "count" 3 "more" (false) "cursor" (nil)`, "kv.delprefix",
		"prefix", "a:", "dry_run", true, "cursor", strings.TrimSuffix(cursor, `"`))
	b.expect("!Invalid request: Invalid cursor", "kv.delprefix", "prefix", "b:", "dry_run", true,
		"cursor", strings.TrimSuffix(cursor, `"`))
	for _, limit := range []int{10_001, 1 << 40} {
		b.expect(`{2 "deleted" 10000 "more" (true)`, "kv.delprefix", "prefix", "a:", "limit", limit)
	}
	b.expect(`{2 "deleted" 10000 "more" (true)`, "kv.delprefix", "prefix", "a:")
	b.expect(`{1 "size" 70003`, "kv.dbsize")
}

func TestAScanGoesOnAfterTheEmptyKey(t *testing.T) {
	b := newBench(t, synapcmd.Options{})
	for _, key := range []string{"", "a"} {
		b.run(new(command.Session), "kv.set", "key", key, "value", "v")
	}
	b.expect(`{3 "keys" [1 "" "count" 1 "cursor" "."`, "kv.scan", "limit", 1)
	b.expect(`{3 "keys" [1 "a" "count" 1 "cursor" (nil)`, "kv.scan", "limit", 1, "cursor", ".")
	b.expect(`{3 "keys" [0 "count" 0 "cursor" (nil)`, "kv.scan", "cursor", ".", "reverse", true)
	b.expect("!Invalid request: Invalid cursor", "kv.scan", "cursor", ".", "prefix", "a")
}

func TestAScanMeetsEveryKeyOnce(t *testing.T) {
	for _, reverse := range []bool{false, true} {
		b := newBench(t, synapcmd.Options{})
		b.fill("k", 1000)
		seen, cursor := map[string]int{}, ""
		for {
			reply := b.run(new(command.Session), "kv.scan", "prefix", "k", "limit", 33,
				"cursor", cursor, "reverse", reverse)
			words := strings.Fields(reply)
			last := words[len(words)-1]
			for _, w := range words[3:] {
				if strings.HasPrefix(w, `"k0`) {
					seen[w]++
				}
			}
			if cursor = strings.Trim(last, `"`); last == "(nil)" {
				break
			}
		}
		if len(seen) != 1000 {
			t.Errorf("reverse %v: %d keys were met", reverse, len(seen))
		}
		for key, times := range seen {
			if times != 1 {
				t.Errorf("%s was met %d times", key, times)
			}
		}
	}
}

func TestFlushWorksWhenAllowed(t *testing.T) {
	b := newBench(t, synapcmd.Options{AllowFlush: true})
	b.fill("k", 5)
	b.expect(`{1 "flushed" 5`, "kv.flushdb")
	b.fill("k", 3)
	b.expect(`{1 "flushed" 3`, "kv.flushall")
	b.expect(`{1 "size" 0`, "kv.dbsize")
}

func TestStatsCount(t *testing.T) {
	b := newBench(t, synapcmd.Options{})
	b.fill("k", 2)
	for _, key := range []string{"k000000", "k000001", "no", "no"} {
		b.run(new(command.Session), "kv.get", "key", key)
	}
	got := b.run(new(command.Session), "kv.stats")
	for _, want := range []string{`"total_keys" 2`, `"gets" 4`, `"hits" 2`, `"misses" 2`,
		`"sets" 2`, `"hit_rate" 0.5`} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is not in %s", want, got)
		}
	}
}

func TestInfoAndClientsDescribeTheServer(t *testing.T) {
	b := newBench(t, synapcmd.Options{})
	b.Server = command.ServerInfo{Version: "1.2.3", Started: 1_700_000_000_000 - 90_000}
	b.fill("k", 1)
	got := b.run(new(command.Session), "info")
	for _, want := range []string{`{10 "server"`, `"redis_version" "1.2.3"`,
		`"uptime_in_seconds" 90`, `"role" "master"`, `"db0" "keys=1,expires=0,avg_ttl=0"`} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is not in %s", want, got)
		}
	}
	s := &command.Session{Info: command.Info{Addr: "127.0.0.1:9"}}
	b.Sessions.Add(s)
	got = b.run(s, "client.list")
	for _, want := range []string{
		`"id" 1`, `"addr" "127.0.0.1:9"`, `"cmd" "client.list"`, `"count" 1`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is not in %s", want, got)
		}
	}
}

func TestCompareAndSetLosesNoUpdate(t *testing.T) {
	b := newBench(t, synapcmd.Options{})
	b.expect(`{2 "success" (true) "version" 1`, "kv.cas", "key", "n", "version", 0, "value", "x")
	const workers, rounds = 4, 50
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			s := new(command.Session)
			for done := 0; done < rounds; {
				var version int
				got := b.run(s, "kv.get", "key", "n", "with_version", true)
				_, rest, _ := strings.Cut(got, `"version" `)
				if _, err := fmt.Sscan(rest, &version); err != nil {
					t.Error(err)
					return
				}
				reply := b.run(s, "kv.cas", "key", "n", "version", version, "value", "x")
				if strings.HasPrefix(reply, "{2") {
					done++
				}
			}
		})
	}
	group.Wait()
	want := fmt.Sprintf(`{3 "value" "x" "version" %d "ttl" (nil)`, workers*rounds+1)
	b.expect(want, "kv.get", "key", "n", "with_version", true)
}

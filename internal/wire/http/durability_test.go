package httpwire

import (
	"errors"
	nethttp "net/http"
	"strings"
	"testing"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/command/journaltest"
	"github.com/synapdb/synap/internal/wire"
)

// persist gives the bench a journal.
func (b *bench) persist() *journaltest.Fake {
	p := new(journaltest.Fake)
	b.engine.Persistence = p
	return p
}

// taken is what the fast lane's last answers wait for.
func (b *bench) taken() (command.Level, bool) { return b.conn.session.TakeRequired() }

func TestDurabilityIsAnsweredWhenAsked(t *testing.T) {
	const ok = `{"success":true,"request_id":"1","payload":{"exists":false},"error":null`
	const bad = `{"success":false,"request_id":"1","payload":null,"error":"Invalid request: `
	onEveryLane(t, Options{}, func(t *testing.T, b *bench) {
		ask := func(member string) string {
			return b.object(t, "POST", "/api/v1/command", `{"command":"kv.exists",`+member+
				`"request_id":"1","payload":{"key":"k"}}`).body
		}
		for member, want := range map[string]string{
			``:                       ok + `}`,
			`"durability":null,`:     ok + `}`,
			`"durability":"memory",`: ok + `,"durability":"memory"}`,
			`"durability":"disk",`: bad + `durability 'disk' needs persistence, which is off"` +
				`,"code":"bad_request"}`,
			`"durability":"safe",`: bad + `durability must be memory, os or disk"` +
				`,"code":"bad_request"}`,
			`"durability":1,`: bad + `durability must be memory, os or disk"` +
				`,"code":"bad_request"}`,
		} {
			if got := ask(member); got != want {
				t.Errorf("%s without a journal\n got %s\nwant %s", member, got, want)
			}
		}
		b.persist()
		for _, level := range []string{"memory", "os", "disk"} {
			want := ok + `,"durability":"` + level + `"}`
			if got := ask(`"durability":"` + level + `",`); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		}
	})
}

func TestDurabilityOfABatch(t *testing.T) {
	onEveryLane(t, Options{}, func(t *testing.T, b *bench) {
		p := b.persist()
		const items = `"commands":[{"command":"kv.exists","payload":{"key":"k"}}]`
		const results = `{"results":[{"success":true,"payload":{"exists":false},` +
			`"error":null,"code":null}]`
		for _, c := range []struct{ body, want string }{
			{`{` + items + `}`, results + `}`},
			{`{"durability":"disk",` + items + `}`, results + `,"durability":"disk"}`},
			{`{` + items + `,"atomic":true,"durability":"os"}`, results + `,"durability":"os"}`},
			{`{"durability":"floppy",` + items + `}`,
				`{"error":"Invalid request: durability must be memory, os or disk","code":400}`},
			{`{"commands":[{"command":"kv.exists","payload":{"key":"k"},"durability":"os"}]}`,
				`{"results":[{"success":false,"payload":null,"error":"Invalid request: ` +
					`durability belongs to the batch, ` +
					`not to one of its commands","code":"bad_request"}]}`},
			{`{"commands":[{"command":"snapshot","payload":{}}]}`,
				`{"results":[{"success":false,"payload":null,"error":"Invalid request: this ` +
					`command cannot be part of a batch","code":"bad_request"}]}`},
		} {
			if got := b.object(t, "POST", "/api/v1/batch", c.body).body; got != c.want {
				t.Errorf("%s\n got %s\nwant %s", c.body, got, c.want)
			}
		}
		for _, asked := range p.Asked() {
			if strings.HasPrefix(asked, "save") {
				t.Error("a batch made a snapshot")
			}
		}
	})
}

func TestWhatRequestsWaitFor(t *testing.T) {
	const none, memory, os, disk = command.DefaultLevel, command.MemoryLevel, command.OSLevel,
		command.DiskLevel
	const set = `"payload":{"key":"k","value":1},"request_id":"1","command":"kv.set"`
	const item = `{"command":"kv.set","payload":{"key":"k","value":1}}`
	const envelope, batch = "/api/v1/command", "/api/v1/batch"
	for _, c := range []struct {
		path, body string
		level      command.Level
		wrote      bool
	}{
		{envelope, `{` + set + `}`, os, true},
		{envelope, `{"durability":"memory",` + set + `}`, memory, true},
		{envelope, `{"durability":"disk",` + set + `}`, disk, true},
		{envelope, `{"payload":{"key":"k"},"request_id":"1","command":"kv.get"}`, os, false},
		{envelope, `{"payload":{},"request_id":"1","command":"kv.nope"}`, none, false},
		{batch, `{"commands":[` + item + `]}`, os, true},
		{batch, `{"commands":[` + item + `],"durability":"disk"}`, disk, true},
		{batch, `{"commands":[` + item + `],"durability":"memory"}`, memory, true},
		{batch, `{"commands":[` + item + `],"durability":"memory","atomic":true}`, memory, true},
		{envelope, `{"durability":"disk","command":"batch","request_id":"1","payload":` +
			`{"commands":[` + item + `],"durability":"os"}}`, disk, true},
		{"/kv/set", `{"key":"k","value":1}`, os, true},
	} {
		b := newBench(t, Options{})
		b.persist()
		b.object(t, "POST", c.path, c.body)
		if level, wrote := b.taken(); level != c.level || wrote != c.wrote {
			t.Errorf("%s waits for %v, wrote %v; want %v, %v", c.body, level, wrote, c.level,
				c.wrote)
		}
		b.object(t, "POST", envelope, `{`+set+`}`)
		if level, _ := b.taken(); level != os {
			t.Errorf("after %s the next request waits for %v", c.body, level)
		}
	}
}

func TestGeneralLaneAnswersNothingThatIsNotDurable(t *testing.T) {
	b := newBench(t, Options{})
	b.fast = false
	p := b.persist()
	b.call(t, "kv.set", `{"key":"a","value":1}`)
	b.object(t, "POST", "/api/v1/command",
		`{"command":"kv.get","request_id":"1","payload":{"key":"a"},"durability":"disk"}`)
	if got := strings.Join(p.Asked(), ", "); got != "commit 1 os, commit 1 disk" {
		t.Errorf("asked %s", got)
	}
	p.Do(func(s *journaltest.State) { s.Broken = errors.New("sync failed") })
	if got := b.call(t, "kv.get", `{"key":"a"}`); got != `"1"` {
		t.Errorf("reading: %s", got)
	}
	defer func() {
		reason, _ := recover().(error)
		if !errors.Is(reason, nethttp.ErrAbortHandler) {
			t.Errorf("the answer was not cut off: %v", reason)
		}
	}()
	t.Errorf("the answer was %s", b.call(t, "kv.set", `{"key":"a","value":2}`))
}

func TestJournalThatTakesNoMore(t *testing.T) {
	onEveryLane(t, Options{}, func(t *testing.T, b *bench) {
		b.call(t, "kv.set", `{"key":"a","value":"old"}`)
		p := b.persist()
		p.Do(func(s *journaltest.State) { s.Full = errors.New("the disk is full: make room") })
		const want = "!the disk is full: make room"
		for name, payload := range map[string]string{
			"kv.set": `{"key":"a","value":1}`, "kv.del": `{"key":"a"}`,
			"kv.delprefix": `{"prefix":"a"}`, "kv.incr": `{"key":"n"}`,
		} {
			if got := b.call(t, name, payload); got != want {
				t.Errorf("%s: %s", name, got)
			}
		}
		const item = `{"command":"kv.del","payload":{"key":"a"}}`
		got := b.call(t, "batch", `{"commands":[`+item+`]}`)
		if !strings.Contains(got, `"code":"storage"`) {
			t.Errorf("batch: %s", got)
		}
		if got := b.call(t, "batch", `{"atomic":true,"commands":[`+item+`]}`); got != want {
			t.Errorf("atomic batch: %s", got)
		}
		a := b.object(t, "POST", "/kv/set", `{"key":"a","value":1}`)
		if a.StatusCode != 507 || a.body != `{"error":"the disk is full: make room","code":507}` {
			t.Errorf("POST /kv/set: %d %s", a.StatusCode, a.body)
		}
		if got := b.call(t, "kv.get", `{"key":"a"}`); got != `"old"` {
			t.Errorf("reading: %s", got)
		}
	})
}

func TestDuringRecovery(t *testing.T) {
	onEveryLane(t, Options{}, func(t *testing.T, b *bench) {
		b.persist()
		b.engine.Loading.Store(true)
		const want = "LOADING Synap is loading the dataset in memory"
		for _, name := range []string{"kv.dbsize", "kv.stats", "snapshot"} {
			if got := b.call(t, name, `{}`); got != "!"+want {
				t.Errorf("%s: %s", name, got)
			}
		}
		for _, path := range []string{"/kv/get/a", "/kv/stats"} {
			a := b.object(t, "GET", path, "")
			if a.StatusCode != 503 || a.body != `{"error":"`+want+`","code":503}` {
				t.Errorf("%s: %d %s", path, a.StatusCode, a.body)
			}
		}
		for _, path := range []string{"/health", "/livez", "/info", "/clients"} {
			if a := b.object(t, "GET", path, ""); a.StatusCode != 200 {
				t.Errorf("%s: %d %s", path, a.StatusCode, a.body)
			}
		}
		if got := b.call(t, "info", `{"section":"persistence"}`); !strings.Contains(got,
			`"loading":1`) {
			t.Errorf("info: %s", got)
		}
	})
}

func TestSnapshots(t *testing.T) {
	onEveryLane(t, Options{}, func(t *testing.T, b *bench) {
		expect := func(status int, body string) {
			t.Helper()
			a := b.object(t, "POST", "/snapshot", "")
			if a.StatusCode != status || a.body != body {
				t.Errorf("got %d %s, want %d %s", a.StatusCode, a.body, status, body)
			}
		}
		expect(400, `{"error":"Invalid request: persistence is off: there is no data directory",`+
			`"code":400}`)
		p := b.persist()
		expect(200, `{"success":true,"message":"Snapshot saved"}`)
		if got := b.call(t, "snapshot", `{}`); got !=
			`{"success":true,"message":"Snapshot saved"}` {
			t.Error(got)
		}
		p.Do(func(s *journaltest.State) { s.SaveErr = command.ErrSaving })
		expect(409, `{"error":"Aborted: another snapshot is being made; ask again when it `+
			`is done","code":409}`)
		p.Do(func(s *journaltest.State) { s.SaveErr = errors.New("no space left") })
		expect(500, `{"error":"Snapshot failed: no space left","code":500}`)
	})
}

// What may take long is never served by the fast lane, which would hold up an event loop.
func TestFastLaneLeavesWhatMayTakeLong(t *testing.T) {
	b := newBench(t, Options{})
	p := b.persist()
	const quick = "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
	body := `{"command":"snapshot","request_id":"1","payload":{}}`
	for _, in := range []string{
		"POST /snapshot HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
		plainRequest("/api/v1/command", body),
	} {
		var out wire.Output
		n, _, v := b.conn.Feed([]byte(quick+in+quick), &out)
		if n != len(quick) || v != wire.HandOver || len(p.Asked()) > 0 {
			t.Errorf("%.30q: consumed %d, verdict %v", in, n, v)
		}
	}
}

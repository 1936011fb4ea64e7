package command_test

import (
	"strings"
	"testing"

	"github.com/synapdb/synap/internal/clock"
	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/command/replytest"
	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/errs"
	"github.com/synapdb/synap/internal/store/kv"
)

// The smallest families that exercise the engine: a write, a read, a whole-space read, the
// transaction commands, and their Synap twins.

func redisRows() []*command.Row {
	put := func(c *command.Ctx, argv [][]byte) error {
		c.Tx.Apply(effect.Effect{Kind: effect.Set, DB: c.DB, Key: argv[1], Value: argv[2]})
		c.Reply.Status("OK")
		return nil
	}
	get := func(c *command.Ctx, argv [][]byte) error {
		e, ok := c.Tx.Get(c.DB, argv[1])
		if !ok {
			c.Reply.Null()
			return nil
		}
		c.Reply.Text(e.Value())
		return nil
	}
	one := command.KeySpec{First: 1, Last: 1, Step: 1}
	return []*command.Row{
		{Name: "PUT", Arity: 3, Keys: one, Flags: command.Write | command.Grows, Run: put},
		{Name: "GET", Arity: 2, Keys: one, Flags: command.Read, Run: get},
		{Name: "SWELL", Arity: 1, Flags: command.Write,
			Run: func(*command.Ctx, [][]byte) error {
				return errs.New(errs.MemoryLimit, "Memory limit exceeded")
			}},
		{Name: "LEAVE", Arity: 1, Flags: command.NoMulti,
			Run: func(c *command.Ctx, _ [][]byte) error {
				c.Reply.Status("BYE")
				return nil
			}},
		{Name: "BOX", Arity: -2, Subcommands: []*command.Row{{Name: "OPEN", Arity: 2,
			Run: func(c *command.Ctx, _ [][]byte) error {
				c.Reply.Status("OPENED")
				return nil
			}}}},
		{Name: "EXEC", Arity: 1, Flags: command.NoQueue | command.SelfLocking,
			Run: func(c *command.Ctx, _ [][]byte) error { return c.Engine.ExecMulti(c) }},
	}
}

func synapRows() []*command.Row {
	key := command.Field{Name: "key", Type: command.KeyField, Required: true}
	return []*command.Row{
		{Name: "t.put", Flags: command.Write | command.Grows,
			Fields: []command.Field{key, {Name: "value", Type: command.ValueField, Required: true}},
			Call: func(c *command.Ctx, a *command.Args) error {
				c.Tx.Apply(effect.Effect{Kind: effect.Set, DB: c.DB, Key: a.Bytes(0),
					Value: a.Bytes(1)})
				c.Reply.Bool(true)
				return nil
			}},
		{Name: "t.need", Fields: []command.Field{key},
			Call: func(c *command.Ctx, a *command.Args) error {
				e, ok := c.Tx.Get(c.DB, a.Bytes(0))
				if !ok {
					return errs.NoKey(a.Bytes(0))
				}
				c.Reply.Text(e.Value())
				return nil
			}},
		{Name: "t.bar", Flags: command.NoMulti, Call: func(c *command.Ctx, _ *command.Args) error {
			c.Reply.Null()
			return nil
		}},
	}
}

type fixture struct {
	*command.Engine
	s *command.Session
	r *replytest.Recorder
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	store, err := kv.New(kv.Options{Shards: 4})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	e := &command.Engine{
		Table: command.NewTable(redisRows(), synapRows()), Store: store,
		Clock: clock.NewManual(1_000_000), Sessions: command.NewRegistry(),
		Limits: command.Limits{BatchItems: 3, BatchBytes: 10_000},
	}
	return &fixture{Engine: e, s: &command.Session{}, r: &replytest.Recorder{}}
}

func (f *fixture) exec(line string) string { return f.execAs(f.s, line) }

func (f *fixture) execAs(s *command.Session, line string) string {
	var argv [][]byte
	for _, word := range strings.Fields(line) {
		argv = append(argv, []byte(word))
	}
	f.Exec(s, argv, f.r)
	return f.r.Take()
}

func (f *fixture) item(name string, vals ...string) command.Item {
	var it command.Item
	it.Args.Reset(f.Table.Synap([]byte(name)))
	for i, v := range vals {
		it.Args.Vals[i].Set, it.Args.Vals[i].B = true, []byte(v)
	}
	return it
}

func expect(t *testing.T, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestExecAnswersEveryLineOnce(t *testing.T) {
	f := newFixture(t)
	for _, c := range []struct{ line, want string }{
		{"PUT a 1", "+OK"},
		{"get a", `"1"`},
		{"gEt b", "(nil)"},
		{"GET", "!ERR wrong number of arguments for 'get' command"},
		{"NOPE x y", "!ERR unknown command 'NOPE', with args beginning with: 'x' 'y' "},
		{"BOX open", "+OPENED"},
		{"BOX shut", "!ERR unknown subcommand 'shut'. Try BOX HELP."},
		{"BOX", "!ERR wrong number of arguments for 'box' command"},
		{"BOX open x", "!ERR wrong number of arguments for 'box|open' command"},
	} {
		expect(t, f.exec(c.line), c.want)
	}
}

func TestMultiQueuesAndRuns(t *testing.T) {
	f := newFixture(t)
	f.s.Multi = &command.Multi{}
	expect(t, f.exec("PUT a 1"), "+QUEUED")
	expect(t, f.exec("GET a"), "+QUEUED")
	expect(t, f.execAs(&command.Session{}, "GET a"), "(nil)")
	expect(t, f.exec("EXEC"), `[2 +OK "1"`)
	expect(t, f.exec("GET a"), `"1"`)
}

func TestMultiWithARefusedLineAborts(t *testing.T) {
	for _, line := range []string{"NOPE", "GET", "LEAVE"} {
		f := newFixture(t)
		f.s.Multi = &command.Multi{}
		f.exec("PUT a 1")
		if got := f.exec(line); got[0] != '!' {
			t.Errorf("%s in MULTI answered %s", line, got)
		}
		expect(t, f.exec("EXEC"), "!EXECABORT Transaction discarded because of previous errors.")
		expect(t, f.exec("GET a"), "(nil)")
	}
}

func TestMultiIsBounded(t *testing.T) {
	f := newFixture(t)
	f.s.Multi = &command.Multi{}
	for range 3 {
		expect(t, f.exec("GET a"), "+QUEUED")
	}
	if got := f.exec("GET a"); !strings.Contains(got, "over the limit") {
		t.Errorf("the fourth command of three answered %s", got)
	}
	if f.s.Multi.Queue != nil {
		t.Error("a refused transaction keeps its queue")
	}
}

func TestWatchedKeyChangedAborts(t *testing.T) {
	f := newFixture(t)
	watch := func(key string) {
		var tx kv.Tx
		f.Store.Begin(&tx, f.Clock.Now())
		tx.Declare(0, []byte(key))
		tx.Lock()
		tx.Watch(&f.s.Watched, 0, []byte(key))
		tx.Unlock()
	}
	watch("a")
	f.execAs(&command.Session{}, "PUT a 2")
	f.s.Multi = &command.Multi{}
	f.exec("PUT b 1")
	expect(t, f.exec("EXEC"), "(nil array)")
	expect(t, f.exec("GET b"), "(nil)")
	watch("a")
	f.execAs(&command.Session{}, "PUT other 2")
	f.s.Multi = &command.Multi{}
	f.exec("PUT b 1")
	expect(t, f.exec("EXEC"), "[1 +OK")
}

func TestBatchItemsFailAlone(t *testing.T) {
	f := newFixture(t)
	c := &command.Ctx{Reply: f.r, Session: f.s}
	f.Batch(c, []command.Item{f.item("t.put", "a", "1"), f.item("t.need", "absent"),
		{Err: errs.Missing("key")}, f.item("t.need", "a")})
	expect(t, f.r.Take(), `[4 `+
		`{4 "success" (true) "payload" (true) "error" (nil) "code" (nil) `+
		`{4 "success" (false) "payload" (nil) "error" "Key not found: absent" `+
		`"code" "key_not_found" `+
		`{4 "success" (false) "payload" (nil) "error" "Invalid request: Missing 'key' field" `+
		`"code" "missing_field" `+
		`{4 "success" (true) "payload" "1" "error" (nil) "code" (nil)`)
}

// within runs do as a command over a batch runs: with the session's own transaction.
func (f *fixture) within(r command.Reply, do func(c *command.Ctx) error) error {
	var a command.Args
	a.Reset(&command.Row{Name: "t.within", Flags: command.SelfLocking,
		Call: func(c *command.Ctx, _ *command.Args) error { return do(c) }})
	return f.Call(f.s, &a, r)
}

func (f *fixture) atomic(items ...command.Item) string {
	err := f.within(f.r, func(c *command.Ctx) error { return f.BatchAtomic(c, items) })
	if err != nil {
		return "!" + err.Error()
	}
	return f.r.Take()
}

func TestAtomicBatchIsAllOrNothing(t *testing.T) {
	f := newFixture(t)
	f.exec("PUT a old")
	got := f.atomic(f.item("t.put", "a", "new"), f.item("t.put", "b", "1"),
		f.item("t.need", "absent"))
	for _, want := range []string{`"code" "aborted"`, `"code" "key_not_found"`} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is missing in %s", want, got)
		}
	}
	expect(t, f.exec("GET a"), `"old"`)
	expect(t, f.exec("GET b"), "(nil)")

	f.atomic(f.item("t.put", "a", "new"), f.item("t.need", "a"))
	expect(t, f.exec("GET a"), `"new"`)
}

func TestAtomicBatchRefusesWhatCannotBeUndone(t *testing.T) {
	f := newFixture(t)
	got := f.atomic(f.item("t.put", "a", "1"), f.item("t.bar"))
	if !strings.Contains(got, "cannot be part of an atomic batch") {
		t.Errorf("got %s", got)
	}
	expect(t, f.exec("GET a"), "(nil)")
}

func TestCountersCountCallsAndFailures(t *testing.T) {
	f := newFixture(t)
	f.s.Counters = command.NewCounters(f.Table)
	f.exec("PUT a 1")
	f.exec("PUT a 2")
	id := f.Table.Redis([]byte("put")).ID()
	if calls := f.s.Counters.Calls[id].Load(); calls != 2 {
		t.Errorf("counted %d calls, want 2", calls)
	}
}

// full is a reply that nothing fits into.
type full struct{ *replytest.Recorder }

func (full) Over() bool { return true }

func TestAtomicBatchWhoseAnswerDoesNotFitChangesNothing(t *testing.T) {
	f := newFixture(t)
	items := []command.Item{f.item("t.put", "a", "1")}
	err := f.within(full{f.r}, func(c *command.Ctx) error { return f.BatchAtomic(c, items) })
	if errs.Of(err) != errs.TooLarge {
		t.Errorf("got %v", err)
	}
	f.r.Take()
	expect(t, f.exec("GET a"), "(nil)")
}

func TestAFullStoreRefusesWhatGrowsOnly(t *testing.T) {
	f := newFixture(t)
	f.exec("PUT a 1")
	f.Store.SetMemoryLimit(1, kv.NoEviction)
	oom := "OOM command not allowed when used memory > 'maxmemory'."
	expect(t, f.exec("PUT b 1"), "!"+oom)
	expect(t, f.exec("GET a"), `"1"`)
	if got := f.atomic(f.item("t.need", "a")); !strings.Contains(got, `"payload" "1"`) {
		t.Errorf("a batch of reads got %s", got)
	}
	expect(t, f.atomic(f.item("t.put", "b", "1")), "!Memory limit exceeded")
	f.s.Multi = &command.Multi{}
	f.exec("GET a")
	expect(t, f.exec("EXEC"), `[1 "1"`)
	f.s.Multi = &command.Multi{}
	expect(t, f.exec("PUT b 1"), "!"+oom)
	expect(t, f.exec("EXEC"), "!EXECABORT Transaction discarded because of previous errors.")
	f.Store.SetMemoryLimit(0, kv.NoEviction)
	f.s.Multi = &command.Multi{}
	expect(t, f.exec("PUT b 1"), "+QUEUED")
	f.Store.SetMemoryLimit(1, kv.NoEviction)
	expect(t, f.exec("EXEC"), "!EXECABORT Transaction discarded because of: "+oom)
}

// Stores find out by themselves, too, that there is no memory.
func TestMemoryIsRefusedInRedisWords(t *testing.T) {
	f := newFixture(t)
	const want = "!OOM command not allowed when used memory > 'maxmemory'."
	if got := f.exec("SWELL"); got != want {
		t.Errorf("got %s", got)
	}
	f.s.Multi = new(command.Multi)
	f.exec("SWELL")
	if got := f.exec("EXEC"); got != "[1 "+want {
		t.Errorf("in a transaction: %s", got)
	}
}

package rediscmd

import (
	"fmt"
	"sync"
	"testing"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/command/replytest"
)

// silent is a reply that keeps nothing.
type silent struct{ command.Reply }

func (silent) Null()         {}
func (silent) Int(int64)     {}
func (silent) Status(string) {}
func (silent) Text([]byte)   {}
func (silent) Bool(bool)     {}

func TestHotCommandsDoNotAllocate(t *testing.T) {
	c := newClient(t)
	words := func(line ...string) [][]byte {
		argv := make([][]byte, len(line))
		for i, word := range line {
			argv[i] = []byte(word)
		}
		return argv
	}
	for _, argv := range [][][]byte{
		words("SET", "key", "value"),
		words("SET", "key", "value", "EX", "100"),
		words("SET", "key", "value", "XX", "GET", "KEEPTTL"),
		words("GET", "key"),
		words("GET", "nope"),
		words("INCR", "counter"),
		words("DECRBY", "counter", "5"),
		words("EXPIRE", "key", "100"),
		words("TTL", "key"),
		words("SETRANGE", "key", "1", "x"),
		words("SETBIT", "bits", "77", "1"),
		words("GETBIT", "bits", "77"),
		words("EXISTS", "key", "nope"),
		words("MSET", "a", "1", "b", "2"),
	} {
		c.engine.Exec(c.session, argv, silent{}) // creates the key
		n := testing.AllocsPerRun(200, func() { c.engine.Exec(c.session, argv, silent{}) })
		if n != 0 {
			t.Errorf("%s: %v allocations", argv, n)
		}
	}
}

// session runs command lines for one goroutine of a test.
func session(e *command.Engine, db uint8) func(words ...string) string {
	s := &command.Session{DB: db}
	return func(words ...string) string {
		argv := make([][]byte, len(words))
		for i, word := range words {
			argv[i] = []byte(word)
		}
		var r replytest.Recorder
		e.Exec(s, argv, &r)
		return r.Take()
	}
}

func TestCommandsOfManySessionsAreAtomic(t *testing.T) {
	const sessions, rounds = 4, 300
	c := newClient(t)
	c.do("SET wanderer 1")
	var all sync.WaitGroup
	for id := range sessions {
		all.Go(func() {
			do := session(c.engine, uint8(id%2))
			for i := range rounds {
				do("INCR", fmt.Sprintf("n%d", i%3))
				do("MOVE", "wanderer", fmt.Sprint(1-id%2))
				do("COPY", "wanderer", fmt.Sprintf("copy%d", id), "DB", "5", "REPLACE")
				do("MSET", "x", fmt.Sprint(id), "y", fmt.Sprint(id))
				if got := do("MGET", "x", "y"); len(got) < 8 || got[3:6] != got[7:10] {
					t.Errorf("half an MSET is visible: %s", got)
				}
				do("SCAN", "0", "MATCH", "n*", "COUNT", "2")
				do("RENAME", "n0", "n0")
			}
		})
	}
	all.Wait()
	for db := range uint8(2) {
		do := session(c.engine, db)
		if got, want := do("MGET", "n0", "n1", "n2"), `[3 "200" "200" "200"`; got != want {
			t.Errorf("database %d: %s, want %s", db, got, want)
		}
	}
	here := session(c.engine, 0)("EXISTS", "wanderer")
	if there := session(c.engine, 1)("EXISTS", "wanderer"); here == there {
		t.Errorf("a key that only moves exists %s and %s times", here, there)
	}
}

func TestLargeValuesAreHandedOverWhole(t *testing.T) {
	c := newClient(t)
	c.talk(`
		SETRANGE big 99999 x => 100000
		APPEND big y => 100001
		GETRANGE big -2 -1 => "xy"
	`)
	if got := c.do("GETDEL big"); len(got) < 100001 {
		t.Errorf("%d bytes", len(got))
	}
	c.talk("EXISTS big => 0")
}

// The server sets Session.Now once per round: what EXEC left in the session must not depend on it.
func TestAfterExecCommandsLockForThemselvesAgain(t *testing.T) {
	c := newClient(t, append(Rows(), &command.Row{
		Name: "EXEC", Arity: 1, Flags: command.SelfLocking | command.NoQueue,
		Run: func(c *command.Ctx, _ [][]byte) error { return c.Engine.ExecMulti(c) },
	})...)
	c.session.Now = start
	c.do("SET a 1")
	c.session.Multi = new(command.Multi)
	c.talk(`
		COPY a b => +QUEUED
		EXEC => [1 1
		COPY a c => 1
		MOVE a 1 => 1
		DBSIZE => 2
	`)
}

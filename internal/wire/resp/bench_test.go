package resp

import (
	"strings"
	"testing"

	"github.com/synapdb/synap/internal/clock"
	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/store/kv"
	"github.com/synapdb/synap/internal/wire"
)

// Commands that stand for GET, SET and INCR without their work in the store, so that parsing,
// the engine and the reply are what is measured.
func idleRows() []*command.Row {
	one := command.KeySpec{First: 1, Last: 1, Step: 1}
	value := []byte("xxxxxxxxxxxxxxxx")
	return []*command.Row{
		{Name: "GET", Arity: 2, Keys: one, Flags: command.Read | command.SelfLocking,
			Run: func(c *command.Ctx, _ [][]byte) error { c.Reply.Text(value); return nil }},
		{Name: "SET", Arity: -3, Keys: one, Flags: command.Write | command.SelfLocking,
			Run: func(c *command.Ctx, _ [][]byte) error { c.Reply.Status("OK"); return nil }},
		{Name: "INCR", Arity: 2, Keys: one, Flags: command.Write | command.SelfLocking,
			Run: func(c *command.Ctx, _ [][]byte) error { c.Reply.Int(12345); return nil }},
	}
}

func BenchmarkFeed(b *testing.B) {
	loads := map[string]string{
		"GET":  "*2\r\n$3\r\nGET\r\n$16\r\nkey:000000001234\r\n",
		"SET":  "*3\r\n$3\r\nSET\r\n$16\r\nkey:000000001234\r\n$16\r\nxxxxxxxxxxxxxxxx\r\n",
		"INCR": "*2\r\n$4\r\nINCR\r\n$20\r\ncounter:000000001234\r\n",
	}
	for name, line := range loads {
		for depth, suffix := range map[int]string{1: "/one", 16: "/pipeline16"} {
			b.Run(name+suffix, func(b *testing.B) {
				store, err := kv.New(kv.Options{})
				if err != nil {
					b.Fatal(err)
				}
				table := command.NewTable(idleRows())
				e := &command.Engine{Table: table, Store: store, Clock: clock.Real{},
					Sessions: command.NewRegistry(), Settings: &command.Settings{}}
				s := &command.Session{Counters: command.NewCounters(table), Now: 1}
				c := NewConn(e, s, Limits{})
				in := []byte(strings.Repeat(line, depth))
				var out wire.Output
				b.ReportAllocs()
				for b.Loop() {
					out.Reset(1 << 20)
					if n, _, _ := c.Feed(in, &out); n != len(in) {
						b.Fatal(n)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*depth), "ns/command")
			})
		}
	}
}

// takesAll is a journal that takes every write.
type takesAll struct{ command.Persistence }

func (takesAll) Level() command.Level { return command.OSLevel }
func (takesAll) Admit(int) error      { return nil }

func TestFeedAllocatesNothing(t *testing.T) {
	store, err := kv.New(kv.Options{Shards: 1})
	if err != nil {
		t.Fatal(err)
	}
	e := &command.Engine{Table: command.NewTable(idleRows()), Store: store, Clock: clock.Real{},
		Persistence: takesAll{}}
	c := NewConn(e, &command.Session{}, Limits{})
	in := []byte("GET k\r\n*2\r\n$4\r\nINCR\r\n$1\r\nk\r\n" +
		"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n")
	var out wire.Output
	allocations := testing.AllocsPerRun(100, func() {
		out.Reset(1 << 20)
		c.Feed(in, &out)
	})
	if allocations != 0 {
		t.Errorf("a round of three commands allocates %v times", allocations)
	}
}

package rediscmd

import (
	"fmt"
	"testing"

	"github.com/synapdb/synap/internal/clock"
	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/store/kv"
)

func (silent) Array(int)  {}
func (silent) Str(string) {}

// BenchmarkExec is the cost of a command behind the wire: look-up, locks, plan and effect.
func BenchmarkExec(b *testing.B) {
	store, err := kv.New(kv.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	e := &command.Engine{
		Table: command.NewTable(Rows()), Store: store, Clock: clock.NewManual(start),
	}
	s := new(command.Session)
	for i := range 300_000 {
		key := fmt.Appendf(nil, "key:%06d", i)
		e.Exec(s, [][]byte{[]byte("SET"), key, make([]byte, 100)}, silent{})
	}
	for store.Maintain(start, 1000) {
	}
	for _, line := range [][]string{
		{"GET", "key:123456"},
		{"SET", "key:123456", "value"},
		{"SET", "key:123456", "value", "EX", "100", "NX"},
		{"INCR", "counter"},
		{"APPEND", "key:100000", ""},
		{"SCAN", "0", "MATCH", "key:1234*", "COUNT", "10"},
		{"KEYS", "key:12345*"},
	} {
		argv := make([][]byte, len(line))
		for i, word := range line {
			argv[i] = []byte(word)
		}
		b.Run(fmt.Sprint(line), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				e.Exec(s, argv, silent{})
			}
		})
	}
}

package lines_test

import (
	"bytes"
	"testing"

	"github.com/synapdb/synap/internal/command/lines"
)

func reader(line string) *lines.Reader {
	return &lines.Reader{Words: bytes.Fields([]byte(line)), Row: "CMD", Usage: "[COUNT n]"}
}

func TestOptionsInAnyCase(t *testing.T) {
	l := reader("count 5 NAME x -7 end")
	if !l.Is("COUNT") || l.Count("COUNT") != 5 || l.Is("COUNT") || !l.Is("NAME") ||
		string(l.Word()) != "x" || !l.IsNumber() || l.Integer("it") != -7 || l.IsNumber() ||
		!l.More() || !l.Is("END") || l.More() || l.End() != nil {
		t.Errorf("it is left with %q, %v", l.Words, l.Err)
	}
}

func TestTheFirstFaultIsTold(t *testing.T) {
	for line, c := range map[string]struct {
		read func(*lines.Reader)
		want string
	}{
		"":      {func(l *lines.Reader) { l.Word() }, "ERR syntax error at the end; usage: CMD [COUNT n]"},
		"\xff":  {(*lines.Reader).Bad, "ERR syntax error at '?'; usage: CMD [COUNT n]"},
		"x y":   {func(l *lines.Reader) { _ = l.End() }, "ERR syntax error at 'x'; usage: CMD [COUNT n]"},
		"-1":    {func(l *lines.Reader) { l.Number("it") }, "ERR it must be a whole number of 0 or more"},
		"0":     {func(l *lines.Reader) { l.Count("it") }, "ERR it must be a whole number of 1 or more"},
		"1.5 z": {func(l *lines.Reader) { l.Integer("it"); l.Bad() }, "ERR it must be a whole number"},
	} {
		l := reader(line)
		c.read(l)
		if l.Err == nil || l.Err.Error() != c.want {
			t.Errorf("%q: %v", line, l.Err)
		}
		if l.More() {
			t.Errorf("%q goes on", line)
		}
	}
}

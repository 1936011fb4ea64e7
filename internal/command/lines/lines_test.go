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
	const usage = "; usage: CMD [COUNT n]"
	for _, c := range []struct {
		line string
		read func(*lines.Reader)
		want string
	}{
		{"", func(l *lines.Reader) { l.Word() }, "ERR syntax error at the end" + usage},
		{"\xff", (*lines.Reader).Bad, "ERR syntax error at '?'" + usage},
		{"x y", func(l *lines.Reader) { _ = l.End() }, "ERR syntax error at 'x'" + usage},
		{"-1", func(l *lines.Reader) { l.Number("it") },
			"ERR it must be a whole number of 0 or more"},
		{"0", func(l *lines.Reader) { l.Count("it") },
			"ERR it must be a whole number of 1 or more"},
		{"1.5 z", func(l *lines.Reader) { l.Integer("it"); l.Bad() },
			"ERR it must be a whole number"},
	} {
		l := reader(c.line)
		c.read(l)
		if l.Err == nil || l.Err.Error() != c.want {
			t.Errorf("%q: %v", c.line, l.Err)
		}
		if l.More() {
			t.Errorf("%q goes on", c.line)
		}
	}
}

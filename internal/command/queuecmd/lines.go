package queuecmd

import (
	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/command/lines"
)

// line reads the words of a command line behind the fixed ones, with the words of queues.
type line struct{ lines.Reader }

// bareNumber takes the next word if it is a number; name is for its error.
func (l *line) bareNumber(name string) (n int64, ok bool) {
	if !l.IsNumber() {
		return 0, false
	}
	return l.Number(name), true
}

// truth takes 1, 0, true or false.
func (l *line) truth() (on bool) {
	if !l.More() {
		l.Bad()
		return false
	}
	on, ok := truth(l.Words[0])
	if !ok {
		l.Bad()
		return false
	}
	l.Words = l.Words[1:]
	return on
}

// token takes the token of a delivery.
func (l *line) token() (token uint64) {
	word := l.Word()
	if l.Err == nil {
		token, l.Err = parseToken(word)
	}
	return token
}

// truth reads 1, 0, true or false in any letter case.
func truth(word []byte) (on, ok bool) {
	switch {
	case string(word) == "1", lines.Is(word, "TRUE"):
		return true, true
	case string(word) == "0", lines.Is(word, "FALSE"):
		return false, true
	}
	return false, false
}

// quick is a row that needs its queue only.
func quick(name, summary string, f command.Flag, run func(*command.Ctx, []byte) error,
) *command.Row {
	return &command.Row{
		Name: name, Arity: 2, Queue: 1, Flags: f, Words: "name", Summary: summary,
		Run: func(c *command.Ctx, argv [][]byte) error { return run(c, argv[1]) },
	}
}

// ok answers +OK to what did not fail.
func ok(c *command.Ctx, err error) error {
	if err == nil {
		c.Reply.Status("OK")
	}
	return err
}

package queuecmd

import (
	"strings"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/command/plan"
	"github.com/synapdb/synap/internal/errs"
)

// line reads the words of a command line behind the fixed ones. The first fault ends it.
type line struct {
	words [][]byte
	row   string // the command
	usage string
	err   error
}

// more says whether there is another word.
func (l *line) more() bool { return l.err == nil && len(l.words) > 0 }

// is takes the next word if it is the given one, in upper case here and in any there.
func (l *line) is(upper string) bool {
	if !l.more() || !is(l.words[0], upper) {
		return false
	}
	l.words = l.words[1:]
	return true
}

// bad refuses the next word, or the end of the line.
func (l *line) bad() {
	if l.err != nil {
		return
	}
	at := "the end"
	if len(l.words) > 0 {
		const most = 64
		word := l.words[0]
		at = "'" + strings.ToValidUTF8(string(word[:min(len(word), most)]), "?") + "'"
	}
	l.err = errs.Newf(errs.Redis, "ERR syntax error at %s; usage: %s %s", at, l.row, l.usage)
}

// word takes the next word.
func (l *line) word() []byte {
	if !l.more() {
		l.bad()
		return nil
	}
	word := l.words[0]
	l.words = l.words[1:]
	return word
}

// number takes a number of 0 or more.
func (l *line) number(name string) int64 {
	word := l.word()
	n, ok := natural(word)
	if !ok && l.err == nil {
		l.err = errs.Newf(errs.Redis, "ERR %s must be a whole number of 0 or more", name)
	}
	return n
}

// count takes a number of 1 or more.
func (l *line) count(name string) int64 {
	n := l.number(name)
	if n == 0 && l.err == nil {
		l.err = errs.Newf(errs.Redis, "ERR %s must be a whole number of 1 or more", name)
	}
	return n
}

// bareNumber takes the next word if it is a number; name is for its error.
func (l *line) bareNumber(name string) (n int64, ok bool) {
	if !l.more() {
		return 0, false
	}
	if _, ok = plan.Int(l.words[0]); !ok {
		return 0, false
	}
	return l.number(name), true
}

// truth takes 1, 0, true or false.
func (l *line) truth() (on bool) {
	if !l.more() {
		l.bad()
		return false
	}
	on, ok := truth(l.words[0])
	if !ok {
		l.bad()
		return false
	}
	l.words = l.words[1:]
	return on
}

// token takes the token of a delivery.
func (l *line) token() (token uint64) {
	word := l.word()
	if l.err == nil {
		token, l.err = parseToken(word)
	}
	return token
}

// end refuses what is left.
func (l *line) end() error {
	if len(l.words) > 0 {
		l.bad()
	}
	return l.err
}

// is compares word with an upper-case ASCII one, case aside.
func is(word []byte, upper string) bool {
	if len(word) != len(upper) {
		return false
	}
	for i, b := range word {
		if 'a' <= b && b <= 'z' {
			b -= 'a' - 'A'
		}
		if b != upper[i] {
			return false
		}
	}
	return true
}

// natural reads a number of 0 or more.
func natural(word []byte) (int64, bool) {
	n, ok := plan.Int(word)
	return n, ok && n >= 0
}

// truth reads 1, 0, true or false in any letter case.
func truth(word []byte) (on, ok bool) {
	switch {
	case string(word) == "1", is(word, "TRUE"):
		return true, true
	case string(word) == "0", is(word, "FALSE"):
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

// Package lines reads the words of command lines that have options by name.
//
// Receives: the words behind the fixed ones.
// Hands on: words and numbers, or one error that points at the first fault and shows the usage.
// Never does: know a command, or run one.
package lines

import (
	"strings"

	"github.com/synapdb/synap/internal/command/plan"
	"github.com/synapdb/synap/internal/errs"
)

// Reader reads words one after the other. The first fault ends it: then nothing more is taken.
type Reader struct {
	Words [][]byte // what is left
	Row   string   // the command
	Usage string   // its words, for errors
	Err   error    // the first fault
}

// More says whether there is another word.
func (l *Reader) More() bool { return l.Err == nil && len(l.Words) > 0 }

// Is takes the next word if it is the given one, in upper case here and in any there.
func (l *Reader) Is(upper string) bool {
	if !l.More() || !Is(l.Words[0], upper) {
		return false
	}
	l.Words = l.Words[1:]
	return true
}

// Bad refuses the next word, or the end of the line.
func (l *Reader) Bad() {
	if l.Err != nil {
		return
	}
	at := "the end"
	if len(l.Words) > 0 {
		const most = 64
		word := l.Words[0]
		at = "'" + strings.ToValidUTF8(string(word[:min(len(word), most)]), "?") + "'"
	}
	l.Err = errs.Newf(errs.Redis, "ERR syntax error at %s; usage: %s %s", at, l.Row, l.Usage)
}

// Fail ends the line with err, unless it has ended already.
func (l *Reader) Fail(err error) {
	if l.Err == nil {
		l.Err = err
	}
}

// Word takes the next word.
func (l *Reader) Word() []byte {
	if !l.More() {
		l.Bad()
		return nil
	}
	word := l.Words[0]
	l.Words = l.Words[1:]
	return word
}

// Number takes a number of 0 or more, which errors call name.
func (l *Reader) Number(name string) int64 {
	n, ok := Natural(l.Word())
	if !ok {
		l.Fail(errs.Newf(errs.Redis, "ERR %s must be a whole number of 0 or more", name))
	}
	return n
}

// Count takes a number of 1 or more.
func (l *Reader) Count(name string) int64 {
	n := l.Number(name)
	if n == 0 {
		l.Fail(errs.Newf(errs.Redis, "ERR %s must be a whole number of 1 or more", name))
	}
	return n
}

// Integer takes a number of either sign.
func (l *Reader) Integer(name string) int64 {
	n, ok := plan.Int(l.Word())
	if !ok {
		l.Fail(errs.Newf(errs.Redis, "ERR %s must be a whole number", name))
	}
	return n
}

// IsNumber says whether the next word is a number.
func (l *Reader) IsNumber() bool {
	if !l.More() {
		return false
	}
	_, ok := plan.Int(l.Words[0])
	return ok
}

// End refuses what is left.
func (l *Reader) End() error {
	if len(l.Words) > 0 {
		l.Bad()
	}
	return l.Err
}

// Is compares word with an upper-case ASCII one, case aside.
func Is(word []byte, upper string) bool {
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

// Natural reads a number of 0 or more.
func Natural(word []byte) (int64, bool) {
	n, ok := plan.Int(word)
	return n, ok && n >= 0
}

package rediscmd

import (
	"math"

	"github.com/synapdb/synap/internal/command/lines"
	"github.com/synapdb/synap/internal/command/plan"
	"github.com/synapdb/synap/internal/store/kv"
)

// flags is a set of option words that a command line carries.
type flags uint16

// has says whether any of f is set.
func (s flags) has(f flags) bool { return s&f != 0 }

// option is a word that may follow the fixed arguments of a command, in any order.
type option struct {
	word string // upper case
	sets flags
	bars flags // options that may not stand before this one
	arg  argument
}

// argument is what follows an option's word.
type argument uint8

const (
	noArg    argument = iota
	textArg           // any word, into options.text
	typeArg           // the name of a type, into options.typ
	intArg            // a number, into options.num
	countArg          // a number of 1 or more, into options.num
	dbArg             // the number of a database, into options.num
)

// options is what parseOptions found.
type options struct {
	flags
	text, typ []byte
	num       int64
	bad       []byte // the word that was refused with errSyntax
}

// parseOptions reads words by table, checking each before the next as Redis does, so that of
// several faults the first is reported.
func parseOptions(words [][]byte, table []option) (o options, err error) {
	for i := 0; i < len(words); i++ {
		known := findOption(table, words[i])
		if known == nil || o.has(known.bars) || known.arg != noArg && i+1 == len(words) {
			o.bad = words[i]
			return o, errSyntax
		}
		if known.arg != noArg {
			i++
			if err := o.read(known.arg, words[i]); err != nil {
				return o, err
			}
		}
		o.flags |= known.sets
	}
	return o, nil
}

func findOption(table []option, word []byte) *option {
	for i := range table {
		if lines.Is(word, table[i].word) {
			return &table[i]
		}
	}
	return nil
}

func (o *options) read(kind argument, word []byte) (err error) {
	switch kind {
	case noArg:
	case textArg:
		o.text = word
	case typeArg:
		o.typ = word
	case intArg:
		o.num, err = integer(word)
	case countArg:
		if o.num, err = integer(word); err == nil && o.num < 1 {
			err = errSyntax
		}
	case dbArg:
		var db uint8
		db, err = database(word)
		o.num = int64(db)
	}
	return err
}

// integer reads a signed 64-bit number.
func integer(word []byte) (int64, error) {
	n, ok := plan.Int(word)
	if !ok {
		return 0, errInteger
	}
	return n, nil
}

// twoIntegers reads the bounds of a range.
func twoIntegers(first, second []byte) (a, b int64, err error) {
	if a, err = integer(first); err != nil {
		return 0, 0, err
	}
	b, err = integer(second)
	return a, b, err
}

// database reads the number of a database.
func database(word []byte) (uint8, error) {
	n, err := integer(word)
	switch {
	case err != nil:
		return 0, err
	case n < math.MinInt32 || n > math.MaxInt32:
		return 0, errInt32
	case n < 0 || n >= kv.Databases:
		return 0, errDatabase
	}
	return uint8(n), nil
}

package conncmd

import (
	"slices"
	"strings"
	"unicode"
)

// argument is one argument of a command, as COMMAND DOCS describes it.
type argument struct {
	name, kind, token  string
	optional, multiple bool
	args               []argument // of a oneof or a block
}

// parseWords reads a row's Words: key is a value, EX a token that goes with the value after it,
// [a] is optional, a|b is one of several, <a|b> groups, and "a [a ...]" repeats.
func parseWords(words string) []argument {
	for _, mark := range []string{"[", "]", "<", ">", "|"} {
		words = strings.ReplaceAll(words, mark, " "+mark+" ")
	}
	p := wordsParser{left: strings.Fields(words)}
	return p.sequence()
}

type wordsParser struct{ left []string }

func (p *wordsParser) next() string {
	if len(p.left) == 0 {
		return ""
	}
	return p.left[0]
}

func (p *wordsParser) skip() { p.left = p.left[min(1, len(p.left)):] }

// sequence reads arguments up to a bracket or bar that is not its own.
func (p *wordsParser) sequence() []argument {
	var args []argument
	for {
		word := p.next()
		switch word {
		case "", "|", "]", ">":
			return args
		}
		p.skip()
		switch {
		case word == "...":
			// The group that ends here repeats; see repeated.
			args = append(args, argument{name: word})
		case word == "[" || word == "<":
			group := p.group()
			if word == "[" {
				if args, group = repeated(args, group); group.kind == "" {
					continue
				}
				group.optional = true
			}
			args = append(args, group)
		case isToken(word):
			args = append(args, p.token(word))
		default:
			args = append(args, argument{name: word, kind: kindOf(word)})
		}
	}
}

// token reads what follows a token: with a value they are one argument, alone it is pure.
func (p *wordsParser) token(word string) argument {
	next := p.next()
	if next == "" || strings.ContainsAny(next, "[]<>|") || isToken(next) || next == "..." {
		return argument{name: strings.ToLower(word), kind: "pure-token", token: word}
	}
	p.skip()
	return argument{name: next, kind: kindOf(next), token: word}
}

// group reads alternatives up to the closing bracket.
func (p *wordsParser) group() argument {
	var choices []argument
	for {
		choices = append(choices, block(p.sequence()))
		bar := p.next() == "|"
		p.skip()
		if !bar {
			break
		}
	}
	if len(choices) == 1 {
		return choices[0]
	}
	return argument{name: nameOf(choices), kind: "oneof", args: choices}
}

// block makes one argument of several.
func block(args []argument) argument {
	if len(args) == 1 {
		return args[0]
	}
	return argument{name: nameOf(args), kind: "block", args: args}
}

func nameOf(args []argument) string {
	names := make([]string, len(args))
	for i, a := range args {
		names[i] = a.name
	}
	return strings.Join(names, "-")
}

// repeated recognises "a b [a b ...]": the arguments before the group become one that may come
// again, and the group vanishes (its kind is then empty).
func repeated(before []argument, group argument) ([]argument, argument) {
	n := len(group.args)
	if group.kind != "block" || n < 2 || group.args[n-1].name != "..." {
		return before, group
	}
	again := group.args[:n-1]
	at := len(before) - len(again)
	// In "ID id [id ...]" the token is not repeated.
	same := func(a, b argument) bool { return a.name == b.name && a.kind == b.kind }
	if at < 0 || !slices.EqualFunc(before[at:], again, same) {
		one := block(again)
		one.multiple = true
		return before, one
	}
	one := block(slices.Clone(before[at:]))
	one.multiple = true
	return append(before[:at], one), argument{}
}

func isToken(word string) bool {
	return strings.IndexFunc(word, unicode.IsUpper) >= 0 &&
		strings.IndexFunc(word, unicode.IsLower) < 0
}

// kindOf guesses the type of a value by its name, as Redis names them.
func kindOf(name string) string {
	switch {
	case name == "key", name == "newkey", name == "source", name == "destination",
		strings.HasPrefix(name, "key") && len(name) == 4:
		return "key"
	case name == "pattern":
		return "pattern"
	case strings.HasPrefix(name, "unix-time"):
		return "unix-time"
	case slices.Contains([]string{"seconds", "milliseconds", "count", "cursor", "offset", "start",
		"end", "stop", "index", "index1", "index2", "db", "increment", "decrement", "bit",
		"protover", "client-id", "destination-db", "min-match-len"}, name):
		return "integer"
	}
	return "string"
}

package conncmd

import (
	"strings"
	"testing"

	"github.com/synapdb/synap/internal/command/rediscmd"
)

// render writes arguments back in the notation that redis-cli shows as a hint.
func render(args []argument, join string) string {
	parts := make([]string, len(args))
	for i, a := range args {
		text := a.name
		switch {
		case a.kind == "oneof":
			text = "<" + render(a.args, "|") + ">"
		case a.kind == "block":
			text = render(a.args, " ")
		case a.kind == "pure-token":
			text = a.token
		case a.token != "":
			text = a.token + " " + a.name
		}
		if a.multiple {
			text += " [" + strings.TrimPrefix(text, a.token+" ") + " ...]"
		}
		if a.optional && a.kind == "oneof" {
			text = text[1 : len(text)-1]
		}
		if a.optional {
			text = "[" + text + "]"
		}
		parts[i] = text
	}
	return strings.Join(parts, join)
}

func TestWordsAreUnderstood(t *testing.T) {
	for _, words := range []string{
		"",
		"key",
		"key value",
		"key [key ...]",
		"key value [key value ...]",
		"key value [NX|XX] [GET] [EX seconds|PX milliseconds|KEEPTTL]",
		"cursor [MATCH pattern] [COUNT count] [TYPE type]",
		"<ON|OFF|SKIP>",
		"[TYPE <NORMAL|MASTER>] [ID client-id [client-id ...]]",
		"key [start end [BYTE|BIT]]",
		"<AND|OR|XOR|NOT> destkey key [key ...]",
		"[section [section ...]]",
		"key [GET encoding offset [GET encoding offset ...]]",
	} {
		if got := render(parseWords(words), " "); got != words {
			t.Errorf("%q became %q", words, got)
		}
	}
}

// redis-cli warns about every argument whose type it does not know.
func TestWordsOfTheTableHaveTypes(t *testing.T) {
	var check func(name string, args []argument)
	check = func(name string, args []argument) {
		for _, a := range args {
			if a.kind == "" || a.name == "..." {
				t.Errorf("%s: argument %q has no type", name, a.name)
			}
			check(name, a.args)
		}
	}
	for _, row := range append(Rows(), rediscmd.Rows()...) {
		check(row.Name, parseWords(row.Words))
		for _, sub := range row.Subcommands {
			check(row.Name+" "+sub.Name, parseWords(sub.Words))
		}
	}
}

// Words come from the program, but no text may break the reader.
func TestWordsNeverFail(t *testing.T) {
	pieces := []string{"[", "]", "<", ">", "|", "...", "key", "TOKEN", ""}
	n := len(pieces)
	for i := range n * n * n * n {
		words := strings.Join([]string{pieces[i%n], pieces[i/n%n], pieces[i/n/n%n],
			pieces[i/n/n/n%n]}, " ")
		parseWords(words)
	}
}

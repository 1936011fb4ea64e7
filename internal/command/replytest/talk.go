package replytest

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// Words are those of a command line, between spaces. A word in quotes is a Go string.
func Words(t testing.TB, line string) (argv [][]byte) {
	t.Helper()
	for rest := strings.TrimSpace(line); rest != ""; rest = strings.TrimSpace(rest) {
		word, after, _ := strings.Cut(rest, " ")
		if rest[0] == '"' || rest[0] == '`' {
			quoted, err := strconv.QuotedPrefix(rest)
			if err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			word, _ = strconv.Unquote(quoted)
			after = rest[len(quoted):]
		}
		argv, rest = append(argv, []byte(word)), after
	}
	return argv
}

var goesOn = regexp.MustCompile(`\n\s*… `)

// Talk runs a script of lines "command line => reply" by do, which fills in the names; replies are
// as Recorder writes them, with names. A line of "wait N" calls wait with N, and one that begins
// with an ellipsis goes on with the line before.
func Talk(
	t testing.TB, names Names, script string, do func(line string) string, wait func(ms int64),
) {
	t.Helper()
	script = goesOn.ReplaceAllLiteralString(script, " ")
	for line := range strings.Lines(script) {
		line = strings.TrimSpace(line)
		if millis, found := strings.CutPrefix(line, "wait "); found {
			n, err := strconv.Atoi(millis)
			if err != nil {
				t.Fatal(err)
			}
			wait(int64(n))
			continue
		}
		if line == "" {
			continue
		}
		command, want, _ := strings.Cut(line, " => ")
		if got := do(command); !names.Match(got, want) {
			t.Errorf("%s\n got %s\nwant %s", command, got, names.Fill(want))
		}
	}
}

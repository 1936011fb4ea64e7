package redisdiff

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// table is what EXCEPTIONS.md holds.
func table() string {
	var b strings.Builder
	b.WriteString("# Where Synap's Redis dialect differs from Redis 7.0\n\n" +
		"Made from `exceptions.go` by `SYNAP_DIFF_WRITE=1 go test ./test/redisdiff`.\n\n" +
		"| command | what differs | why | compared |\n|---|---|---|---|\n")
	for _, e := range Exceptions {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", e.Command, e.Differs, e.Why, e.Compared)
	}
	return b.String()
}

func TestExceptionsAreShown(t *testing.T) {
	const file = "EXCEPTIONS.md"
	if os.Getenv("SYNAP_DIFF_WRITE") != "" {
		if err := os.WriteFile(file, []byte(table()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if shown, err := os.ReadFile(file); err != nil || string(shown) != table() {
		t.Errorf("%s is not the table of exceptions.go (%v): "+
			"SYNAP_DIFF_WRITE=1 go test ./test/redisdiff", file, err)
	}
}

func TestEveryRuleIsAnException(t *testing.T) {
	listed := map[string]bool{}
	for _, e := range Exceptions {
		for _, name := range strings.Split(e.Command, ", ") {
			listed[name] = true
		}
	}
	for name := range rules {
		if !listed[name] {
			t.Errorf("%s is compared loosely without an exception", name)
		}
	}
}

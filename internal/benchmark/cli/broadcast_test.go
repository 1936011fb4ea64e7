package cli

import (
	"strings"
	"testing"
)

func TestWrongArgumentsOfRoomsAndTopics(t *testing.T) {
	for _, c := range []struct{ line, says string }{
		{"stream --rooms 0", "--rooms must be 1 to "},
		{"stream --events 0", "--events must be at least 1"},
		{"stream --events 10 --events-per-room 10", "exclude each other"},
		{"stream --subscribers-per-room -1", "--subscribers-per-room must not be negative"},
		{"stream -d 10", "--value-size must be at least 43"},
		{"stream --window -1", "--window must not be negative"},
		{"stream --replay-history maybe", "unknown command"},
		{"stream --replay-history=maybe", "invalid argument"},
		{"stream true", "unknown command"},
		{"pubsub --subscribers 2000000", "or have fewer subscribers"},
		{"stream --subscribers-per-room 20000", "ulimit -Hn"},
		{"pubsub --topics 0", "--topics must be 1 to "},
		{"pubsub --messages 0", "--messages must be at least 1"},
		{"pubsub --subscribers -1", "--subscribers must not be negative"},
		{"pubsub --wildcard-ratio 1.5", "--wildcard-ratio must be between 0 and 1"},
		{"pubsub --fan-out -1", "--fan-out must not be negative"},
		{"pubsub --replay-history true", "unknown flag: --replay-history"},
	} {
		code, out, errors := benchmark(t.Context(), strings.Fields(c.line)...)
		if code != ExitUsage || !strings.Contains(errors, c.says) {
			t.Errorf("%s: exit code %d, %q; it must be %d and say %q", c.line, code, errors,
				ExitUsage, c.says)
		}
		if out != "" {
			t.Errorf("%s: stdout has %q", c.line, out)
		}
	}
}

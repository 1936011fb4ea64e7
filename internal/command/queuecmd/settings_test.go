package queuecmd_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/synapdb/synap/internal/store/queue"
)

// unusual are defaults that differ from zero wherever they can.
var unusual = queue.Settings{
	MaxDepth: 7, DropOldest: true, AckDeadline: 8000, MaxRetries: 9, Priority: 4, Prefetch: 6,
	BackoffBase: 50, BackoffMilli: 3000, BackoffCap: 500, JitterMilli: 100, TTL: 60_000,
	DedupWindow: 5000, SingleActive: true,
}

var configOf = regexp.MustCompile(`"config" \{\d+ (.*) "stats"`)

// config is the settings of q.
func (b *bench) config() string {
	b.t.Helper()
	found := configOf.FindStringSubmatch(b.do("QINFO q"))
	if found == nil {
		b.t.Fatal("q has no settings")
	}
	return strings.ReplaceAll(found[1], `"`, "")
}

const (
	asUsual = "max_depth 7 default_max_retries 9 default_priority 4 prefetch_limit 6 " +
		"ack_deadline_ms 8000 overflow drop_oldest backoff_base_ms 50 backoff_factor 3 " +
		"backoff_cap_ms 500 backoff_jitter 0.1 dead_letter_queue (nil) ttl_ms 60000 " +
		"dedup_window_secs 5 single_active_consumer (true)"
	allZero = "max_depth 0 default_max_retries 0 default_priority 0 prefetch_limit 0 " +
		"ack_deadline_ms 8000 overflow reject backoff_base_ms 0 backoff_factor 3 " +
		"backoff_cap_ms 500 backoff_jitter 0 dead_letter_queue (nil) ttl_ms 0 " +
		"dedup_window_secs 0 single_active_consumer (false)"
)

// settingsTo gives every setting that knows the word that word.
func settingsTo(word string) string {
	line := ""
	for _, name := range []string{"max_depth", "default_max_retries", "default_priority",
		"prefetch_limit", "backoff_base_ms", "backoff_jitter", "ttl_ms", "dedup_window_secs"} {
		line += fmt.Sprintf(" %s %s", name, word)
	}
	return line
}

// To queue.create a 0 is what clients send for what their users left out.
func TestZeroAndNoneAndDefault(t *testing.T) {
	const others = " overflow reject single_active_consumer false"
	for _, c := range []struct{ making, want string }{
		{"QCREATE q", asUsual},
		{"QCREATE q 0 0 0 0 0" + settingsTo("0") + " ack_deadline_ms 0 backoff_factor 0", asUsual},
		{"QCREATE q" + settingsTo("default"), asUsual},
		{"QCREATE q" + settingsTo("none") + others, allZero},
		{"QCREATE q none 0 None NONE none" + settingsTo("none") + others, allZero},
		{"QCREATE q default default Default 0 0", asUsual},
		{"QCREATE q" + settingsTo("NONE") + others + " backoff_cap_ms default", allZero},
		{"QCREATE q\nQUPDATE q" + settingsTo("0") + others, allZero},
		{"QCREATE q\nQUPDATE q" + settingsTo("none") + others +
			" ack_deadline_ms 0 backoff_factor 0 backoff_cap_ms 0", allZero},
		{"QCREATE q" + settingsTo("1") + "\nQUPDATE q" + settingsTo("default"), asUsual},
		{"QCREATE q\nQCREATE q" + settingsTo("none"), asUsual},
	} {
		b := newBench(t, unusual)
		for line := range strings.Lines(c.making) {
			if got := b.do(line); got != "+OK" {
				t.Fatalf("%s: %s", line, got)
			}
		}
		if got := b.config(); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.making, got, c.want)
		}
	}
}

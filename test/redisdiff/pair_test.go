package redisdiff

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// failer is the part of *testing.T and *rapid.T that a comparison needs.
type failer interface {
	Fatalf(format string, args ...any)
}

// pair is one connection to each side, in the same state.
type pair struct {
	ours   *synapConn
	theirs *oracleConn
	queue  [][]string // the command lines both sides have queued
	multi  bool
}

// begin puts both connections into their first state.
func (p *pair) begin(t failer, version string) {
	p.queue, p.multi = nil, false
	for _, line := range [][]string{{"RESET"}, {"HELLO", version}} {
		for _, do := range []func([]string) (reply, error){p.ours.do, p.theirs.do} {
			if r, err := do(line); err != nil || r.failed() {
				t.Fatalf("%s: %v %v", line, r, err)
			}
		}
	}
}

// run sends one command line to both sides and fails if the replies disagree.
func (p *pair) run(t failer, argv []string) {
	name := strings.ToUpper(argv[0])
	if name == "DBSIZE" && !p.multi {
		p.both(t, []string{"KEYS", "*"}) // collects expired keys
	}
	ours, theirs := p.both(t, argv)
	switch {
	case name == "SCAN" && foreignCursor(argv) && !theirs.failed():
		if !ours.failed() && !p.multi {
			t.Fatalf("%q: goes on from a cursor that was not handed out: %v", argv, ours)
		}
	case name == "SCAN" && !p.multi && !theirs.failed():
		p.scanOn(t, argv, ours, theirs)
		return
	case name == "EXEC" && len(p.queue) > 0 && len(ours.list) == len(p.queue) &&
		len(theirs.list) == len(p.queue):
		for i, line := range p.queue {
			check(t, line, ours.list[i], theirs.list[i])
		}
	case name == "RANDOMKEY" && ours.kind == '$' && !ours.null():
		_, exists := p.both(t, []string{"EXISTS", ours.text})
		if n, ok := exists.integer(); ok && n != 1 {
			t.Fatalf("RANDOMKEY: %q does not exist in Redis", ours.text)
		}
		check(t, argv, ours, theirs)
	default:
		check(t, argv, ours, theirs)
	}
	p.follow(name, argv, theirs)
}

// foreignCursor says whether a SCAN names a place in Redis' hash table.
func foreignCursor(argv []string) bool {
	if len(argv) < 2 {
		return false
	}
	n, err := strconv.ParseFloat(argv[1], 64)
	return err == nil && n != 0
}

// follow keeps track of the transaction.
func (p *pair) follow(name string, argv []string, r reply) {
	switch {
	case string(r.raw) == "+QUEUED\r\n":
		p.queue = append(p.queue, argv)
	case name == "MULTI" && !r.failed():
		p.multi, p.queue = true, nil
	case (name == "EXEC" || name == "DISCARD") && len(argv) == 1:
		p.multi, p.queue = false, nil
	}
}

// both sends one command line to both sides.
func (p *pair) both(t failer, argv []string) (ours, theirs reply) {
	theirs, err := p.theirs.do(argv)
	if err != nil {
		t.Fatalf("redis: %q: %v", argv, err)
	}
	if ours, err = p.ours.do(argv); err != nil {
		t.Fatalf("synap: %q: %v", argv, err)
	}
	return ours, theirs
}

func check(t failer, argv []string, ours, theirs reply) {
	if !same(argv, ours, theirs) {
		t.Fatalf("%q\nsynap: %v\nredis: %v", argv, ours, theirs)
	}
}

// scanOn follows both scans to their ends, and compares what they returned as sets.
func (p *pair) scanOn(t failer, argv []string, ours, theirs reply) {
	a, b := keysOf(t, p.ours.do, argv, ours), keysOf(t, p.theirs.do, argv, theirs)
	if double := len(a) - len(slices.Compact(slices.Clone(a))); double != 0 {
		t.Fatalf("%q: keys came twice: %q", argv, a)
	}
	if b = slices.Compact(b); !slices.Equal(a, b) {
		t.Fatalf("%q\nsynap: %q\nredis: %q", argv, a, b)
	}
}

// keysOf gathers the sorted keys of a whole scan that began with reply r.
func keysOf(t failer, do func([]string) (reply, error), argv []string, r reply) []string {
	var keys []string
	for range 1000 {
		if len(r.list) != 2 {
			t.Fatalf("%q: %v", argv, r)
		}
		for _, key := range r.list[1].list {
			keys = append(keys, key.text)
		}
		cursor := r.list[0].text
		if cursor == "0" {
			slices.Sort(keys)
			return keys
		}
		var err error
		if r, err = do(append([]string{argv[0], cursor}, argv[2:]...)); err != nil {
			t.Fatalf("%q: %v", argv, err)
		}
	}
	t.Fatalf("%q does not end", argv)
	return nil
}

// step is one command line on one of two connections.
type step struct {
	second bool
	argv   []string
}

// String is how a step appears in the report of a failure.
func (s step) String() string {
	conn := 1
	if s.second {
		conn = 2
	}
	return fmt.Sprintf("%d> %q", conn, s.argv)
}

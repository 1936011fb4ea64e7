package conncmd_test

import (
	"strconv"
	"strings"
	"sync"
	"testing"
)

func TestCommandNamesAreBounded(t *testing.T) {
	c := newFixture(t).connect("a:1")
	for _, sub := range []string{"INFO", "DOCS"} {
		got := c.send("COMMAND " + sub + strings.Repeat(" get", 1000))
		if strings.HasPrefix(got, "-") {
			t.Errorf("%s of a thousand names: %.100q", sub, got)
		}
		c.expect("COMMAND "+sub+strings.Repeat(" get", 1001),
			"-ERR ask about at most 1000 commands at once|")
	}
}

// Synap's own clients read KVSTATS as a map, and most of them never say HELLO 3.
func TestKVStatsIsAMapInBothVersions(t *testing.T) {
	const figures = "$10|total_keys|:1|$18|total_memory_bytes|:"
	for _, hello := range []string{"HELLO 2", "HELLO 3"} {
		c := newFixture(t).connect("a:1")
		c.send("SET k v\n" + hello)
		for name, want := range map[string]string{
			"KVSTATS": "%7|" + figures, "SYNAP.KVSTATS": "*14|" + figures,
		} {
			got := strings.ReplaceAll(c.send(name), "\r\n", "|")
			if !strings.HasPrefix(got, want) || !strings.Contains(got, "|$4|sets|:1|") {
				t.Errorf("%s, %s: %s", hello, name, got)
			}
		}
		if c.session.Resp != int(hello[6]-'0') {
			t.Errorf("after KVSTATS the connection speaks RESP%d", c.session.Resp)
		}
	}
}

// Of two CONFIG SETs at once, one of which fails, none may return to what it read while the other
// was changing.
func TestConfigSetIsAllOrNothingAmongOthers(t *testing.T) {
	f := newFixture(t)
	f.config["maxmemory-policy"] = "before"
	failing, working := f.connect("a:1"), f.connect("b:1")
	var both sync.WaitGroup
	both.Go(func() {
		for range 300 {
			failing.send("CONFIG SET maxmemory 1 maxmemory-policy bad")
		}
	})
	for i := range 300 {
		want := strconv.Itoa(1000 + i)
		working.expect("CONFIG SET maxmemory "+want, "+OK|")
	}
	both.Wait()
	working.expect("CONFIG GET maxmemory", "*2|$9|maxmemory|$4|1299|")
}

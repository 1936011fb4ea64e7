package conncmd_test

import (
	"strings"
	"testing"
)

func TestCommandReplies(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"COMMAND INFO get nope", "*2|*10|$3|get|:2|*2|+readonly|+fast|:1|:1|:1|*3|+@read|" +
			"+@string|+@fast|*0|*1|*6|$5|flags|*2|+RO|+access|$12|begin_search|*4|$4|type|" +
			"$5|index|$4|spec|*2|$5|index|:1|$9|find_keys|*4|$4|type|$5|range|$4|spec|*6|" +
			"$7|lastkey|:0|$7|keystep|:1|$5|limit|:0|*0|$-1|"},
		{"COMMAND INFO client|ID", "*1|*10|$9|client|id|:2|*1|+fast|:0|:0|:0|*2|+@connection|" +
			"+@fast|*0|*0|*0|"},
		{"COMMAND INFO client|nope kv.get", "*2|$-1|$-1|"},
		{"COMMAND LIST FILTERBY PATTERN *SET", "*4|$10|config|set|$4|mset|$5|reset|$3|set|"},
		{"COMMAND LIST FILTERBY ACLCAT string", "*2|$3|get|$3|set|"},
		{"COMMAND LIST FILTERBY MODULE x", "*0|"},
		{"COMMAND LIST FILTERBY x y", "-ERR syntax error|"},
		{"COMMAND LIST FILTERBY PATTERN", "-ERR syntax error|"},
		{"COMMAND GETKEYS get a", "*1|$1|a|"},
		{"COMMAND GETKEYS mset a 1 b 2", "*2|$1|a|$1|b|"},
		{"COMMAND GETKEYS memory usage k", "*1|$1|k|"},
		{"COMMAND GETKEYS nope x", "-ERR Invalid command specified|"},
		{"COMMAND GETKEYS get a b", "-ERR Invalid number of arguments specified for command|"},
		{"COMMAND GETKEYS ping x", "-ERR The command has no key arguments|"},
		{"COMMAND GETKEYS get", "-ERR wrong number of arguments for 'command|getkeys' command|"},
		{"COMMAND DOCS nope", "*0|"},
		{"COMMAND DOCS set", "*2|$3|set|*8|$7|summary|$11|Sets a key.|$5|since|$5|0.1.0|" +
			"$5|group|$6|string|$9|arguments|*4|" +
			"*6|$4|name|$3|key|$4|type|$3|key|$14|key_spec_index|:0|" +
			"*4|$4|name|$5|value|$4|type|$6|string|" +
			"*8|$4|name|$5|nx-xx|$4|type|$5|oneof|$5|flags|*1|+optional|$9|arguments|*2|" +
			"*6|$4|name|$2|nx|$4|type|$10|pure-token|$5|token|$2|NX|" +
			"*6|$4|name|$2|xx|$4|type|$10|pure-token|$5|token|$2|XX|" +
			"*8|$4|name|$15|seconds-keepttl|$4|type|$5|oneof|$5|flags|*1|+optional|" +
			"$9|arguments|*2|" +
			"*6|$4|name|$7|seconds|$4|type|$7|integer|$5|token|$2|EX|" +
			"*6|$4|name|$7|keepttl|$4|type|$10|pure-token|$5|token|$7|KEEPTTL|"},
	} {
		newFixture(t).connect("a:1").expect(c.in, c.want)
	}
}

func TestCommandLeavesTheOtherDialectOut(t *testing.T) {
	c := newFixture(t).connect("a:1")
	list := c.send("COMMAND LIST")
	if strings.Contains(list, "kv.get") || !strings.Contains(list, "client|setname") {
		t.Errorf("got %q", list)
	}
	count := c.send("COMMAND COUNT")
	bare := c.send("COMMAND")
	if bare[1:4] != count[1:4] || bare != c.send("COMMAND INFO") {
		t.Errorf("COMMAND COUNT says %q, COMMAND %q…", count, bare[:5])
	}
	if docs := c.send("COMMAND DOCS"); strings.Count(docs, "client|kill") != 1 {
		t.Error("COMMAND DOCS does not describe CLIENT KILL, once")
	}
}

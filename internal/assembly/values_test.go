package assembly

import (
	"encoding/json"
	"strings"
	"testing"
)

// doors are both ways to ask about one store.
type doors struct{ *rig }

// command runs a command over HTTP and returns its payload.
func (d doors) command(name, payload string) string {
	d.Helper()
	answer := d.call(`{"command":"` + name + `","payload":` + payload + `}`)
	if !*answer.Success {
		return "!" + *answer.Error
	}
	return string(answer.Payload)
}

// redis runs a line over RESP and returns the bulk string, or the whole reply without line breaks.
func (d doors) redis(words ...string) string {
	d.Helper()
	reply := d.say(words)
	if reply[0] == '$' && reply[1] != '-' {
		_, text, _ := strings.Cut(reply, "\r\n")
		return strings.TrimSuffix(text, "\r\n")
	}
	return strings.ReplaceAll(strings.TrimSuffix(reply, "\r\n"), "\r\n", "|")
}

// typed is the value of k with its JSON type.
func (d doors) typed() string {
	d.Helper()
	var reply struct{ Values []json.RawMessage }
	if json.Unmarshal([]byte(d.command("kv.mget", `{"keys":["k"]}`)), &reply) != nil ||
		len(reply.Values) != 1 {
		d.Fatal("kv.mget has no value")
	}
	return string(reply.Values[0])
}

// Contract 2.0: a JSON value written over HTTP reads back as the same value and type, and its
// bytes over RESP are the string, or the compact JSON text.
func TestJSONValuesKeepTheirType(t *testing.T) {
	writers := map[string]func(d doors, value string){
		"kv.set": func(d doors, v string) { d.command("kv.set", `{"key":"k","value":`+v+`}`) },
		"kv.mset": func(d doors, v string) {
			d.command("kv.mset", `{"pairs":[["k",1],{"key":"k","value":`+v+`}]}`)
		},
		"kv.msetnx": func(d doors, v string) {
			d.command("kv.msetnx", `{"pairs":[{"key":"k","value":`+v+`}]}`)
		},
		"kv.msetnx alone": func(d doors, v string) {
			d.command("kv.msetnx", `{"key":"k","value":`+v+`}`)
		},
		"kv.getset": func(d doors, v string) {
			d.command("kv.getset", `{"key":"k","value":`+v+`}`)
		},
		"kv.cas": func(d doors, v string) {
			d.command("kv.cas", `{"key":"k","expected":null,"value":`+v+`}`)
		},
		"batch": func(d doors, v string) {
			d.command("batch", `{"atomic":true,"commands":[{"command":"kv.set","payload":`+
				`{"key":"k","value":`+v+`}}]}`)
		},
		"POST /kv/set": func(d doors, v string) {
			d.web("POST", "/kv/set", `{"key":"k","value":`+v+`}`)
		},
		"key.copy": func(d doors, v string) {
			d.command("kv.set", `{"key":"other","value":`+v+`}`)
			d.command("key.copy", `{"source":"other","destination":"k"}`)
		},
		"RENAME": func(d doors, v string) {
			d.command("kv.set", `{"key":"other","value":`+v+`}`)
			d.redis("RENAME", "other", "k")
		},
	}
	d := doors{newRig(t)}
	for name, write := range writers {
		for _, c := range []struct{ value, typed, stored string }{
			{`"plain"`, `"plain"`, `plain`},
			{`"123"`, `"123"`, `123`},
			{`123`, `123`, `123`},
			{`-1.50`, `-1.50`, `-1.50`},
			{`"true"`, `"true"`, `true`},
			{`true`, `true`, `true`},
			{`"null"`, `"null"`, `null`},
			{`null`, `null`, `null`},
			{`{ "a" : [ 1, "x" ] }`, `{"a":[1,"x"]}`, `{"a":[1,"x"]}`},
			{`"{\"a\":1}"`, `"{\"a\":1}"`, `{"a":1}`},
			{`"\"quoted\""`, `"\"quoted\""`, `"quoted"`},
			{`""`, `""`, ``},
			{`"é\n"`, `"é\n"`, "é\n"},
		} {
			d.redis("FLUSHALL")
			write(d, c.value)
			if got := d.typed(); got != c.typed {
				t.Errorf("%s of %s reads back as %s", name, c.value, got)
			}
			if got := d.redis("GET", "k"); got != c.stored {
				t.Errorf("%s of %s is %q over RESP", name, c.value, got)
			}
			text, err := json.Marshal(c.stored)
			if got := d.command("kv.get", `{"key":"k"}`); err != nil || got != string(text) {
				t.Errorf("%s of %s: kv.get answers %s", name, c.value, got)
			}
		}
	}
}

// Bytes written over RESP are the same over RESP, strings over HTTP, and bytes on demand.
func TestBytesPassBothDoors(t *testing.T) {
	d := doors{newRig(t)}
	for _, c := range []struct{ stored, text, bytes string }{
		{"123", `"123"`, `[49,50,51]`},
		{`{"a":1}`, `"{\"a\":1}"`, `[123,34,97,34,58,49,125]`},
		{"", `""`, `[]`},
		{"\x00\xff\r\n", `"<binary data: 4 bytes>"`, `[0,255,13,10]`},
	} {
		d.redis("SET", "k", c.stored)
		if got := d.redis("GET", "k"); got != c.stored {
			t.Errorf("%q over RESP is %q", c.stored, got)
		}
		if got := d.typed(); got != c.text {
			t.Errorf("%q: kv.mget answers %s", c.stored, got)
		}
		if got := d.command("kv.get", `{"key":"k"}`); got != c.text {
			t.Errorf("%q: kv.get answers %s", c.stored, got)
		}
		if got := d.command("kv.get", `{"key":"k","type":"bytes"}`); got != c.bytes {
			t.Errorf("%q: kv.get of bytes answers %s", c.stored, got)
		}
	}
}

// What a command does to a value decides what JSON readers see: sums are numbers, edited values
// are strings, whatever they were.
func TestChangesDecideTheType(t *testing.T) {
	d := doors{newRig(t)}
	for _, c := range []struct {
		line []string
		want string
	}{
		{[]string{"INCR", "k"}, `42`},
		{[]string{"INCRBYFLOAT", "k", "0.5"}, `41.5`},
		{[]string{"EXPIRE", "k", "100"}, `41`},
		{[]string{"APPEND", "k", "0"}, `"410"`},
		{[]string{"SETRANGE", "k", "0", "7"}, `"71"`},
		{[]string{"SETBIT", "k", "7", "1"}, `"51"`},
		{[]string{"BITFIELD", "k", "SET", "u8", "0", "55"}, `"71"`},
		{[]string{"SET", "k", "41"}, `"41"`},
		{[]string{"GETSET", "k", "41"}, `"41"`},
		{[]string{"BITOP", "OR", "k", "k"}, `"41"`},
	} {
		d.redis("FLUSHALL")
		d.command("kv.set", `{"key":"k","value":41}`)
		d.redis(c.line...)
		if got := d.typed(); got != c.want {
			t.Errorf("after %v the value is %s, want %s", c.line, got, c.want)
		}
	}
}

// A far offset must not take what the memory limit does not give.
func TestAFarOffsetIsWithinTheMemoryLimit(t *testing.T) {
	d := doors{newRig(t)}
	d.Limits.ValueBytes = 0
	got := d.command("kv.setrange", `{"key":"k","offset":400000000,"value":"x"}`)
	if got != "!Memory limit exceeded" {
		t.Errorf("kv.setrange answers %s", got)
	}
	if got := d.redis("SETRANGE", "k", "400000000", "x"); !strings.HasPrefix(got, "-OOM") {
		t.Errorf("SETRANGE answers %s", got)
	}
}

package httpwire

import (
	"fmt"
	"strings"
	"testing"
)

// step is a command, its payload and the payload of the answer, or "!" and the error's text.
type step struct{ command, payload, want string }

var contract = map[string][]step{
	"set and get": {
		{"kv.get", `{"key":"a"}`, `null`},
		{"kv.set", `{"key":"a","value":"x"}`, `{"success":true}`},
		{"kv.get", `{"key":"a"}`, `"x"`},
		{"kv.get", `{"key":"a","type":"string"}`, `"x"`},
		{"kv.get", `{"key":"a","type":"list"}`,
			`!Invalid value: type must be \"string\" or \"bytes\"`},
		{"kv.set", `{"key":"a","value":{"b": [1, 2.5, null, true]}}`, `{"success":true}`},
		{"kv.get", `{"key":"a"}`, `"{\"b\":[1,2.5,null,true]}"`},
		{"kv.set", `{"key":"n","value":null}`, `{"success":true}`},
		{"kv.get", `{"key":"n"}`, `"null"`},
		{"kv.set", `{"key":"a"}`, `!Invalid request: Missing 'value' field`},
		{"kv.set", `{"value":1}`, `!Invalid request: Missing 'key' field`},
		{"kv.set", `{}`, `!Invalid request: Missing 'key' field`},
		{"kv.set", `[]`, `!Invalid request: Missing 'key' field`},
		{"kv.set", `null`, `!Invalid request: Missing 'key' field`},
		{"kv.get", `{"key":5}`,
			`!Invalid request: Missing 'key' field: it must be a string, not a number`},
		{"kv.set", `{"key":"","value":"empty"}`, `{"success":true}`},
		{"kv.get", `{"key":""}`, `"empty"`},
		{"kv.nothing", `{}`, `!Unknown command: kv.nothing`},
		{"KV.GET", `{"key":"a"}`, `!Unknown command: KV.GET`},
	},
	"time to live": {
		{"kv.set", `{"key":"a","value":"x","ttl":60}`, `{"success":true}`},
		{"kv.ttl", `{"key":"a"}`, `{"ttl":60}`},
		{"kv.set", `{"key":"a","value":"x","ttl":null}`, `{"success":true}`},
		{"kv.ttl", `{"key":"a"}`, `{"ttl":null}`},
		{"kv.ttl", `{"key":"b"}`, `!Key not found: b`},
		{"kv.set", `{"key":"a","value":"x","ttl":0}`, `!Invalid TTL: it must be at least 1 ` +
			`second; leave it out for a value that lives forever`},
		{"kv.set", `{"key":"a","value":"x","ttl":9000000000000000000}`,
			`!Invalid TTL: it is too large`},
		{"kv.set", `{"key":"a","value":"x","ttl":"soon"}`,
			`!Invalid request: Field 'ttl' must be a whole number of 64 bits`},
		{"kv.expire", `{"key":"a","ttl":5}`, `{"result":true}`},
		{"kv.expire", `{"key":"b","ttl":5}`, `{"result":false}`},
		{"kv.expire", `{"key":"a"}`, `!Invalid request: Missing 'ttl' field`},
		{"kv.expire", `{"key":"a","ttl":-1}`, `!Invalid request: Field 'ttl' must not be negative`},
		{"kv.ttl", `{"key":"a"}`, `{"ttl":5}`},
		{"kv.persist", `{"key":"a"}`, `{"result":true}`},
		{"kv.persist", `{"key":"a"}`, `{"result":true}`},
		{"kv.persist", `{"key":"b"}`, `{"result":false}`},
		{"kv.ttl", `{"key":"a"}`, `{"ttl":null}`},
		{"kv.set", `{"key":"a","value":"y","expiry":{"type":"milliseconds","value":1500}}`,
			`{"success":true}`},
		{"kv.ttl", `{"key":"a"}`, `{"ttl":2}`},
		{"kv.set", `{"key":"a","value":"z","keepttl":true}`, `{"success":true}`},
		{"kv.ttl", `{"key":"a"}`, `{"ttl":2}`},
		{"kv.set", `{"key":"a","value":1,"ttl":1,"expiry":{"type":"seconds","value":1}}`,
			`!Invalid request: ttl and expiry exclude each other`},
		{"kv.set", `{"key":"a","value":1,"ttl":1,"keepttl":true}`,
			`!Invalid request: keepttl excludes ttl and expiry`},
		{"kv.set", `{"key":"a","value":1,"expiry":5}`,
			`!Invalid TTL: expiry must be {\"type\": …, \"value\": a whole number}`},
		{"kv.set", `{"key":"a","value":1,"expiry":{"type":"seconds","value":0}}`,
			`!Invalid TTL: it must be positive`},
		{"kv.set", `{"key":"a","value":1,"expiry":null,"ttl":"7"}`, `{"success":true}`},
		{"kv.ttl", `{"key":"a"}`, `{"ttl":7}`},
		{"kv.expire", `{"key":"a","ttl":0}`, `{"result":true}`},
		{"kv.exists", `{"key":"a"}`, `{"exists":false}`},
	},
	"conditions": {
		{"kv.set", `{"key":"a","value":"x","xx":true}`, `{"success":true,"written":false}`},
		{"kv.set", `{"key":"a","value":"x","nx":true}`, `{"success":true,"written":true}`},
		{"kv.set", `{"key":"a","value":"y","nx":true,"get":true}`,
			`{"success":true,"old_value":"x","written":false}`},
		{"kv.set", `{"key":"a","value":7,"get":true,"with_version":true}`,
			`{"success":true,"old_value":"x","written":true,"version":2}`},
		{"kv.set", `{"key":"a","value":8,"get":true}`,
			`{"success":true,"old_value":7,"written":true}`},
		{"kv.set", `{"key":"a","value":"z","nx":true,"xx":true}`,
			`!Invalid request: nx and xx exclude each other`},
		{"kv.get", `{"key":"a","with_version":true}`, `{"value":"8","version":3,"ttl":null}`},
		{"kv.set", `{"key":"a","value":"z","if_version":2}`,
			`!CAS failed - expected: version 2, actual: version 3`},
		{"kv.set", `{"key":"a","value":"z","if_version":3}`, `{"success":true,"version":4}`},
		{"kv.set", `{"key":"b","value":"z","if_version":0}`, `{"success":true,"version":1}`},
		{"kv.set", `{"key":"b","value":"z","if_version":0}`,
			`!CAS failed - expected: version 0, actual: version 1`},
		{"kv.cas", `{"key":"a","expected":"z","value":"w"}`, `{"success":true,"version":5}`},
		{"kv.cas", `{"key":"a","expected":"z","value":"w"}`,
			`!CAS failed - expected: z, actual: w`},
		{"kv.cas", `{"key":"c","expected":"z","value":"w"}`,
			`!CAS failed - expected: z, actual: null`},
		{"kv.cas", `{"key":"c","expected":null,"value":"w","ttl":9}`,
			`{"success":true,"version":1}`},
		{"kv.ttl", `{"key":"c"}`, `{"ttl":9}`},
		{"kv.cas", `{"key":"c","version":1,"value":"v"}`, `{"success":true,"version":2}`},
		{"kv.cas", `{"key":"c","version":1,"value":"v"}`,
			`!CAS failed - expected: version 1, actual: version 2`},
		{"kv.cas", `{"key":"c","expected":null,"value":"v"}`,
			`!CAS failed - expected: null, actual: v`},
		{"kv.cas", `{"key":"c","version":2,"value":"v","ttl":1,"keepttl":true}`,
			`!Invalid request: keepttl excludes ttl`},
		{"kv.cas", `{"key":"c","version":2,"value":"v","ttl":-5}`, `!Invalid TTL: it must be ` +
			`at least 1 second; leave it out for a value that lives forever`},
		{"kv.cas", `{"key":"c","expected":"` + strings.Repeat("é", 100) + `","value":"v"}`,
			`!CAS failed - expected: ` + strings.Repeat("é", 64) + `…, actual: v`},
		{"kv.cas", `{"key":"c","value":"v"}`, `!Invalid request: Missing 'expected' field`},
	},
	"delete": {
		{"kv.set", `{"key":"a","value":"x"}`, `{"success":true}`},
		{"kv.exists", `{"key":"a"}`, `{"exists":true}`},
		{"kv.del", `{"key":"a"}`, `{"deleted":true}`},
		{"kv.del", `{"key":"a"}`, `{"deleted":false}`},
		{"kv.exists", `{"key":"a"}`, `{"exists":false}`},
	},
	"numbers": {
		{"kv.incr", `{"key":"n"}`, `{"value":1}`},
		{"kv.incr", `{"key":"n","amount":5}`, `{"value":6}`},
		{"kv.incr", `{"key":"n","delta":4}`, `{"value":10}`},
		{"kv.incr", `{"delta":4,"key":"n","amount":1}`, `{"value":11}`},
		{"kv.incrby", `{"key":"n","amount":-1}`, `{"value":10}`},
		{"kv.decr", `{"key":"n"}`, `{"value":9}`},
		{"kv.decrby", `{"key":"n","amount":9}`, `{"value":0}`},
		{"kv.expire", `{"key":"n","ttl":50}`, `{"result":true}`},
		{"kv.incr", `{"key":"n","amount":9223372036854775807}`, `{"value":9223372036854775807}`},
		{"kv.ttl", `{"key":"n"}`, `{"ttl":50}`},
		{"kv.incr", `{"key":"n"}`, `!Invalid value: Integer overflow on INCR`},
		{"kv.decr", `{"key":"n","amount":-9223372036854775808}`,
			`!Invalid value: Integer overflow on DECR`},
		{"kv.incr", `{"key":"n","amount":1.5}`,
			`!Invalid request: Field 'amount' must be a whole number of 64 bits`},
		{"kv.set", `{"key":"s","value":"abc"}`, `{"success":true}`},
		{"kv.incr", `{"key":"s"}`, `!Invalid value: Value is not a valid integer`},
		{"kv.set", `{"key":"s","value":"41"}`, `{"success":true}`},
		{"kv.incr", `{"key":"s"}`, `{"value":42}`},
	},
	"many keys": {
		{"kv.mset", `{"pairs":[{"key":"a","value":"123"},{"key":"b","value":123},["c",{"d":1}]]}`,
			`{"success":true}`},
		{"kv.mget", `{"keys":["a","x","b","c"]}`, `{"values":["123",null,123,{"d":1}]}`},
		{"kv.mget", `{"keys":[]}`, `{"values":[]}`},
		{"kv.mget", `{}`, `!Invalid request: Missing 'keys' field`},
		{"kv.mget", `{"keys":"a"}`, `!Invalid request: Missing 'keys' field: it must be ` +
			`an array of strings, not a string`},
		{"kv.mset", `{"pairs":[{"key":"z"}]}`,
			`!Invalid request: Field 'pairs': a pair must have 'key' and 'value'`},
		{"kv.mset", `{"pairs":[["z"]]}`,
			`!Invalid request: Field 'pairs': a pair must be [key, value]`},
		{"kv.mset", `{}`, `!Invalid request: Missing 'pairs' field`},
		{"kv.msetnx", `{"pairs":[["a",1],["e",2]]}`, `{"success":false}`},
		{"kv.msetnx", `{"pairs":[["e","v"],["f","w"]]}`, `{"success":true}`},
		{"kv.msetnx", `{"key":"g","value":"w"}`, `{"success":true}`},
		{"kv.msetnx", `{"key":"g","value":"w"}`, `{"success":false}`},
		{"kv.msetnx", `{}`, `!Invalid request: Missing 'pairs' field`},
		{"kv.dbsize", `{}`, `{"size":6}`},
		{"kv.mdel", `{"keys":["a","b","zz"]}`, `{"deleted":2}`},
		{"kv.keys", `{}`, `{"keys":["c","e","f","g"],"count":4}`},
	},
	"ranges": {
		{"kv.append", `{"key":"a","value":"Hello"}`, `{"length":5}`},
		{"kv.append", `{"key":"a","value":" World"}`, `{"length":11}`},
		{"kv.get", `{"key":"a"}`, `"Hello World"`},
		{"kv.getrange", `{"key":"a","start":0,"end":4}`, `"Hello"`},
		{"kv.getrange", `{"key":"a","start":-5,"end":-1}`, `"World"`},
		{"kv.getrange", `{"key":"a","start":7,"end":2}`, `null`},
		{"kv.getrange", `{"key":"x","start":0,"end":2}`, `null`},
		{"kv.getrange", `{"key":"a","start":0}`, `!Invalid request: Missing 'end' field`},
		{"kv.setrange", `{"key":"a","offset":6,"value":"Redis"}`, `{"length":11}`},
		{"kv.get", `{"key":"a"}`, `"Hello Redis"`},
		{"kv.setrange", `{"key":"a","offset":-1,"value":"x"}`,
			`!Invalid request: Field 'offset' must not be negative`},
		{"kv.setrange", `{"key":"a","offset":1048576,"value":"x"}`,
			`!Invalid value: the result would be over the limit of 1048576 bytes`},
		{"kv.strlen", `{"key":"a"}`, `{"length":11}`},
		{"kv.strlen", `{"key":"x"}`, `{"length":0}`},
		{"kv.getset", `{"key":"a","value":"new"}`, `"Hello Redis"`},
		{"kv.getset", `{"key":"b","value":1}`, `null`},
		{"kv.mget", `{"keys":["a","b"]}`, `{"values":["new",1]}`},
		{"kv.append", `{"key":"b","value":"x"}`, `{"length":2}`},
		{"kv.mget", `{"keys":["b"]}`, `{"values":["1x"]}`},
	},
	"scan": {
		{"kv.mset", `{"pairs":{"u:1":"a","u:2":2,"u:3":"c","v":"d"}}`, `{"success":true}`},
		{"kv.scan", `{"prefix":"u:"}`,
			`{"keys":["u:1","u:2","u:3"],"count":3,"cursor":null}`},
		{"kv.scan", `{"key":"v"}`, `{"keys":["v"],"count":1,"cursor":null}`},
		{"kv.scan", `{"key":"v","prefix":"u:1"}`, `{"keys":["u:1"],"count":1,"cursor":null}`},
		{"kv.scan", `{"prefix":null,"key":"v"}`, `{"keys":["v"],"count":1,"cursor":null}`},
		{"kv.scan", `{"prefix":"u:","limit":2}`,
			`{"keys":["u:1","u:2"],"count":2,"cursor":"dToy"}`},
		{"kv.scan", `{"prefix":"u:","limit":2,"cursor":"dToy"}`,
			`{"keys":["u:3"],"count":1,"cursor":null}`},
		{"kv.scan", `{"reverse":true,"limit":2}`,
			`{"keys":["v","u:3"],"count":2,"cursor":"dToz"}`},
		{"kv.scan", `{"reverse":true,"limit":2,"cursor":"dToz"}`,
			`{"keys":["u:2","u:1"],"count":2,"cursor":null}`},
		{"kv.scan", `{"start":"u:2","end":"v"}`,
			`{"keys":["u:2","u:3"],"count":2,"cursor":null}`},
		{"kv.scan", `{"prefix":"u:","values":true}`, `{"keys":["u:1","u:2","u:3"],` +
			`"values":["a",2,"c"],"count":3,"cursor":null}`},
		{"kv.scan", `{"cursor":"!!"}`, `!Invalid request: Invalid cursor`},
		{"kv.scan", `{"prefix":"u:","cursor":"dg"}`, `!Invalid request: Invalid cursor`},
		{"kv.scan", `{"limit":0}`, `!Invalid value: limit must be at least 1`},
		{"kv.keys", `{"pattern":"u:*"}`, `{"keys":["u:1","u:2","u:3"],"count":3}`},
		{"kv.keys", `{"pattern":"?"}`, `{"keys":["v"],"count":1}`},
		{"kv.keys", `{"prefix":"u"}`, `{"keys":["u:1","u:2","u:3"],"count":3}`},
		{"kv.keys", `{"prefix":"u","pattern":"*2"}`, `{"keys":["u:2"],"count":1}`},
		{"kv.delprefix", `{"prefix":"u:","dry_run":true}`,
			`{"dry_run":true,"count":3,"more":false,"cursor":null}`},
		{"kv.delprefix", `{"prefix":"u:","limit":2}`, `{"deleted":2,"more":true}`},
		{"kv.delprefix", `{"prefix":"u:"}`, `{"deleted":1,"more":false}`},
		{"kv.delprefix", `{"prefix":""}`,
			`!Invalid request: prefix must not be empty: use kv.flushdb`},
		{"kv.keys", `{}`, `{"keys":["v"],"count":1}`},
	},
	"flush": {
		{"kv.flushdb", `{}`, `!Invalid request: FLUSHDB is disabled. ` +
			`Set kv_store.allow_flush_commands to true to allow it over HTTP.`},
		{"kv.flushall", `{}`, `!Invalid request: FLUSHDB is disabled. ` +
			`Set kv_store.allow_flush_commands to true to allow it over HTTP.`},
	},
	"keys": {
		{"key.randomkey", `{}`, `{"key":null}`},
		{"kv.set", `{"key":"a","value":"x"}`, `{"success":true}`},
		{"key.randomkey", `{}`, `{"key":"a"}`},
		{"key.type", `{"key":"a"}`, `{"key":"a","type":"string"}`},
		{"key.type", `{"key":"b"}`, `{"key":"b","type":"none"}`},
		{"key.exists", `{"key":"a"}`, `{"key":"a","exists":true}`},
		{"key.rename", `{"source":"a","destination":"b"}`,
			`{"success":true,"source":"a","destination":"b"}`},
		{"key.rename", `{"source":"a","destination":"b"}`, `!Key not found: a`},
		{"key.rename", `{"source":"a"}`, `!Invalid request: Missing 'destination' field`},
		{"key.copy", `{"source":"b","destination":"c"}`,
			`{"success":true,"source":"b","destination":"c"}`},
		{"key.copy", `{"source":"b","destination":"c"}`,
			`!Invalid request: Destination key already exists and replace=false`},
		{"key.copy", `{"source":"b","destination":"c","replace":true}`,
			`{"success":true,"source":"b","destination":"c"}`},
		{"key.copy", `{"source":"b","destination":"b"}`,
			`!Invalid request: source and destination are the same key`},
		{"key.renamenx", `{"source":"b","destination":"c"}`,
			`!Invalid request: Destination key already exists`},
		{"key.renamenx", `{"source":"b","destination":"d"}`,
			`{"success":true,"source":"b","destination":"d"}`},
		{"memory.usage", `{"key":"zz"}`, `!Key not found: Key 'zz' does not exist`},
		{"client.list", `{}`, `{"clients":[],"count":0}`},
		{"info", `{"section":"cluster"}`, `{"cluster":{"cluster_enabled":0}}`},
		{"info", `{"section":"keyspace"}`,
			`{"keyspace":{"db0":"keys=2,expires=0,avg_ttl=0"}}`},
	},
	"batch": {
		{"batch", `{"commands":[{"command":"kv.set","payload":{"key":"a","value":1}},` +
			`{"command":"kv.oops","payload":{}},{"payload":{}},7,{"command":"kv.dbsize"},` +
			`{"command":"kv.get","payload":{}},{"payload":{"key":"a"},"command":"kv.incr"}]}`,
			`{"results":[{"success":true,"payload":{"success":true},"error":null,"code":null},` +
				failed("Unknown command: kv.oops", "unknown_command") + `,` +
				failed("Invalid request: Missing 'command' field", "missing_field") + `,` +
				failed("Invalid request: a command of a batch must be an object, not a number",
					"bad_request") + `,` +
				`{"success":true,"payload":{"size":1},"error":null,"code":null},` +
				failed("Invalid request: Missing 'key' field", "missing_field") + `,` +
				`{"success":true,"payload":{"value":2},"error":null,"code":null}]}`},
		{"batch", `{"commands":[{"command":"batch","payload":{"commands":[]}}]}`,
			`{"results":[` + failed("Invalid request: a batch cannot hold another batch",
				"bad_request") + `]}`},
		{"batch", `{}`, `!Invalid request: Missing 'commands' field`},
		{"batch", `{"commands":[]}`, `{"results":[]}`},
		{"batch", `{"commands":[{"command":"kv.set","payload":{"key":"b","value":"x"}},` +
			`{"command":"kv.incr","payload":{"key":"b"}}],"atomic":true}`,
			`{"results":[` + failed("Aborted: another command of this atomic batch failed",
				"aborted") + `,` + failed("Invalid value: Value is not a valid integer",
				"bad_value") + `]}`},
		{"kv.exists", `{"key":"b"}`, `{"exists":false}`},
		{"batch", `{"commands":[{"command":"kv.incr","payload":{"key":"a","amount":5}},` +
			`{"command":"kv.cas","payload":{"key":"a","version":9,"value":"x"}}],"atomic":true}`,
			`{"results":[` + failed("Aborted: another command of this atomic batch failed",
				"aborted") + `,` + failed("CAS failed - expected: version 9, actual: version 3",
				"cas_failed") + `]}`},
		{"kv.get", `{"key":"a","with_version":true}`, `{"value":"2","version":2,"ttl":null}`},
		{"batch", `{"atomic":true,"commands":[{"command":"kv.delprefix","payload":` +
			`{"prefix":"a"}}]}`, `{"results":[` + failed(
			"Invalid request: this command cannot be part of an atomic batch", "bad_request") +
			`]}`},
		{"batch", `{"atomic":true,"commands":[{"command":"kv.set","payload":{"key":"c",` +
			`"value":"x"}},{"command":"kv.strlen","payload":{"key":"c"}}]}`,
			`{"results":[{"success":true,"payload":{"success":true},"error":null,"code":null},` +
				`{"success":true,"payload":{"length":1},"error":null,"code":null}]}`},
	},
}

func failed(text, code string) string {
	return fmt.Sprintf(`{"success":false,"payload":null,"error":"%s","code":"%s"}`, text, code)
}

func TestCommandsKeepTheContract(t *testing.T) {
	onEveryLane(t, Options{}, func(t *testing.T, b *bench) {
		for name, steps := range contract {
			t.Run(name, func(t *testing.T) {
				fresh := newBench(t, Options{})
				fresh.fast, fresh.pack = b.fast, b.pack
				for _, s := range steps {
					if got := fresh.call(t, s.command, s.payload); got != s.want {
						t.Errorf("%s %s\n got %s\nwant %s", s.command, s.payload, got, s.want)
					}
				}
			})
		}
	})
}

package synap

import (
	"context"
	"time"
)

// Command is one command of a Batch.
type Command struct{ r *request }

// Get reads a key's value: Result.Value is []byte, or nil when there is no such key.
func Get(key string) Command {
	return Command{&request{command: "kv.get", read: true, bytes: true, line: []any{"GET", key},
		fields: []field{{"key", key}, {"type", "bytes"}}}}
}

// Set stores a value.
func Set(key string, value []byte, options ...SetOption) Command {
	var s setting
	for _, o := range options {
		o(&s)
	}
	r := &request{command: "kv.set", line: []any{"SET", key, value},
		fields: []field{{"key", key}, {"value", value}, {"with_version", true}}}
	option := func(on bool, name, word string) {
		if on {
			r.fields = append(r.fields, field{name, true})
			r.line = append(r.line, word)
		}
	}
	option(s.nx, "nx", "NX")
	option(s.xx, "xx", "XX")
	option(s.keepsTTL, "keepttl", "KEEPTTL")
	if s.ttl > 0 {
		ms := int64((s.ttl + time.Millisecond - 1) / time.Millisecond)
		r.fields = append(r.fields,
			field{"expiry", map[string]any{"type": "milliseconds", "value": ms}})
		r.line = append(r.line, "PX", ms)
	}
	if s.version > 0 {
		r.fields = append(r.fields, field{"if_version", s.version})
		r.line = nil // RESP has no word for it
	}
	return Command{r}
}

// Incr adds to the number that a key holds.
func Incr(key string, by int64) Command {
	return Command{&request{command: "kv.incr", line: []any{"INCRBY", key, by},
		fields: []field{{"key", key}, {"amount", by}}}}
}

// ScanPage reads the first keys that begin with prefix, limit of them at most; PageKeys reads its
// Result.Value.
func ScanPage(prefix string, limit int) Command {
	return Command{scanRequest(prefix, nil, limit)}
}

// PageKeys are the keys in the answer to a ScanPage.
func PageKeys(answer any) []string {
	list, _ := pageOf(answer)
	keys := make([]string, len(list))
	for i, key := range list {
		keys[i] = toText(key)
	}
	return keys
}

// Sum is the number in the answer to an Incr.
func Sum(answer any) int64 { return number(answer, "value") }

// Delete removes a key.
func Delete(key string) Command {
	return Command{&request{command: "kv.del", line: []any{"DEL", key},
		fields: []field{{"key", key}}}}
}

// Any is any command by its dotted name; see Client.Do.
func Any(command string, fields map[string]any) Command {
	r := &request{command: command}
	for name, value := range fields {
		r.fields = append(r.fields, field{name, value})
	}
	return Command{r}
}

// Result is what became of one command of a Batch.
type Result struct {
	Value any // the payload of the answer, as of Client.Do
	Err   error
}

// Batch sends commands together and returns a result for each, in order: one that fails does not
// stop the others. err is a failure of all, such as of the network. It is sent again only if all of
// it reads.
func (c *Client) Batch(ctx context.Context, commands ...Command) ([]Result, error) {
	if len(commands) == 0 {
		return nil, nil
	}
	reqs := make([]*request, len(commands))
	for i := range commands {
		reqs[i] = commands[i].r
	}
	payloads, errs, err := c.all(ctx, reqs)
	if err != nil {
		return nil, err
	}
	return results(payloads, errs), nil
}

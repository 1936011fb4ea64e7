package synap

import (
	"context"
	"errors"
	"iter"
	"strings"
	"time"
)

// KV is the keys of a server. Values are bytes; a value that another client stored as a JSON
// number, object, array or bool is its JSON text.
type KV struct{ c *Client }

// SetOption is a condition of Set, or says how long the value lives.
type SetOption func(*setting)

type setting struct {
	ttl      time.Duration
	nx, xx   bool
	version  int64
	keepsTTL bool
}

// TTL has the key expire after d, which is rounded up to ms.
func TTL(d time.Duration) SetOption { return func(s *setting) { s.ttl = d } }

// IfAbsent stores only if there is no such key, IfPresent only if there is one.
func IfAbsent() SetOption { return func(s *setting) { s.nx = true } }

// IfPresent stores only if there is such a key.
func IfPresent() SetOption { return func(s *setting) { s.xx = true } }

// IfVersion stores only if the key has that version, which Set has returned.
func IfVersion(v int64) SetOption { return func(s *setting) { s.version = v } }

// KeepTTL leaves the deadline of the key as it is.
func KeepTTL() SetOption { return func(s *setting) { s.keepsTTL = true } }

// Get returns a key's value; ok is false when there is no such key.
func (kv *KV) Get(ctx context.Context, key string) (value []byte, ok bool, err error) {
	v, err := kv.c.call(ctx, Get(key).r)
	return toBytes(v), v != nil, err
}

// Set stores a value and returns the key's version, which counts its changes from 1; over resp://
// it is 0. A condition that does not hold is ErrConflict.
func (kv *KV) Set(
	ctx context.Context, key string, value []byte, options ...SetOption,
) (version int64, err error) {
	v, err := kv.c.call(ctx, Set(key, value, options...).r)
	if err != nil {
		return 0, err
	}
	if stored, told := member(v, "written").(bool); v == nil || told && !stored {
		return 0, &Error{Kind: ErrConflict, Command: "kv.set",
			Message: "the key is not as the condition wants it"}
	}
	return toInt(member(v, "version")), nil
}

// Delete removes keys and returns how many there were.
func (kv *KV) Delete(ctx context.Context, keys ...string) (deleted int64, err error) {
	v, err := kv.c.call(ctx, &request{command: "kv.mdel", line: words("DEL", keys),
		fields: []field{{"keys", keys}}})
	return number(v, "deleted"), err
}

// Exists says whether there is such a key.
func (kv *KV) Exists(ctx context.Context, key string) (bool, error) {
	v, err := kv.c.call(ctx, &request{command: "kv.exists", read: true,
		line: []any{"EXISTS", key}, fields: []field{{"key", key}}})
	if m := member(v, "exists"); m != nil {
		v = m
	}
	return toBool(v), err
}

// Incr adds to the number that a key holds, 0 when there is none, and returns the sum.
func (kv *KV) Incr(ctx context.Context, key string, by int64) (int64, error) {
	v, err := kv.c.call(ctx, Incr(key, by).r)
	return number(v, "value"), err
}

// MGet returns the values of keys, in order; nil for those that do not exist.
func (kv *KV) MGet(ctx context.Context, keys ...string) ([][]byte, error) {
	reqs := make([]*request, len(keys))
	for i, key := range keys {
		reqs[i] = Get(key).r
	}
	if len(reqs) == 0 {
		return nil, nil
	}
	payloads, errs, err := kv.c.all(ctx, reqs)
	if err == nil {
		err = first(errs)
	}
	if err != nil {
		return nil, err
	}
	values := make([][]byte, len(keys))
	for i, v := range payloads {
		values[i] = toBytes(v)
	}
	return values, nil
}

// Pair is a key and its value.
type Pair struct {
	Key   string
	Value []byte
}

// MSet stores all pairs, at once for everybody else.
func (kv *KV) MSet(ctx context.Context, pairs ...Pair) error {
	list := make([]any, len(pairs))
	line := []any{"MSET"}
	for i, p := range pairs {
		list[i] = map[string]any{"key": p.Key, "value": p.Value}
		line = append(line, p.Key, p.Value)
	}
	_, err := kv.c.call(ctx, &request{command: "kv.mset", line: line,
		fields: []field{{"pairs", list}}})
	return err
}

// Expire has a key expire after d, rounded up to seconds; ok is false when there is no such key.
func (kv *KV) Expire(ctx context.Context, key string, d time.Duration) (ok bool, err error) {
	seconds := int64((d + time.Second - 1) / time.Second)
	v, err := kv.c.call(ctx, &request{command: "kv.expire",
		line:   []any{"EXPIRE", key, seconds},
		fields: []field{{"key", key}, {"ttl", seconds}}})
	if m := member(v, "result"); m != nil {
		v = m
	}
	return toBool(v), err
}

// TTL says how long a key still lives; ok is false when there is no such key. left is negative for
// a key that does not expire. It is in whole seconds, over resp:// in ms.
func (kv *KV) TTL(ctx context.Context, key string) (left time.Duration, ok bool, err error) {
	v, err := kv.c.call(ctx, &request{command: "kv.ttl", read: true, line: []any{"PTTL", key},
		fields: []field{{"key", key}}})
	var e *Error
	switch {
	case errors.As(err, &e) && e.Code == "key_not_found":
		return 0, false, nil
	case err != nil:
		return 0, false, err
	}
	if ms, resp := v.(int64); resp && kv.c.lines() {
		return max(time.Duration(ms)*time.Millisecond, -1), ms != -2, nil
	}
	if member(v, "ttl") == nil {
		return -1, true, nil
	}
	return time.Duration(toInt(member(v, "ttl"))) * time.Second, true, nil
}

// Scan yields the keys that begin with prefix, in byte order, a page at a time. Keys that are made
// or removed meanwhile may or may not come.
func (kv *KV) Scan(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		var cursor any
		for {
			v, err := kv.c.call(ctx, scanRequest(prefix, cursor, page))
			if err != nil {
				yield("", err)
				return
			}
			keys, next := pageOf(v)
			for _, key := range keys {
				if !yield(toText(key), nil) {
					return
				}
			}
			if cursor = next; cursor == nil {
				return
			}
		}
	}
}

// page is how many keys Scan asks for at once.
const page = 1000

// pageOf reads the answer to scanRequest. next is nil behind the last page.
func pageOf(v any) (keys []any, next any) {
	if pair := toList(v); len(pair) == 2 { // RESP
		if next = nil; toText(pair[0]) != "0" {
			next = toText(pair[0])
		}
		return toList(pair[1]), next
	}
	return toList(member(v, "keys")), member(v, "cursor")
}

func scanRequest(prefix string, cursor any, limit int) *request {
	r := &request{command: "kv.scan", read: true,
		fields: []field{{"prefix", prefix}, {"limit", limit}, {"cursor", cursor}}}
	from := toText(cursor)
	if from == "" {
		from = "0"
	}
	r.line = []any{"SCAN", from, "COUNT", int64(limit)}
	if prefix != "" {
		glob := strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`)
		r.line = append(r.line, "MATCH", glob.Replace(prefix)+"*")
	}
	return r
}

// number is a payload, or the member of it.
func number(v any, name string) int64 {
	if m := member(v, name); m != nil {
		v = m
	}
	return toInt(v)
}

func words(name string, rest []string) []any {
	line := make([]any, 0, 1+len(rest))
	line = append(line, name)
	for _, w := range rest {
		line = append(line, w)
	}
	return line
}

func first(errs []error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

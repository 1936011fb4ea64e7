package synap

import (
	"context"
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

// KeepTTL leaves the deadline of the key as it is.
func KeepTTL() SetOption { return func(s *setting) { s.keepsTTL = true } }

// Get returns a key's value; ok is false when there is no such key.
func (kv *KV) Get(ctx context.Context, key string) (value []byte, ok bool, err error) {
	v, err := kv.c.call(ctx, getRequest(key))
	return toBytes(v), v != nil, err
}

func getRequest(key string) *request {
	return &request{command: "kv.get", read: true, line: []any{"GET", key},
		fields: []field{{"key", key}, {"type", "bytes"}}}
}

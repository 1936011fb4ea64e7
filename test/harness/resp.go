package harness

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// RESP speaks to the RESP door in a protocol version.
type RESP struct{ Client *redis.Client }

// NewRESP opens the door; a reply may take as long as patience.
func NewRESP(addr string, protocol int, patience time.Duration) *RESP {
	return &RESP{redis.NewClient(&redis.Options{Addr: addr, Protocol: protocol,
		ReadTimeout: patience, MaxRetries: -1})}
}

// Close closes all connections.
func (r *RESP) Close() { _ = r.Client.Close() }

// Words runs a command line. Null answers nil.
func (r *RESP) Words(argv ...any) (any, error) {
	v, err := r.Client.Do(context.Background(), argv...).Result()
	var refused redis.Error
	switch {
	case errors.Is(err, redis.Nil):
		return nil, nil
	case errors.As(err, &refused):
		text, ok := strings.CutPrefix(refused.Error(), "ERR ")
		if !ok {
			return nil, fmt.Errorf("an error without its code: %w", refused)
		}
		return nil, &Failure{text}
	}
	return v, err
}

// PlainReply is a reply with the types that a Door promises, but for maps that came as lists: see
// AsFields.
func PlainReply(v any) any {
	switch v := v.(type) {
	case map[any]any:
		out := Fields{}
		for name, item := range v {
			out[fmt.Sprint(name)] = PlainReply(item)
		}
		return out
	case []any:
		for i := range v {
			v[i] = PlainReply(v[i])
		}
	}
	return v
}

// AsFields is a map, which RESP2 has as a list of names and values.
func AsFields(v any) (Fields, error) {
	if f, ok := v.(Fields); ok {
		return f, nil
	}
	list, ok := v.([]any)
	if !ok || len(list)%2 != 0 {
		return nil, fmt.Errorf("a map is %v", v)
	}
	out := Fields{}
	for i := 0; i < len(list); i += 2 {
		out[fmt.Sprint(list[i])] = list[i+1]
	}
	return out, nil
}

// OptionWords adds the words for the fields that are given: pairs of a field and its word.
func OptionWords(argv []any, f Fields, pairs ...string) []any {
	for i := 0; i < len(pairs); i += 2 {
		v, given := f[pairs[i]]
		if !given || v == "" {
			continue
		}
		if object, ok := v.(Fields); ok {
			text, _ := json.Marshal(object)
			v = text
		}
		argv = append(argv, pairs[i+1], v)
	}
	return argv
}

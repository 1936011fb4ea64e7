package crash

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
)

// storm is a set of writers at work until the server dies.
type storm struct {
	t     *testing.T
	acks  atomic.Int64
	ended sync.WaitGroup
}

var respKinds = []string{"SET", "SET", "SETEX", "INCR", "APPEND", "PERSIST", "DEL", "MULTI"}

// resp writes over the Redis protocol, a random number of ops at a time.
func (s *storm) resp(c *child, a *account) {
	p := c.dial()
	s.ended.Go(func() {
		for {
			var sent []op
			for range 1 + a.random.IntN(40) {
				o := a.next(respKinds)
				p.putOp(o)
				sent = append(sent, o)
			}
			if p.flush() != nil {
				return
			}
			for _, o := range sent {
				if !s.acknowledged(p, o) {
					return
				}
				a.acked++
				s.acks.Add(1)
			}
		}
	})
}

func (p *peer) putOp(o op) {
	switch o.kind {
	case "MULTI":
		p.put("MULTI")
		p.put("SET", o.key+":left", o.text)
		p.put("SET", o.key+":right", o.text)
		p.put("EXEC")
	case "SETEX":
		p.put("SET", o.key, o.text, "EX", "100000")
	case "SET", "APPEND":
		p.put(o.kind, o.key, o.text)
	default:
		p.put(o.kind, o.key)
	}
}

// acknowledged reads the replies to one op.
func (s *storm) acknowledged(p *peer, o op) bool {
	replies := 1
	if o.kind == "MULTI" {
		replies = 4
	}
	for range replies {
		text, err := p.reply()
		if err != nil {
			return false
		}
		if text[0] == '-' {
			s.t.Errorf("%s %s: %s", o.kind, o.key, text)
			return false
		}
	}
	return true
}

var webKinds = []string{"SET", "INCR", "DEL", "MULTI"}

// web writes over HTTP, one op at a time.
func (s *storm) web(c *child, a *account) {
	url := fmt.Sprintf("http://127.0.0.1:%d/api/v1/", c.HTTP)
	client := &http.Client{Transport: &http.Transport{}, Timeout: patient}
	s.ended.Go(func() {
		defer client.CloseIdleConnections()
		for {
			path, body := request(a.next(webKinds))
			text, err := json.Marshal(body)
			if err != nil {
				s.t.Error(err)
				return
			}
			reply, err := client.Post(url+path, "application/json", bytes.NewReader(text))
			if err != nil {
				return
			}
			var answer struct{ Success bool }
			err = json.NewDecoder(reply.Body).Decode(&answer)
			_ = reply.Body.Close()
			if err != nil {
				return
			}
			if reply.StatusCode != 200 || path == "command" && !answer.Success {
				s.t.Errorf("%s: %d", text, reply.StatusCode)
				return
			}
			a.acked++
			s.acks.Add(1)
		}
	})
}

type object = map[string]any

// request words an op for HTTP.
func request(o op) (path string, body object) {
	set := func(key string) object {
		return object{"command": "kv.set", "payload": object{"key": key, "value": o.text}}
	}
	switch o.kind {
	case "MULTI":
		return "batch", object{"atomic": true,
			"commands": []object{set(o.key + ":left"), set(o.key + ":right")}}
	case "SET":
		body = set(o.key)
	default:
		body = object{"command": map[string]string{"INCR": "kv.incr", "DEL": "kv.del"}[o.kind],
			"payload": object{"key": o.key}}
	}
	body["request_id"] = "1"
	return "command", body
}

// read fetches what the account's keys hold.
func (p *peer) read(a *account) (state, error) {
	keys, found := a.keys(), state{}
	for _, key := range keys {
		p.put("GET", key)
		p.put("TTL", key)
	}
	if err := p.flush(); err != nil {
		return nil, err
	}
	for _, key := range keys {
		value, err := p.reply()
		if err != nil {
			return nil, err
		}
		ttl, err := p.reply()
		if err != nil {
			return nil, err
		}
		if ttl != "-2" {
			found[key] = entry{value, ttl != "-1"}
		}
	}
	return found, nil
}

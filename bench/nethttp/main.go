// Command nethttp is the yardstick of bench/http.sh: the least that a Go program does to serve
// kv.set and kv.get over HTTP with the standard library.
package main

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
)

type envelope struct {
	Command   string          `json:"command"`
	RequestID string          `json:"request_id"`
	Payload   json.RawMessage `json:"payload"`
}

type reply struct {
	Success   bool    `json:"success"`
	RequestID string  `json:"request_id"`
	Payload   any     `json:"payload"`
	Error     *string `json:"error"`
}

type pair struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

func main() {
	var mu sync.RWMutex
	store := map[string]string{}
	http.HandleFunc("POST /api/v1/command", func(w http.ResponseWriter, r *http.Request) {
		var e envelope
		var p pair
		if json.NewDecoder(r.Body).Decode(&e) != nil || json.Unmarshal(e.Payload, &p) != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		out := reply{Success: true, RequestID: e.RequestID}
		switch e.Command {
		case "kv.set":
			mu.Lock()
			store[p.Key] = p.Value
			mu.Unlock()
			out.Payload = map[string]any{"key": p.Key, "success": true}
		case "kv.get":
			mu.RLock()
			out.Payload = store[p.Key]
			mu.RUnlock()
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(out)
	})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(ln.Addr().(*net.TCPAddr).Port)
	fmt.Fprintln(os.Stderr, http.Serve(ln, nil))
}

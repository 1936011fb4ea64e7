package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/synapdb/synap/bench/process"
)

// figures are what a server says about its memory, at one moment.
type figures struct {
	rss   int64
	gauge map[string]float64 // of /metrics
}

// look reads them. /metrics comes after the resident size, which waits until that has settled.
func look(o options) (figures, error) {
	rss, err := process.Resident(o.pid)
	if err != nil || o.http == "" {
		return figures{rss: rss}, err
	}
	f := figures{rss: rss, gauge: map[string]float64{}}
	reply, err := http.Get("http://" + o.http + "/metrics")
	if err != nil {
		return f, err
	}
	defer func() { _ = reply.Body.Close() }()
	for scan := bufio.NewScanner(reply.Body); scan.Scan(); {
		name, value, _ := strings.Cut(scan.Text(), " ")
		if v, err := strconv.ParseFloat(value, 64); err == nil {
			f.gauge[name] = v
		}
	}
	return f, nil
}

// beyond is how many bytes each of n payloads of size cost more than size.
func (f figures) beyond(before figures, n, size int) float64 {
	return float64(f.rss-before.rss)/float64(n) - float64(size)
}

// collector prints what Go's collector had to do and to look after.
func (f figures) collector(out *strings.Builder, before figures) {
	const pauses, objects = "go_gc_duration_seconds", "go_memstats_heap_objects"
	if f.gauge == nil {
		return
	}
	fmt.Fprintf(out, "collections           %.0f, stopping the world for %.1f ms together\n",
		f.gauge[pauses+"_count"]-before.gauge[pauses+"_count"],
		(f.gauge[pauses+"_sum"]-before.gauge[pauses+"_sum"])*1e3)
	fmt.Fprintf(out, "objects of Go's heap  %.0f, before %.0f\n",
		f.gauge[objects], before.gauge[objects])
}

const pageSize = 100

// listAll walks the list of queues page by page over HTTP and prints how long a page takes.
func listAll(out *strings.Builder, o options) error {
	var took latencies
	found, cursor := 0, ""
	for more := true; more; more = cursor != "" {
		begun := time.Now()
		names, next, err := listPage(o, cursor)
		if err != nil {
			return err
		}
		took = append(took, time.Since(begun))
		found, cursor = found+len(names), next
	}
	if found != o.messages {
		return fmt.Errorf("the list has %d queues, not %d", found, o.messages)
	}
	slices.Sort(took)
	fmt.Fprintf(out, "listed                in %d pages of %d: median %v, p95 %v, worst %v\n",
		len(took), pageSize, took[len(took)/2].Round(time.Microsecond), took.p95(),
		took[len(took)-1].Round(time.Microsecond))
	return nil
}

// listPage returns the names of a page, and the cursor of the next: empty behind the last.
func listPage(o options, cursor string) ([]string, string, error) {
	body, err := json.Marshal(map[string]any{"command": "queue.list", "request_id": "1",
		"payload": map[string]any{"prefix": o.queue, "cursor": cursor, "limit": pageSize}})
	if err != nil {
		return nil, "", err
	}
	reply, err := http.Post("http://"+o.http+"/api/v1/command", "application/json",
		bytes.NewReader(body))
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = reply.Body.Close() }()
	var answer struct {
		Success bool
		Error   string
		Payload struct {
			Queues []string
			Cursor string
		}
	}
	if err := json.NewDecoder(reply.Body).Decode(&answer); err != nil {
		return nil, "", err
	}
	if !answer.Success {
		return nil, "", fmt.Errorf("queue.list: %s", answer.Error)
	}
	return answer.Payload.Queues, answer.Payload.Cursor, nil
}

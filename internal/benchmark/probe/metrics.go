package probe

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Metrics reads what a Synap server tells of itself in Prometheus' text format.
type Metrics struct {
	url    string
	token  string
	client http.Client

	reading sync.WaitGroup
	mu      struct {
		sync.Mutex
		busy bool // somebody reads
		last Figures
	}
}

// patience bounds one reading: a server under load may be slow, and nobody waits for figures.
const patience = 500 * time.Millisecond

// NewMetrics reads from a server at a base URL, with an API key if there is one.
func NewMetrics(base, token string) *Metrics {
	m := &Metrics{url: base + "/metrics", token: token,
		client: http.Client{Timeout: patience, Transport: &http.Transport{}}}
	m.mu.last = Unknown
	return m
}

// Latest is the last reading; it has the next one taken meanwhile, or, if now is set, waits for it
// as long as a reading may take. It is Unknown while the server does not answer.
func (m *Metrics) Latest(now bool) Figures {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.mu.busy {
		m.mu.busy = true
		m.reading.Go(m.refresh)
	}
	if now {
		m.mu.Unlock()
		m.reading.Wait()
		m.mu.Lock()
	}
	return m.mu.last
}

func (m *Metrics) refresh() {
	f, err := m.Read(context.Background())
	if err != nil {
		f = Unknown
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mu.last, m.mu.busy = f, false
}

// Figures are what is read from the metrics.
type Figures struct {
	GC  time.Duration // pauses since the server began; -1 = not told
	CPU time.Duration // user and system time; -1 = not told
	RSS int64         // bytes; -1 = not told
}

// Unknown is what is known of a server that tells nothing.
var Unknown = Figures{GC: -1, CPU: -1, RSS: -1}

// mostMetrics bounds what is read, in bytes.
const mostMetrics = 8 << 20

// Read asks the server.
func (m *Metrics) Read(ctx context.Context) (Figures, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, m.url, nil)
	if err != nil {
		return Unknown, err
	}
	if m.token != "" {
		req.Header.Set("Authorization", "Bearer "+m.token)
	}
	res, err := m.client.Do(req)
	if err != nil {
		return Unknown, err
	}
	defer res.Body.Close() //nolint:errcheck // it was read
	if res.StatusCode != http.StatusOK {
		return Unknown, fmt.Errorf("%s: %s", m.url, res.Status)
	}
	return parseMetrics(io.LimitReader(res.Body, mostMetrics))
}

func parseMetrics(r io.Reader) (Figures, error) {
	f := Unknown
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		name, text, ok := strings.Cut(lines.Text(), " ")
		if !ok {
			continue
		}
		n, err := strconv.ParseFloat(text, 64)
		if err != nil {
			continue // a comment
		}
		switch name {
		case "go_gc_duration_seconds_sum":
			f.GC = time.Duration(n * float64(time.Second))
		case "process_cpu_seconds_total":
			f.CPU = time.Duration(n * float64(time.Second))
		case "process_resident_memory_bytes":
			f.RSS = int64(n)
		}
	}
	return f, lines.Err()
}

// Close waits for a reading under way and closes the connections.
func (m *Metrics) Close() {
	m.reading.Wait()
	m.client.CloseIdleConnections()
}

package probe

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestMetricsAreReadFromAServer(t *testing.T) {
	served := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/metrics" || r.Header.Get("Authorization") != "Bearer key" {
			w.WriteHeader(http.StatusUnauthorized)
		}
		_, _ = w.Write([]byte("# HELP go_gc_duration_seconds pauses\n" +
			"go_gc_duration_seconds{quantile=\"1\"} 0.5\ngo_gc_duration_seconds_sum 0.25\n" +
			"process_cpu_seconds_total 1.5\nprocess_resident_memory_bytes 1.7764352e+07\n"))
	})
	s := httptest.NewServer(served)
	m := NewMetrics(s.URL, "key")
	want := Figures{GC: 250 * time.Millisecond, CPU: 1500 * time.Millisecond, RSS: 17_764_352}
	if got := m.Latest(true); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	s.Close()
	m.client.CloseIdleConnections()
	if got := m.Latest(true); got != Unknown {
		t.Errorf("%+v of a server that is gone", got)
	}
	m.Close()
	s = httptest.NewServer(served)
	defer s.Close()
	refused := NewMetrics(s.URL, "other")
	defer refused.Close()
	if got := refused.Latest(true); got != Unknown {
		t.Errorf("%+v of a server that refuses", got)
	}
}

func TestProcessesOfThisMachine(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if exe, err = filepath.EvalSymlinks(exe); err != nil {
		t.Fatal(err)
	}
	if !Runs(os.Getpid(), exe) {
		t.Error("this process does not run its own program")
	}
	if Runs(os.Getpid(), "/somewhere/synap-server") || Runs(0, exe) || Runs(1<<30, exe) {
		t.Error("a process of another program or none is taken for the server")
	}
	for host, here := range map[string]bool{"localhost": true, "127.0.0.1": true, "::1": true,
		"192.0.2.1": false} {
		if Here(host) != here {
			t.Errorf("%s here: %v", host, !here)
		}
	}
	if Cores() < 1 {
		t.Error("no cores")
	}
	if cpu, err := CPU(os.Getpid()); err != nil || cpu < 0 {
		t.Errorf("%v, %v", cpu, err)
	}
	if rss, err := Resident(os.Getpid()); err != nil || rss < 1<<20 {
		t.Errorf("%d, %v", rss, err)
	}
	if OwnCPU() <= 0 {
		t.Error("this process used no time")
	}
}

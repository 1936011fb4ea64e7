package assembly

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/synapdb/synap/internal/config"
)

// housed is an instance over a data directory whose doors are open, before recovery.
func housed(t *testing.T, dir string) *Instance {
	t.Helper()
	l, err := config.Load(config.Sources{Environ: []string{}, Flags: map[string]string{
		"server.host": "127.0.0.1", "server.port": "0", "server.resp_port": "0",
		"kv_store.shards": "4", "server.loops": "1", "persistence.dir": dir,
		"persistence.segment_mb": "1"}})
	if err != nil {
		t.Fatal(err)
	}
	in, err := Open(&l.Config, Build{}, slog.New(slog.DiscardHandler), new(slog.LevelVar))
	if err != nil {
		t.Fatal(err)
	}
	if err := in.openDoors(); err != nil {
		t.Fatal(err)
	}
	return in
}

func (in *Instance) end(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patient)
	defer cancel()
	if err := in.Close(ctx); err != nil {
		t.Error(err)
	}
}

func (in *Instance) web(t *testing.T, path string) (int, string) {
	t.Helper()
	client := &http.Client{Timeout: patient, Transport: &http.Transport{DisableKeepAlives: true}}
	reply, err := client.Get(fmt.Sprintf("http://127.0.0.1:%d%s", in.HTTPPort(), path))
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(reply.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply.StatusCode, string(text)
}

func TestDoorsSayHowFarRecoveryIs(t *testing.T) {
	dir := t.TempDir()
	in := housed(t, dir)
	if err := in.serve(context.Background()); err != nil {
		t.Fatal(err)
	}
	in.ask(t, "SET kept 1")
	in.end(t)

	in = housed(t, dir)
	defer in.end(t)
	if got := in.ask(t, "GET kept", "SET a 1", "SAVE"); strings.Count(got, "-LOADING ") != 3 {
		t.Errorf("before recovery: %q", got)
	}
	if got := in.ask(t, "INFO persistence"); !strings.Contains(got, "loading:1") {
		t.Errorf("before recovery: %q", got)
	}
	if status, text := in.web(t, "/readyz"); status != 503 || !strings.Contains(text, "0 %") {
		t.Errorf("/readyz before recovery: %d %s", status, text)
	}
	if status, _ := in.web(t, "/livez"); status != 200 {
		t.Errorf("/livez before recovery: %d", status)
	}
	if status, _ := in.web(t, "/kv/get/kept"); status != 503 {
		t.Errorf("a read before recovery: %d", status)
	}
	if err := in.serve(context.Background()); err != nil {
		t.Fatal(err)
	}
	if got := in.ask(t, "GET kept"); got != "$1\r\n1\r\n" {
		t.Errorf("after recovery: %q", got)
	}
	if status, text := in.web(t, "/readyz"); status != 200 {
		t.Errorf("/readyz after recovery: %d %s", status, text)
	}
	if got := in.ask(t, "CONFIG GET dir", "CONFIG GET appendonly"); !strings.Contains(got, dir) ||
		!strings.Contains(got, "yes") {
		t.Errorf("%q", got)
	}
	if _, text := in.web(t, "/metrics"); !strings.Contains(text, "synap_journal_writable 1") {
		t.Error("no journal in /metrics")
	}
}

func TestInterruptedRecoveryChangesNothing(t *testing.T) {
	dir := t.TempDir()
	in := housed(t, dir)
	if err := in.serve(context.Background()); err != nil {
		t.Fatal(err)
	}
	in.ask(t, "SET kept 1")
	in.end(t)
	in = housed(t, dir)
	canceled, cancel := context.WithCancel(context.Background())
	cancel()
	if err := in.serve(canceled); err == nil {
		t.Error("recovery did not notice its end")
	}
	in.end(t)
	in = housed(t, dir)
	defer in.end(t)
	if err := in.serve(context.Background()); err != nil {
		t.Fatal(err)
	}
	if got := in.ask(t, "GET kept"); got != "$1\r\n1\r\n" {
		t.Errorf("%q", got)
	}
}

func TestMemoryLevelMakesNoDirectory(t *testing.T) {
	t.Chdir(t.TempDir())
	in := open(t, nil)
	in.ask(t, "SET a 1")
	if names, err := os.ReadDir("."); err != nil || len(names) != 0 {
		t.Errorf("%v, %v", names, err)
	}
}

package spawn

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
)

// Options are how a server is started.
type Options struct {
	// Binary is its path; "" = looked for.
	Binary string
	// Durability of acknowledged writes: memory, os or disk.
	Durability string
	// Args are further arguments.
	Args []string
}

// Synap starts a Synap server on free ports, with a temporary data directory.
func Synap(ctx context.Context, o Options) (*Process, error) {
	binary, err := findSynap(o.Binary)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "synap-benchmark-")
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "ports.json") // it takes free ports, and says which
	args := append([]string{"--host", "127.0.0.1", "--port", "0", "--resp-port", "0",
		"--ports-file", file, "--data-dir", filepath.Join(dir, "data"),
		"--durability", o.Durability}, o.Args...)
	p, err := start("synap-server", dir, nil, binary, args...)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	err = p.await(ctx, func(ctx context.Context) error {
		if p.Ports, err = readPorts(file); err != nil {
			return err
		}
		return getOK(ctx, "http://"+p.Addr("http")+"/readyz")
	})
	if err != nil {
		return nil, errors.Join(err, p.Stop())
	}
	return p, nil
}

// readPorts reads where the server listens, by protocol.
func readPorts(file string) (map[string]int, error) {
	text, err := os.ReadFile(file) //nolint:gosec // in our own directory
	if err != nil {
		return nil, err
	}
	var ports struct{ HTTP, RESP int }
	if err := json.Unmarshal(text, &ports); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return map[string]int{"http": ports.HTTP, "resp": ports.RESP}, nil
}

// findSynap looks beside this program, then on the PATH.
func findSynap(given string) (string, error) {
	if given != "" {
		return filepath.Abs(given)
	}
	const name = "synap-server"
	if self, err := os.Executable(); err == nil {
		beside := filepath.Join(filepath.Dir(self), name)
		if info, err := os.Stat(beside); err == nil && !info.IsDir() {
			return beside, nil
		}
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return "", errors.New("no synap-server to start: build it beside this program " +
			"(make build), name it with --server-bin, or name a running server with --url")
	}
	return path, nil
}

func getOK(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close() //nolint:errcheck // only the status counts
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, res.Status)
	}
	return nil
}

// Package spawn starts servers to be measured, with data of their own, and ends them.
//
// Receives: which server, and how safe its writes shall be.
// Hands on: where it listens, and its process.
// Never does: touch a server that it did not start.
package spawn

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// Process is a server that was started.
type Process struct {
	Name string
	// Ports are where it listens on 127.0.0.1, by protocol.
	Ports map[string]int
	// URL and Durability are those of a peer: how to reach it, and what its answers to writes mean,
	// in its own words.
	URL, Durability string

	cmd    *exec.Cmd
	dir    string // its data, and what it wrote
	ended  chan struct{}
	abrupt bool     // it takes long to end in order, and nothing of it is kept
	helper *Process // another one that it needs, nil: none
}

// PID is its process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Ended is closed when the process is gone.
func (p *Process) Ended() <-chan struct{} { return p.ended }

// Addr is host and port of a protocol.
func (p *Process) Addr(protocol string) string {
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(p.Ports[protocol]))
}

// patience is how long a server may take to be ready, and to end.
const patience = time.Minute

// start runs a command with a directory of its own. The command dies with us.
func start(name, dir string, ports map[string]int, path string, args ...string) (*Process, error) {
	return startWith(nil, name, dir, ports, path, args...)
}

// startWith adds to the environment.
func startWith(
	env []string, name, dir string, ports map[string]int, path string, args ...string,
) (*Process, error) {
	out, err := os.Create(filepath.Join(dir, name+".out")) //nolint:gosec // our own directory
	if err != nil {
		return nil, err
	}
	defer out.Close()                  //nolint:errcheck // the process has its own copy
	cmd := exec.Command(path, args...) //nolint:gosec // that is what it is for
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, out, out
	cmd.Env = append(os.Environ(), env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	p := &Process{Name: name, Ports: ports, cmd: cmd, dir: dir, ended: make(chan struct{})}
	go func() {
		defer close(p.ended)
		_ = cmd.Wait() // how it ended is in its output
	}()
	return p, nil
}

// await returns once ready does not fail any more.
func (p *Process) await(ctx context.Context, ready func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.ended:
			return fmt.Errorf("%s ended at once: %s", p.Name, p.Output())
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("%s is not ready: %w", p.Name, err),
				errors.New(p.Output()))
		case <-tick.C:
		}
	}
}

// Output is the end of what it wrote.
func (p *Process) Output() string {
	text, _ := os.ReadFile(filepath.Join(p.dir, p.Name+".out"))
	return string(text[max(0, len(text)-2000):])
}

// Stop ends the process and removes its data.
func (p *Process) Stop() error { return errors.Join(p.end(), os.RemoveAll(p.dir)) }

// end ends the process and all that it started.
func (p *Process) end() error {
	how := syscall.SIGTERM
	if p.abrupt {
		how = syscall.SIGKILL
	}
	_ = p.cmd.Process.Signal(how) // it may be gone
	select {
	case <-p.ended:
	case <-time.After(patience):
		_ = p.cmd.Process.Kill()
		<-p.ended
	}
	_ = syscall.Kill(-p.PID(), syscall.SIGKILL) // its group is its own; mostly it is empty
	if p.helper != nil {
		return p.helper.end()
	}
	return nil
}

// freePort finds a port nobody listens on. Somebody may take it before it is used; then the server
// says so.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close() //nolint:errcheck // it only listened
	return l.Addr().(*net.TCPAddr).Port, nil
}

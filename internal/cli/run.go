package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/pprof"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/synapdb/synap/internal/assembly"
	"github.com/synapdb/synap/internal/config"
	"github.com/synapdb/synap/internal/run"
)

// runFlags are the flags that are not settings.
type runFlags struct {
	portsFile string
	pprof     string
}

func (a *app) addRunFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&a.flags.portsFile, "ports-file", "",
		"JSON file that names the open ports while the server runs")
	f.StringVar(&a.flags.pprof, "pprof", "",
		"serve Go profiles on this address, e.g. 127.0.0.1:6060 (off by default)")
}

func (a *app) run(cmd *cobra.Command, _ []string) error {
	l, err := a.load(cmd)
	if err != nil {
		return err
	}
	// Signals are caught before anything is opened, so that none is lost while starting.
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	// A reader of the log that goes away must not take the data with it.
	signal.Ignore(syscall.SIGPIPE)
	log, level := a.logger(l)
	for _, w := range l.Warnings {
		log.Warn(w)
	}
	in, err := assembly.Open(&l.Config, assembly.Build{Version: a.build.Version,
		Commit: a.build.Commit, ConfigFile: absolute(l.File)}, log, level)
	if err != nil {
		return failed(err)
	}
	if err := a.start(in, log, signals); err != nil {
		return err
	}
	if err := a.writePorts(in); err != nil {
		return failed(errors.Join(err, closeWithin(in, time.Second)))
	}
	defer a.removePorts()
	profiles, err := a.profiles()
	if err != nil {
		return failed(errors.Join(err, closeWithin(in, time.Second)))
	}
	defer profiles()
	a.announce(l, in, log)
	for {
		select {
		case err := <-in.Failed():
			return failed(errors.Join(err, closeWithin(in, time.Second)))
		case <-hangups:
			a.reload(cmd, l, level, log)
		case first := <-signals:
			return a.end(l, in, log, first, signals)
		}
	}
}

// start opens the doors and recovers the data, which a signal interrupts: nothing is lost by that.
func (a *app) start(in *assembly.Instance, log *slog.Logger, signals <-chan os.Signal) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	started := make(chan error, 1)
	group := run.New()
	group.Go("start", func() error { started <- in.Start(ctx); return nil }, cancel)
	select {
	case err := <-started:
		if err != nil {
			return failed(errors.Join(err, closeWithin(in, time.Second)))
		}
		return nil
	case s := <-signals:
		log.Info("ending before recovery is done", "signal", s.String())
		cancel()
		log.Debug("recovery ended", "reason", <-started)
		if err := closeWithin(in, time.Second); err != nil {
			return failed(err)
		}
		return failure{errors.New(""), exitCode(s)}
	}
}

func absolute(path string) string {
	if path == "" {
		return ""
	}
	if full, err := filepath.Abs(path); err == nil {
		return full
	}
	return path
}

func closeWithin(in *assembly.Instance, d time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	return in.Close(ctx)
}

// end answers what has arrived, then closes. A second signal ends at once.
func (a *app) end(l *config.Loaded, in *assembly.Instance, log *slog.Logger, first os.Signal,
	signals <-chan os.Signal,
) error {
	grace := time.Duration(l.Server.ShutdownGraceSecs) * time.Second
	log.Info("shutting down: requests in flight are answered; once more ends at once",
		"signal", first.String(), "grace", grace.String())
	closed := make(chan error, 1)
	group := run.New()
	group.Go("shutdown", func() error { closed <- closeWithin(in, grace); return nil }, func() {})
	code, reason := exitCode(first), error(nil)
	select {
	case err := <-closed:
		if errors.Is(err, context.DeadlineExceeded) {
			log.Warn("the grace period is over; the remaining connections were cut off")
		} else if err != nil {
			reason = err
		}
	case second := <-signals:
		log.Warn("ending at once", "signal", second.String())
		code = exitCode(second)
		if code == ExitOK {
			code = ExitError
		}
	}
	switch {
	case reason != nil:
		return failed(reason)
	case code != ExitOK:
		return failure{errors.New(""), code}
	}
	log.Info("bye")
	return nil
}

func exitCode(s os.Signal) int {
	if s == os.Interrupt {
		return ExitInterrupted
	}
	return ExitOK
}

// writePorts names the open ports in a file that appears all at once.
func (a *app) writePorts(in *assembly.Instance) error {
	path := a.flags.portsFile
	if path == "" {
		return nil
	}
	text, err := json.Marshal(map[string]int{
		"http": in.HTTPPort(), "resp": in.RESPPort(), "pid": os.Getpid(),
	})
	if err != nil {
		return err
	}
	draft := path + ".tmp"
	err = os.WriteFile(draft, append(text, '\n'), 0o644)
	if err == nil {
		err = os.Rename(draft, path)
	}
	if err != nil {
		return fmt.Errorf("the ports file could not be written: %w; check --ports-file", err)
	}
	return nil
}

func (a *app) removePorts() {
	if a.flags.portsFile != "" {
		_ = os.Remove(a.flags.portsFile)
	}
}

// profiles serves net/http/pprof and returns what ends it.
func (a *app) profiles() (end func(), err error) {
	if a.flags.pprof == "" {
		return func() {}, nil
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	ln, err := listenLoopback(a.flags.pprof)
	if err != nil {
		return nil, err
	}
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	group := run.New()
	group.Go("profiles", func() error { _ = srv.Serve(ln); return nil },
		func() { _ = srv.Close() })
	return func() { _ = group.Close(context.Background()) }, nil
}

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/synapdb/synap/internal/benchmark/load"
	"github.com/synapdb/synap/internal/benchmark/probe"
	"github.com/synapdb/synap/internal/benchmark/result"
	"github.com/synapdb/synap/internal/benchmark/show"
	"github.com/synapdb/synap/internal/benchmark/workload"
)

// once does a workload and returns what it found; also with an error, what there was until then.
// number counts from 0.
type once func(ctx context.Context, number int) (result.Run, error)

// runs does a workload as often as --runs says, then ends the session: tables, reports, the exit
// code. The server is released.
func (s *session) runs(ctx context.Context, f once) (err error) {
	defer func() { err = errors.Join(err, s.close()) }()
	return s.finish(s.repeat(ctx, f))
}

// repeat does a workload as often as --runs says, and adds to the report what was found.
func (s *session) repeat(ctx context.Context, f once) error {
	for n := range s.flags.runs {
		if s.flags.runs > 1 {
			s.live.Number(n+1, s.flags.runs)
		}
		run, err := f(ctx, n)
		s.live.End()
		s.add(run, n)
		if err != nil {
			return s.explain(ctx, err)
		}
		// The loop is short: on a shared machine one try may meet a bad moment.
		e := &s.report.Environment
		e.Calibrated = max(e.Calibrated, probe.Calibrate())
	}
	return nil
}

// add completes a run with what all have, judges it, and keeps it.
func (s *session) add(run result.Run, n int) {
	if run.Number == 0 {
		run.Number = n + 1
	}
	if run.Server.Name == "" {
		run.Server = s.about
	}
	run.Params = s.flags.params(run.Params)
	run.Checks = append(run.Checks, checkSLOs(s.flags.slos, &run)...)
	if s.flags.checkSpec {
		run.Checks = append(run.Checks, workload.SpecChecks(&run)...)
	}
	run.Notes = append(run.Notes, notes(&s.report.Environment, &run)...)
	s.report.Runs = append(s.report.Runs, run)
}

// explain says what ended a run, and since when the server is gone if it is. The report then says
// that it is not whole.
func (s *session) explain(ctx context.Context, err error) error {
	after := time.Since(s.report.Started).Round(10 * time.Millisecond)
	if ctx.Err() != nil {
		s.report.Aborted = fmt.Sprintf("interrupted after %s", after)
		return failure{errors.New(s.report.Aborted + ": what was measured until then is kept"),
			ExitInterrupted}
	}
	f := failure{err, ExitError}
	if errors.Is(err, load.ErrLate) {
		f.code = ExitUnreachable
	}
	if s.gone(ctx) {
		f = failure{fmt.Errorf("the server at %s is gone, %s after the start: %w%s",
			withoutSecrets(s.at), after, err, s.lastWords()), ExitUnreachable}
	}
	s.report.Aborted = fmt.Sprintf("after %s: %s", after, firstLine(f.Error()))
	return f
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

// gone says whether the server does not listen any more.
func (s *session) gone(ctx context.Context) bool {
	if s.spawned != nil {
		select {
		case <-s.spawned.Ended():
			return true
		default:
		}
	}
	u, err := url.Parse(s.at)
	return err == nil && u.Port() != "" && answers(ctx, u.Host) != nil
}

// lastWords are what a server of our own wrote before it ended.
func (s *session) lastWords() string {
	if s.spawned == nil {
		return ""
	}
	if text := strings.TrimSpace(s.spawned.Output()); text != "" {
		return "\nits last lines:\n" + text
	}
	return ""
}

// cleanup is the context for removing what a run made, also after an interrupt.
func (s *session) cleanup(ctx context.Context) (context.Context, context.CancelFunc) {
	patience := time.Minute
	if ctx.Err() != nil {
		patience = 10 * time.Second
	}
	return context.WithTimeout(context.WithoutCancel(ctx), patience)
}

// plan is what the common flags say; operations is the default.
func (f *flags) plan(operations int64, number int) load.Plan {
	p := load.Plan{Connections: f.connections, Pipeline: f.pipeline, Operations: operations,
		Duration: time.Duration(f.duration), Warmup: time.Duration(f.warmup), Rate: f.rate,
		Seed: f.seed + uint64(number)}
	if p.Duration > 0 {
		p.Operations = 0
	}
	return p
}

// options are those of load.Run, with progress under a title; the caller sets Open.
func (s *session) options(title string, kinds []string) load.Options {
	if s.peers != nil {
		title = s.about.Name + " " + title
	}
	s.live.Begin(title)
	return load.Options{Kinds: kinds, Probe: s.probe, Progress: s.live.Update,
		Failure: s.live.Failure}
}

// probe reads the server's process, if it is here, and this one. What /proc can't tell of the
// server, it tells itself.
func (s *session) probe() load.Reading {
	r := load.Reading{ServerCPU: -1, ServerRSS: -1, ServerGC: -1, ClientCPU: probe.OwnCPU()}
	pid := s.server.PID()
	if s.metrics != nil {
		f := s.metrics.Latest(pid == 0)
		r.ServerGC, r.ServerCPU, r.ServerRSS = f.GC, f.CPU, f.RSS
	}
	if pid != 0 {
		if cpu, err := probe.CPU(pid); err == nil {
			r.ServerCPU = cpu
		}
		if rss, err := probe.Resident(pid); err == nil {
			r.ServerRSS = rss
		}
	}
	return r
}

// finish prints what was found, writes the reports and says how it ends. failed is what ended it
// early.
func (s *session) finish(failed error) error {
	s.live.End()
	err := s.deliver(func() {
		text := show.Text(&s.report, show.Style{Color: s.colored && !s.flags.noColor})
		_, _ = io.WriteString(s.out, text) // a closed pipe ends the program anyway
	})
	switch {
	case failed != nil && err != nil:
		return errors.Join(failed, err)
	case failed != nil:
		return failed
	case err != nil:
		return err
	}
	return s.verdict()
}

// verdict is the error of what was found, if it is not good.
func (s *session) verdict() error {
	missed := 0
	for i := range s.report.Runs {
		run := &s.report.Runs[i]
		if run.Faults.Any() {
			return failure{fmt.Errorf("%s, run %d: something happened that must not: %s",
				run.Workload, run.Number, show.Faults(&run.Faults)), ExitError}
		}
		for _, c := range run.Checks {
			if !c.OK && !c.Skipped {
				missed++
			}
		}
	}
	if missed == 0 {
		return nil
	}
	return failure{fmt.Errorf("%d of the goals above are missed", missed), ExitGoal}
}

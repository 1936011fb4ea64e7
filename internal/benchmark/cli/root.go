// Package cli is synap-benchmark: its commands, their flags, their exit codes.
//
// Receives: arguments.
// Hands on: a run of a workload against servers; tables on stdout, progress on stderr, reports.
// Never does: measure.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/synapdb/synap/internal/benchmark/target"
)

// Exit codes, the same for all of Synap's programs.
const (
	ExitOK          = 0
	ExitError       = 1 // an operation failed, or something happened that must not
	ExitUsage       = 2 // wrong arguments
	ExitUnreachable = 3 // nobody answers, or too late
	ExitGoal        = 6 // an SLO, an expectation or a comparison was missed
	ExitInterrupted = 130
)

// Build names the program.
type Build struct{ Version, Commit string }

// failure is an error with its exit code.
type failure struct {
	error
	code int
}

func (f failure) Unwrap() error { return f.error }

// usage is an error of the arguments.
func usage(err error) error { return failure{err, ExitUsage} }

// app is what the subcommands share.
type app struct {
	build    Build
	out, err io.Writer
	terminal bool // err is one that can move its cursor
	colored  bool // out is one that can show colors
	flags    flags
	workload string   // the name of its command
	peers    []string // of compare; nil: it is another command
}

// Main runs the program and returns its exit code.
func Main(args []string, b Build) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // whoever interrupts twice means it
	smart := os.Getenv("TERM") != "dumb"
	a := &app{build: b, out: os.Stdout, err: os.Stderr,
		terminal: smart && term.IsTerminal(int(os.Stderr.Fd())),
		colored: smart && os.Getenv("NO_COLOR") == "" &&
			term.IsTerminal(int(os.Stdout.Fd()))}
	return a.main(ctx, args)
}

func (a *app) main(ctx context.Context, args []string) int {
	root := a.root()
	root.SetArgs(args)
	root.SetOut(a.out)
	root.SetErr(a.err)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return ExitOK
	}
	return a.exit(ctx, err)
}

// exit says what failed and returns the exit code.
func (a *app) exit(ctx context.Context, err error) int {
	var f failure
	switch {
	case errors.As(err, &f):
	case errors.Is(err, target.ErrUnreachable):
		f = failure{err, ExitUnreachable}
	default:
		f = failure{err, ExitUsage} // cobra's own errors are about the arguments
	}
	if ctx.Err() != nil {
		f.code = ExitInterrupted
	}
	if text := f.Error(); text != "" {
		a.say("synap-benchmark: %s", text)
	}
	return f.code
}

// say writes a line for people.
func (a *app) say(format string, args ...any) {
	_, _ = fmt.Fprintf(a.err, format+"\n", args...) // stderr is all there is
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "synap-benchmark",
		Short: "Measures Synap and its peers under the same load",
		Long: "Measures Synap and its peers under the same load, and checks that nothing is\n" +
			"lost, doubled or out of order meanwhile.\n\n" +
			"Without --url it uses the server on the default port, or starts one of its own\n" +
			"with temporary data when none answers there.",
		Version:       a.build.Version,
		SilenceErrors: true,
		SilenceUsage:  true,
		Example: "  synap-benchmark kv --spawn\n" +
			"  synap-benchmark kv --url resp://localhost:6379 -c 50 -P 16 --duration 30\n" +
			"  synap-benchmark queue --messages 50000 --workers 5 --check-spec",
	}
	root.AddCommand(a.kvCommand(), a.queueCommand(), a.streamCommand(), a.pubsubCommand(),
		a.stressCommand(), a.allCommand(), a.compareCommand(), replicationCommand(),
		a.renderCommand(), a.compareReportsCommand(), a.versionCommand())
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usage(fmt.Errorf("%w%s; see: %s --help", err, similar(cmd.Flags(), err),
			cmd.CommandPath()))
	})
	return root
}

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/synapdb/synap/internal/config"
)

// Exit codes, the same for all of Synap's programs.
const (
	ExitOK          = 0
	ExitError       = 1 // an operation failed
	ExitUsage       = 2 // wrong arguments or an invalid configuration
	ExitUnreachable = 3 // nobody answers, or too late
	ExitInterrupted = 130
)

// Build names the program in version, banner and metrics.
type Build struct{ Version, Commit string }

// failure is an error with its exit code.
type failure struct {
	error
	code int
}

func (f failure) Unwrap() error { return f.error }

func usage(err error) error { return failure{err, ExitUsage} }

// app is what the subcommands share.
type app struct {
	build  Build
	out    io.Writer
	err    io.Writer
	flags  runFlags
	stdTTY bool // stderr is a terminal
}

// Main runs the program and returns its exit code.
func Main(args []string, b Build) int {
	a := &app{build: b, out: os.Stdout, err: os.Stderr,
		stdTTY: term.IsTerminal(int(os.Stderr.Fd()))}
	return a.main(context.Background(), args)
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
	var f failure
	if !errors.As(err, &f) {
		f = failure{err, ExitUsage} // cobra's own errors are about the arguments
	}
	if text := f.Error(); text != "" {
		fmt.Fprintf(a.err, "synap-server: %s\n", text) //nolint:errcheck // stderr is all there is
	}
	return f.code
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "synap-server",
		Short: "The Synap server: keys and queues for Redis and HTTP clients",
		Long: "The Synap server: a key-value store and message queues, in one journal, for\n" +
			"Redis, HTTP and WebSocket clients.\n\n" +
			"Without arguments it serves HTTP on port 15500, the Redis protocol on port 6379.\n" +
			"Settings come from flags, SYNAP_* variables, config.yml (or --config), defaults.\n" +
			"SIGTERM answers what has arrived and ends; a second one ends at once. SIGHUP takes\n" +
			"over logging.level from the settings and names others that need a restart.",
		Args:              cobra.NoArgs,
		RunE:              a.run,
		Version:           a.build.Version,
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: false},
	}
	a.addConfigFlags(root)
	a.addRunFlags(root)
	serve := &cobra.Command{Use: "run", Short: "Serve (the default)", Args: cobra.NoArgs,
		RunE: a.run}
	a.addRunFlags(serve)
	root.AddCommand(serve, a.validateCommand(), a.configCommand(), a.versionCommand(),
		a.healthCommand(), a.dataCommand(), a.backupCommand(), a.restoreCommand())
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usage(fmt.Errorf("%w; see: %s --help", err, cmd.CommandPath()))
	})
	return root
}

// addConfigFlags derives the flags of settings from the table.
func (a *app) addConfigFlags(root *cobra.Command) {
	f := root.PersistentFlags()
	f.StringP("config", "c", "", "YAML file; config.yml of the working directory if it is there")
	f.Bool("dev", false,
		"for development: serve all peers, keep data in memory only, log everything as text")
	for i := range config.Settings {
		s := &config.Settings[i]
		if s.Flag == "" {
			continue
		}
		f.String(s.Flag, "",
			fmt.Sprintf("%s (%s; default %s)", lowerFirst(s.Doc), s.Key, s.Default))
		if s.Kind == config.Truth {
			f.Lookup(s.Flag).NoOptDefVal = "true"
		}
		if s.Kind == config.Choice {
			choices := s.Choices
			// The flag exists: it was made above.
			_ = root.RegisterFlagCompletionFunc(s.Flag, cobra.FixedCompletions(choices,
				cobra.ShellCompDirectiveNoFileComp))
		}
	}
}

func lowerFirst(s string) string {
	s = strings.TrimSuffix(s, ".")
	if len(s) > 1 && s[1] >= 'A' && s[1] <= 'Z' {
		return s // an abbreviation
	}
	return strings.ToLower(s[:1]) + s[1:]
}

// devPreset is what --dev implies; flags of their own win over it.
var devPreset = map[string]string{
	"server.allow_insecure": "true", "logging.level": "debug", "logging.format": "text",
	"persistence.level": "memory",
}

// defaultFile is read when it exists and no other is named.
const defaultFile = "config.yml"

// load reads the configuration of a command line.
func (a *app) load(cmd *cobra.Command) (*config.Loaded, error) {
	src := config.Sources{Flags: map[string]string{}}
	src.File, _ = cmd.Flags().GetString("config")
	if cmd.Flags().Changed("config") && src.File == "" {
		return nil, usage(errors.New("--config is empty; name a file, or leave the flag out"))
	}
	if src.File == "" {
		src.File = os.Getenv("SYNAP_CONFIG")
	}
	if src.File == "" {
		if _, err := os.Stat(defaultFile); err == nil {
			src.File = defaultFile
		}
	}
	if dev, _ := cmd.Flags().GetBool("dev"); dev {
		src.Preset = devPreset
	}
	for i := range config.Settings {
		s := &config.Settings[i]
		if s.Flag != "" && cmd.Flags().Changed(s.Flag) {
			src.Flags[s.Key] = cmd.Flags().Lookup(s.Flag).Value.String()
		}
	}
	loaded, err := config.Load(src)
	if err != nil {
		return nil, usage(err)
	}
	return loaded, nil
}

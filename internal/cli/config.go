package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/synapdb/synap/internal/config"
)

func (a *app) validateCommand() *cobra.Command {
	return &cobra.Command{
		Use: "validate", Short: "Check the configuration without starting", Args: cobra.NoArgs,
		Example: "  synap-server validate -c config.yml",
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := a.load(cmd)
			if err != nil {
				return err
			}
			a.warn(l)
			_, err = fmt.Fprintf(a.out, "valid: %s\n", l.Summary())
			return failed(err)
		},
	}
}

// warn prints what is probably a mistake.
func (a *app) warn(l *config.Loaded) {
	for _, w := range l.Warnings {
		fmt.Fprintf(a.err, "synap-server: warning: %s\n", w) //nolint:errcheck // nowhere to say so
	}
}

func (a *app) configCommand() *cobra.Command {
	c := &cobra.Command{Use: "config", Short: "Show, write and explain settings",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return usage(fmt.Errorf("%s needs a subcommand; see: %[1]s --help", cmd.CommandPath()))
		}}
	show := &cobra.Command{
		Use: "show", Short: "Print the effective settings as YAML", Args: cobra.NoArgs,
	}
	sources := show.Flags().Bool("sources", false, "say where each value came from")
	defaults := show.Flags().Bool("defaults", false, "print the defaults instead")
	show.RunE = func(cmd *cobra.Command, _ []string) error {
		if *defaults {
			return failed(config.WriteTemplate(a.out))
		}
		l, err := a.load(cmd)
		if err != nil {
			return err
		}
		a.warn(l)
		return failed(l.WriteValues(a.out, *sources))
	}
	initial := &cobra.Command{
		Use: "init [FILE]", Args: cobra.MaximumNArgs(1),
		Short: "Write a commented file of all settings (config.yml; - = stdout)",
	}
	force := initial.Flags().Bool("force", false, "replace an existing file")
	initial.RunE = func(_ *cobra.Command, args []string) error {
		path := defaultFile
		if len(args) > 0 {
			path = args[0]
		}
		return a.writeTemplate(path, *force)
	}
	c.AddCommand(show, initial,
		printing("env", "List the environment variables", a.out, config.WriteEnv),
		printing("schema", "Print a JSON Schema of the file", a.out, config.WriteSchema))
	return c
}

func printing(name, short string, out io.Writer, write func(io.Writer) error) *cobra.Command {
	return &cobra.Command{Use: name, Short: short, Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return failed(write(out)) }}
}

// failed marks an error as one of the operation, not of its arguments.
func failed(err error) error {
	if err == nil {
		return nil
	}
	return failure{err, ExitError}
}

func (a *app) writeTemplate(path string, force bool) error {
	if path == "-" {
		return failed(config.WriteTemplate(a.out))
	}
	mode := os.O_CREATE | os.O_WRONLY | os.O_EXCL
	if force {
		mode = os.O_CREATE | os.O_WRONLY | os.O_TRUNC
	}
	f, err := os.OpenFile(path, mode, 0o644)
	if errors.Is(err, os.ErrExist) {
		return failed(fmt.Errorf("%s exists already; replace it with --force, or name another",
			path))
	}
	if err != nil {
		return failed(err)
	}
	if err := errors.Join(config.WriteTemplate(f), f.Close()); err != nil {
		return failed(err)
	}
	fmt.Fprintf(a.err, "wrote %s\n", path) //nolint:errcheck // stderr is all there is
	return nil
}

func (a *app) versionCommand() *cobra.Command {
	c := &cobra.Command{Use: "version", Short: "Print the version", Args: cobra.NoArgs}
	asJSON := c.Flags().Bool("json", false, "as JSON")
	c.RunE = func(*cobra.Command, []string) error {
		platform := runtime.GOOS + "/" + runtime.GOARCH
		if *asJSON {
			return failed(json.NewEncoder(a.out).Encode(map[string]string{
				"version": a.build.Version, "commit": a.build.Commit,
				"go": runtime.Version(), "platform": platform,
			}))
		}
		_, err := fmt.Fprintf(a.out, "synap-server %s (%s) %s %s\n", a.build.Version,
			a.build.Commit, runtime.Version(), platform)
		return failed(err)
	}
	return c
}

package cli

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/synapdb/synap/internal/benchmark/report"
	"github.com/synapdb/synap/internal/benchmark/result"
)

func (a *app) renderCommand() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "render RUN.json [-o FILE.html]",
		Short: "Draws a report as one HTML page that works offline",
		Long: "Draws a report that --report wrote as one HTML page. The page needs no network\n" +
			"and runs no scripts; it has the report itself inside, so that render and\n" +
			"compare-reports read it again.",
		Example: "  synap-benchmark kv --report run.json\n" +
			"  synap-benchmark render run.json -o run.html",
		Args: exactly(1, "the file of one report"),
		RunE: func(_ *cobra.Command, args []string) error {
			r, err := readReport(args[0])
			if err != nil {
				return err
			}
			if output == "" {
				output = strings.TrimSuffix(args[0], filepath.Ext(args[0])) + ".html"
			}
			if output == "-" {
				return failing(report.HTML(a.out, r))
			}
			if !strings.HasSuffix(output, ".html") {
				return usage(errors.New("-o " + output + ": the name must end in .html"))
			}
			if err := report.Write(output, r); err != nil {
				return failing(err)
			}
			a.say("written to %s", output)
			return nil
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "",
		"file to write; - is stdout (default: beside RUN.json)")
	return cmd
}

// failing is the error of an operation.
func failing(err error) error {
	if err == nil {
		return nil
	}
	return failure{err, ExitError}
}

// exactly wants so many arguments, and says which.
func exactly(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != n {
			return usage(errors.New("give " + what + ": " + cmd.UseLine()))
		}
		return nil
	}
}

// readReport reads the file of an argument; what it says wrong is a wrong argument.
func readReport(path string) (*result.Report, error) {
	r, err := report.Read(path)
	if errors.Is(err, fs.ErrNotExist) {
		err = errors.New(path + " does not exist: --report " + path + " writes one")
	}
	if err != nil {
		return nil, usage(err)
	}
	return r, nil
}

// readReports reads the file of an argument, or several with commas between them as runs of one.
func readReports(paths string) (*result.Report, error) {
	var all []*result.Report
	for path := range strings.SplitSeq(paths, ",") {
		r, err := readReport(path)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	if len(all) == 1 {
		return all[0], nil
	}
	return report.Join(all), nil
}

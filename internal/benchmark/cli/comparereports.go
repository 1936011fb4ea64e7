package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/synapdb/synap/internal/benchmark/report"
)

func (a *app) compareReportsCommand() *cobra.Command {
	limit, asJSON := percent(0.05), false
	cmd := &cobra.Command{
		Use:   "compare-reports A.json B.json",
		Short: "Says what became slower from one report to another",
		Long: "Compares the tests that two reports have in common: rate, p50, p99 and the\n" +
			"server's CPU time an operation, medians where there are several runs. A change\n" +
			"for the worse beyond the threshold is a regression, and the exit code is 6, unless\n" +
			"the runs of one report differ as much among themselves. When the reports are of\n" +
			"different machines, or of one whose speed changed, the figures are related to the\n" +
			"calibration loop. Several files with commas between them count as one report of\n" +
			"all their runs: A1.json,A2.json B1.json,B2.json.",
		Example: "  synap-benchmark compare-reports before.json after.json --threshold 5%",
		Args:    exactly(2, "the files of two reports"),
		RunE: func(_ *cobra.Command, args []string) error {
			return a.compareReports([2]string(args), float64(limit), asJSON)
		},
	}
	cmd.Flags().Var(&limit, "threshold", "largest change for the worse that is none")
	cmd.Flags().BoolVar(&asJSON, "json", false, "the comparison as JSON on stdout")
	return cmd
}

func (a *app) compareReports(paths [2]string, threshold float64, asJSON bool) error {
	base, err := readReports(paths[0])
	if err != nil {
		return err
	}
	now, err := readReports(paths[1])
	if err != nil {
		return err
	}
	names := [2]string{short(paths[0]), short(paths[1])}
	c, err := report.Compare(base, now, names, threshold)
	if err != nil {
		return usage(err)
	}
	if asJSON {
		e := json.NewEncoder(a.out)
		e.SetIndent("", " ")
		err = e.Encode(c)
	} else {
		err = c.Text(a.out)
	}
	switch {
	case err != nil:
		return failing(err)
	case c.Regressions > 0:
		return failure{fmt.Errorf("%s is worse than %s, figures: %d", names[1], names[0],
			c.Regressions), ExitGoal}
	}
	return nil
}

// short names the files of an argument.
func short(paths string) string {
	first, rest, several := strings.Cut(paths, ",")
	if !several {
		return first
	}
	return fmt.Sprintf("%s and %d more", first, strings.Count(rest, ",")+1)
}

// percent is a part as a flag: 5%, or 5, is 0.05.
type percent float64

// String is part of pflag.Value, as are the methods below.
func (p *percent) String() string {
	return strconv.FormatFloat(float64(*p)*100, 'f', -1, 64) + "%"
}

// Type names the argument in help texts.
func (p *percent) Type() string { return "percent" }

// Set reads the argument. Without a sign, parts of one are refused: 0.05 may mean 5% or 0.05%.
func (p *percent) Set(text string) error {
	number, sign := strings.CutSuffix(text, "%")
	v, err := strconv.ParseFloat(number, 64)
	switch {
	case err != nil || !(v >= 0 && v <= 1000):
		return errors.New("must be a percentage, such as 5%")
	case !sign && v > 0 && v < 1:
		return fmt.Errorf("must be a percentage: say %g%% or %g%%", v*100, v)
	}
	*p = percent(v / 100)
	return nil
}

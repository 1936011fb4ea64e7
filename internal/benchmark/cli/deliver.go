package cli

import (
	"errors"

	"github.com/synapdb/synap/internal/benchmark/report"
)

// deliver hands over what was found: files for --report, and on stdout the report for --json, rows
// for --csv, or else what tables prints. A file that fails does not keep the others from being
// written.
func (s *session) deliver(tables func()) error {
	var err error
	switch {
	case s.flags.json:
		err = report.JSON(s.out, &s.report)
	case s.flags.csv:
		err = report.CSV(s.out, &s.report)
	default:
		tables()
	}
	for _, file := range s.flags.report {
		failed := report.Write(file, &s.report)
		if failed == nil && !s.flags.quiet {
			s.say("report written to %s", file)
		}
		err = errors.Join(err, failed)
	}
	if err != nil {
		return failure{err, ExitError}
	}
	return nil
}

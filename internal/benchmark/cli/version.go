package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"runtime"

	"github.com/spf13/cobra"
)

func (a *app) versionCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "version", Short: "Says which program this is", Args: cobra.NoArgs,
		Example: "  synap-benchmark version --json",
		RunE: func(*cobra.Command, []string) error {
			v := struct {
				Version string `json:"version"`
				Commit  string `json:"commit"`
				Go      string `json:"go"`
			}{a.build.Version, a.build.Commit, runtime.Version()}
			if asJSON {
				return json.NewEncoder(a.out).Encode(v)
			}
			_, err := fmt.Fprintf(a.out, "synap-benchmark %s (commit %s, %s)\n", v.Version,
				v.Commit, v.Go)
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return cmd
}

// replicationCommand takes the specification's command line and says why nothing comes of it. The
// line is right, the server can't do it: so this is no usage error.
func replicationCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "replication",
		Short: "Lag and throughput of replicas (scenario 5): not possible before Synap has them",
		Long: "Lag and throughput of replicas, scenario 5 of the specification.\n\n" +
			"Synap has no replicas yet, so there is nothing to measure: the command says so\n" +
			"and ends with exit code 1.",
		Args: cobra.NoArgs,
		Example: "  synap-benchmark replication --replicas 3 --write-rate 10000 " +
			"--read-rate 50000 --duration 60",
		RunE: func(*cobra.Command, []string) error {
			return failure{errors.New("replication needs replicas, which Synap does not have " +
				"yet: nothing was measured; the writes and reads of one server are measured " +
				"by: synap-benchmark kv --rate 60000 --read-ratio 0.83 --duration 60"), ExitError}
		},
	}
	duration := seconds(0)
	f := cmd.Flags()
	f.Int("replicas", 3, "servers that follow")
	f.Float64("write-rate", 10_000, "writes a second, on the leader")
	f.Float64("read-rate", 50_000, "reads a second, on each replica")
	f.Var(&duration, "duration", "seconds to run")
	return cmd
}

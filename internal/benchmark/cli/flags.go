package cli

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/synapdb/synap/internal/benchmark/report"
)

// flags are those of all workloads.
type flags struct {
	url, target, serverBin, durability string
	protocol, format                   string
	spawn                              bool

	connections, pipeline int
	duration, warmup      seconds
	rate                  float64
	runs                  int
	seed                  uint64

	slo       []string
	slos      []slo
	checkSpec bool
	keep      bool

	report  []string
	quiet   bool
	json    bool
	csv     bool
	noColor bool
}

// seconds is a duration as a flag: a plain number is seconds, and Go's durations are understood.
type seconds time.Duration

// String is part of pflag.Value, as are the methods below.
func (s *seconds) String() string { return time.Duration(*s).String() }

// Type names the argument in help texts.
func (s *seconds) Type() string { return "duration" }

// Set reads the argument.
func (s *seconds) Set(text string) error {
	if n, err := strconv.ParseFloat(text, 64); err == nil {
		text = strconv.FormatFloat(n, 'f', -1, 64) + "s"
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return errors.New("must be seconds (60) or a duration (1m30s)")
	}
	*s = seconds(d)
	return nil
}

// addCommon adds the flags of all workloads; connections is the default of --connections.
func (a *app) addCommon(cmd *cobra.Command, connections int) {
	f, c := cmd.Flags(), new(flags) // defaults differ: each command has its own
	cmd.PreRun = func(cmd *cobra.Command, _ []string) { a.flags, a.workload = *c, cmd.Name() }
	f.StringVar(&c.url, "url", "", "server: http://, ws:// or resp:// (default $SYNAP_URL, then "+
		"http://localhost:15500, then one of its own)")
	f.StringVar(&c.target, "target", "", "another server under the same load: redis://, nats://, "+
		"beanstalk:// or amqp://")
	f.StringVar(&c.serverBin, "server-bin", "", "synap-server to start (default: beside this "+
		"program, then on the PATH)")
	f.BoolVar(&c.spawn, "spawn", false, "start a server of its own, whatever runs already")
	f.StringVar(&c.durability, "durability", "os", "of a server of its own: memory, os or disk")
	f.StringVar(&c.protocol, "protocol", "", "http, ws or resp (default: that of --url)")
	f.StringVar(&c.format, "format", "msgpack", "of http and ws: msgpack or json")
	f.IntVarP(&c.connections, "connections", "c", connections, "connections")
	f.IntVarP(&c.pipeline, "pipeline", "P", 1, "operations on the way at once, a connection")
	f.Var(&c.duration, "duration", "seconds to run, instead of a number of operations")
	f.Var(&c.warmup, "warmup", "seconds before that are not measured")
	f.Float64Var(&c.rate, "rate", 0, "operations a second, due at even distances whatever the "+
		"server does; latency counts from when one was due")
	f.IntVar(&c.runs, "runs", 1, "runs of everything")
	f.Uint64Var(&c.seed, "seed", 1, "of what is random")
	f.StringSliceVar(&c.report, "report", nil, "file to write: .json or .html; may be repeated")
	f.StringArrayVar(&c.slo, "slo", nil, "goal, such as 'p99<5ms', 'GET p99<1ms', 'rate>50000' or "+
		"'errors<1'; exit code 6 when it is missed; may be repeated")
	f.BoolVar(&c.checkSpec, "check-spec", false, "check the specification's expected results; "+
		"exit code 6 when one is missed")
	f.BoolVar(&c.keep, "keep", false, "leave the keys, queues and rooms of the run on the server")
	f.BoolVarP(&c.quiet, "quiet", "q", false, "no progress")
	f.BoolVar(&c.json, "json", false, "the report as JSON on stdout instead of tables")
	f.BoolVar(&c.csv, "csv", false, "the results as CSV on stdout instead of tables")
	f.BoolVar(&c.noColor, "no-color", false, "no colors (also: NO_COLOR in the environment)")
	alias(f, map[string]string{"clients": "connections"})
}

// alias makes other spellings of flags.
func alias(f *pflag.FlagSet, names map[string]string) {
	f.SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		if other, ok := names[name]; ok {
			name = other
		}
		return pflag.NormalizedName(name)
	})
}

// Bounds of what makes sense, and fits into memory.
const (
	mostConnections = 1_000_000
	mostPipeline    = 100_000
	leastRate       = 0.001
	mostRate        = 1e9
)

// check says what is wrong with the common flags, and reads those that need it.
func (c *flags) check() error {
	switch {
	case c.connections < 1 || c.connections > mostConnections:
		return fmt.Errorf("--connections must be 1 to %d, not %d", mostConnections, c.connections)
	case c.pipeline < 1 || c.pipeline > mostPipeline:
		return fmt.Errorf("--pipeline must be 1 to %d, not %d", mostPipeline, c.pipeline)
	case c.runs < 1:
		return fmt.Errorf("--runs must be at least 1, not %d", c.runs)
	case c.rate != 0 && !(c.rate >= leastRate && c.rate <= mostRate): // NaN is neither
		return fmt.Errorf("--rate must be %g to %.0f operations a second, not %g", leastRate,
			mostRate, c.rate)
	case c.json && c.csv:
		return errors.New("--json and --csv exclude each other: both are stdout")
	case c.format != "msgpack" && c.format != "json":
		return fmt.Errorf("--format must be msgpack or json, not %q", c.format)
	}
	if err := c.checkServer(); err != nil {
		return err
	}
	for _, file := range c.report {
		if !strings.HasSuffix(file, ".json") && !strings.HasSuffix(file, ".html") {
			return fmt.Errorf("--report %s: the name must end in .json or .html", file)
		}
		// A long run must not end with a report that cannot be written.
		if err := report.Writable(file); err != nil {
			return fmt.Errorf("--report %s: %w", file, err)
		}
	}
	var err error
	c.slos, err = parseSLOs(c.slo)
	return err
}

// checkServer says what is wrong with the flags that choose the server.
func (c *flags) checkServer() error {
	switch {
	case c.spawn && c.url != "":
		return errors.New("--spawn and --url exclude each other")
	case c.target != "" && (c.spawn || c.url != ""):
		return errors.New("--target names another server: --spawn and --url are for Synap")
	case c.target != "" && c.protocol != "":
		return errors.New("--target has one protocol: leave out --protocol")
	case c.durability != "memory" && c.durability != "os" && c.durability != "disk":
		return fmt.Errorf("--durability must be memory, os or disk, not %q", c.durability)
	}
	switch c.protocol {
	case "", "http", "ws", "resp":
	default:
		return fmt.Errorf("--protocol must be http, ws or resp, not %q", c.protocol)
	}
	if c.url == "" && !c.spawn && c.target == "" {
		c.url = os.Getenv("SYNAP_URL")
	}
	return nil
}

// params are the common flags that shape the load, added to those of a workload.
func (c *flags) params(of map[string]string) map[string]string {
	all := map[string]string{"connections": strconv.Itoa(c.connections),
		"pipeline": strconv.Itoa(c.pipeline), "seed": strconv.FormatUint(c.seed, 10)}
	if c.duration > 0 {
		all["duration"] = c.duration.String()
	}
	if c.warmup > 0 {
		all["warmup"] = c.warmup.String()
	}
	if c.rate > 0 {
		all["rate"] = strconv.FormatFloat(c.rate, 'f', -1, 64)
	}
	maps.Copy(all, of) // a workload knows better
	return all
}

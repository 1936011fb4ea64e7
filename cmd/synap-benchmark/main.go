// Command synap-benchmark measures Synap and its peers under the same load.
package main

import (
	"os"
	"runtime/debug"

	"github.com/synapdb/synap/internal/benchmark/cli"
)

// version and commit are set by the linker: -ldflags "-X main.commit=…".
var (
	version = "0.1.0"
	commit  = ""
)

func main() {
	if commit == "" {
		commit = "unknown"
		if info, ok := debug.ReadBuildInfo(); ok {
			for _, s := range info.Settings {
				if s.Key == "vcs.revision" {
					commit = s.Value[:min(len(s.Value), 12)]
				}
			}
		}
	}
	os.Exit(cli.Main(os.Args[1:], cli.Build{Version: version, Commit: commit}))
}

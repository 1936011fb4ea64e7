package target

import (
	"context"
	"strconv"

	"github.com/synapdb/synap/internal/benchmark/probe"
	"github.com/synapdb/synap/internal/benchmark/result"
)

// About asks the server what it is. It also finds its process if it runs here, though it was not
// started by us.
func (s *Synap) About(ctx context.Context) (result.Server, error) {
	facts, err := s.client.Info(ctx)
	if err != nil {
		return s.about, err
	}
	s.about.Version = facts["synap_version"]
	if s.about.Version == "" { // RESP calls Redis' version that, HTTP our own
		s.about.Version = facts["redis_version"]
	}
	if commit := facts["redis_git_sha1"]; commit != "" && commit != "unknown" {
		s.about.Version += " (" + commit + ")"
	}
	s.about.Durability = durability(facts)
	if s.pid == 0 && probe.Here(s.url.Hostname()) {
		pid, err := strconv.Atoi(facts["process_id"])
		if err == nil && probe.Runs(pid, facts["executable"]) {
			s.pid = pid
		}
	}
	return s.about, nil
}

// durability is the level of acknowledged writes by the server's own name for it, and what the
// name means.
func durability(facts map[string]string) string {
	level := facts["synap_durability"]
	if facts["synap_persistence"] == "off" {
		return "none: nothing is written to disk"
	}
	switch level {
	case "memory":
		return "memory: written to the journal after the answer; a crash loses the last moments"
	case "os":
		return "os: handed to the operating system before the answer; a power cut loses the " +
			"last moments"
	case "disk":
		return "disk: forced to the disk before the answer"
	}
	return level
}

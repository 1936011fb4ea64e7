package spawn

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// startNATS: with JetStream, and payloads as large as others take.
func startNATS(s *starter) (*Process, error) {
	words := "JetStream: memory storage"
	sync := ""
	switch s.Durability {
	case "os":
		words = "JetStream: file storage, answered when the kernel has it, on the disk every " +
			"2 minutes (its default)"
	case "disk":
		words = "JetStream: file storage, synced every 2 minutes: this version can't sync " +
			"each write"
		if natsCanSync(s.binary) {
			sync = "sync_interval: always"
			words = "JetStream: file storage, sync_interval always: answered when it is on the disk"
		}
	}
	conf := filepath.Join(s.dir, "nats.conf")
	text := fmt.Sprintf("listen: \"127.0.0.1:%d\"\nmax_payload: 8MB\n"+
		"jetstream { store_dir: %q\n%s }\n", s.port, filepath.Join(s.dir, "jetstream"), sync)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		return nil, err
	}
	return s.run("nats", words, greeting{"PING\r\n", "INFO {"}, "-c", conf)
}

// natsCanSync: versions before 2.10 have no setting for it.
func natsCanSync(binary string) bool {
	out, err := exec.Command(binary, "--version").Output() //nolint:gosec // it will be run anyway
	if err != nil {
		return false
	}
	var major, minor int
	_, version, _ := strings.Cut(string(out), "v")
	if n, err := fmt.Sscanf(version, "%d.%d", &major, &minor); err != nil || n != 2 {
		return false
	}
	return major > 2 || major == 2 && minor >= 10
}

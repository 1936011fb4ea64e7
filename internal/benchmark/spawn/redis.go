package spawn

import "fmt"

// startRedis: no snapshots, which would disturb every other run; the journal as asked.
func startRedis(s *starter) (*Process, error) {
	args := []string{"--port", fmt.Sprint(s.port), "--bind", "127.0.0.1", "--dir", s.dir,
		"--save", "", "--daemonize", "no"}
	words := "appendonly no, save \"\": in memory only"
	switch s.Durability {
	case "os":
		args = append(args, "--appendonly", "yes", "--appendfsync", "everysec")
		words = "appendfsync everysec: answered when the kernel has it, on the disk each second"
	case "disk":
		args = append(args, "--appendonly", "yes", "--appendfsync", "always")
		words = "appendfsync always: answered when it is on the disk"
	default:
		args = append(args, "--appendonly", "no")
	}
	return s.run("redis", words, greeting{"PING\r\n", "+PONG\r\n"}, args...)
}

package spawn

import (
	"fmt"
	"os"
	"path/filepath"
)

// startBeanstalkd: with a binlog where writes shall survive.
func startBeanstalkd(s *starter) (*Process, error) {
	const largest = "16777216" // bytes of a job: its default of 64 KiB is less than others take
	args := []string{"-l", "127.0.0.1", "-p", fmt.Sprint(s.port), "-z", largest}
	words := "no binlog: in memory only"
	if s.Durability != "memory" {
		log := filepath.Join(s.dir, "binlog")
		if err := os.Mkdir(log, 0o700); err != nil {
			return nil, err
		}
		args = append(args, "-b", log)
		switch s.Durability {
		case "os":
			args = append(args, "-f", "1000")
			words = "binlog, -f 1000: answered when the kernel has it, on the disk each second"
		default:
			args = append(args, "-f", "0")
			words = "binlog, -f 0: answered when it is on the disk"
		}
	}
	return s.run("beanstalk", words, greeting{"stats\r\n", "OK "}, args...)
}

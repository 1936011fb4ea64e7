package workload

import (
	"fmt"
	"os"
	"slices"

	"github.com/synapdb/synap/internal/benchmark/probe"
)

// Seats is how many more connections fit, and what to do if they are too few.
type Seats struct {
	Free int
	Hint string
}

// spareFiles are left alone: journals, listeners, logs, the client's own.
const spareFiles = 100

// FreeSeats looks how many more connections to a server fit, beside those that do the work. pid is
// that of the server if it runs here, else 0.
func FreeSeats(pid, working int) (Seats, error) {
	own, err := seatsOf(os.Getpid(), "this program", working)
	if err != nil || pid == 0 {
		return own, err
	}
	server, err := seatsOf(pid, "the server", working)
	if err != nil {
		return own, nil //nolint:nilerr // another user's: it will say so itself
	}
	return slices.MinFunc([]Seats{own, server},
		func(a, b Seats) int { return a.Free - b.Free }), nil
}

func seatsOf(pid int, who string, working int) (Seats, error) {
	open, most, err := probe.OpenFiles(pid)
	if err != nil {
		return Seats{}, err
	}
	return Seats{Free: max(0, most-open-working-spareFiles),
		Hint: fmt.Sprintf("%s may have %d files open, and each connection is one: raise that "+
			"limit with `ulimit -Hn` as root or LimitNOFILE= of systemd, and start it again", who,
			most)}, nil
}

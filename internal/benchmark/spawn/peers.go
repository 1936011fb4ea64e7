package spawn

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// MissingError says that a server is not installed here.
type MissingError struct {
	Name    string
	Install string // a command line
}

// Error says how to install it.
func (e *MissingError) Error() string {
	return fmt.Sprintf("%s is not installed here; on Debian and Ubuntu: %s", e.Name, e.Install)
}

// recipe is how a peer is found and started.
type recipe struct {
	binaries []string // any of them, on the PATH or a path
	install  string   // what apt calls it
	start    func(s *starter) (*Process, error)
}

var recipes = map[string]recipe{
	"redis":      {[]string{"redis-server"}, "redis-server", startRedis},
	"nats":       {[]string{"nats-server", "/usr/sbin/nats-server"}, "nats-server", startNATS},
	"beanstalkd": {[]string{"beanstalkd"}, "beanstalkd", startBeanstalkd},
	"rabbitmq":   {rabbitBinaries, "rabbitmq-server", startRabbit},
}

// Peers are the names that Peer knows.
func Peers() []string {
	names := make([]string, 0, len(recipes))
	for name := range recipes {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Peer starts another server on free ports of 127.0.0.1, with a temporary data directory and the
// settings that its own manual recommends for that durability. An error of type *MissingError says
// that it is not installed.
func Peer(ctx context.Context, name string, o Options) (*Process, error) {
	r, ok := recipes[name]
	if !ok {
		return nil, fmt.Errorf("no peer is called %q: there are %s", name,
			strings.Join(Peers(), ", "))
	}
	switch o.Durability {
	case "memory", "os", "disk":
	default:
		return nil, fmt.Errorf("durability must be memory, os or disk, not %q", o.Durability)
	}
	binary := o.Binary
	for _, b := range r.binaries {
		if binary == "" {
			binary, _ = exec.LookPath(b) // the next may be there
		}
	}
	if binary == "" {
		return nil, &MissingError{name, "sudo apt-get install " + r.install}
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "synap-benchmark-"+name+"-")
	if err != nil {
		return nil, err
	}
	p, err := r.start(&starter{ctx, name, binary, dir, port, o})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("starting %s: %w", name, err), os.RemoveAll(dir))
	}
	return p, nil
}

// starter is what a recipe gets.
type starter struct {
	ctx          context.Context
	name, binary string
	dir          string
	port         int
	Options
}

// run starts the server and waits until it greets. url is how to reach it, words what its writes
// are worth.
func (s *starter) run(scheme, words string, greet greeting, args ...string) (*Process, error) {
	return s.runWith(nil, scheme, words, greet, args...)
}

func (s *starter) runWith(
	env []string, scheme, words string, greet greeting, args ...string,
) (*Process, error) {
	ports := map[string]int{scheme: s.port}
	p, err := startWith(env, s.name, s.dir, ports, s.binary, append(args, s.Args...)...)
	if err != nil {
		return nil, err
	}
	p.URL, p.Durability = scheme+"://"+p.Addr(scheme), words
	if err := p.await(s.ctx, func(ctx context.Context) error {
		return greet.ask(ctx, p.Addr(scheme))
	}); err != nil {
		return nil, errors.Join(err, p.Stop())
	}
	return p, nil
}

// greeting is what is said to a server that is ready, and how its answer begins.
type greeting struct{ say, hear string }

func (g greeting) ask(ctx context.Context, address string) error {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	defer c.Close() //nolint:errcheck // it only asked
	deadline, _ := ctx.Deadline()
	if err := c.SetDeadline(deadline); err != nil {
		return err
	}
	if _, err := c.Write([]byte(g.say)); err != nil {
		return err
	}
	heard := make([]byte, len(g.hear))
	for n := 0; n < len(heard); {
		more, err := c.Read(heard[n:])
		if err != nil {
			return err
		}
		n += more
	}
	if string(heard) != g.hear {
		return fmt.Errorf("%s answers %q instead of %q", address, heard, g.hear)
	}
	return nil
}

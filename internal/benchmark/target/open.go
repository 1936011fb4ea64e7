package target

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	synap "github.com/synapdb/synap/client"
)

// Peer is how to reach a server that is not Synap.
type Peer struct {
	// URL is redis://, nats://, beanstalk:// or amqp://, with a user and password where needed.
	URL string
	PID int // if it runs here, else 0
	// Durability that is asked of queues where their protocol lets a client choose: memory, os or
	// disk.
	Durability string
	// Stated is what is known of the server's durability, in words; "" = the server is asked.
	Stated string
	// Depth is how many messages a consumer has in hand at most; at least 1.
	Depth int
}

// schemes are the servers there are, and what they can do.
var schemes = map[string]struct {
	port      string
	workloads []string
	open      func(Peer, *url.URL) Server
}{
	"redis":     {"6379", []string{"kv", "pubsub"}, newRedis},
	"nats":      {"4222", []string{"queue", "pubsub"}, newNATS},
	"beanstalk": {"11300", []string{"queue"}, newBeanstalk},
	"amqp":      {"5672", []string{"queue"}, newAMQP},
}

// Open makes the target of a URL: Synap's http://, https://, ws://, wss:// and resp://, or that of
// a peer. pid is its process if it runs here, else 0. It does no I/O.
func Open(at string, pid int, options ...synap.Option) (Server, error) {
	scheme, _, _ := strings.Cut(at, "://")
	if _, ok := schemes[scheme]; ok {
		return OpenPeer(Peer{URL: at, PID: pid})
	}
	return NewSynap(at, pid, options...)
}

// OpenPeer makes the target of a peer. It does no I/O.
func OpenPeer(p Peer) (Server, error) {
	u, err := url.Parse(p.URL)
	if err != nil {
		return nil, errors.New("the URL of the target can't be read") // it may hold a password
	}
	s, ok := schemes[u.Scheme]
	if !ok || u.Hostname() == "" {
		return nil, fmt.Errorf("%q is no target: it must be redis://, nats://, beanstalk:// or "+
			"amqp:// with a host", u.Redacted())
	}
	if u.Port() == "" {
		u.Host = net.JoinHostPort(u.Hostname(), s.port)
	}
	p.Depth = max(p.Depth, 1)
	return s.open(p, u), nil
}

// Can says whether the server of a URL can do a workload: kv, queue, stream or pubsub. The error
// says who can.
func Can(at, workload string) error {
	scheme, _, _ := strings.Cut(at, "://")
	var able []string
	for _, name := range []string{"redis", "nats", "beanstalk", "amqp"} {
		for _, w := range schemes[name].workloads {
			if w != workload {
				continue
			}
			if name == scheme {
				return nil
			}
			able = append(able, name+"://")
		}
	}
	if len(able) == 0 {
		return fmt.Errorf("only Synap itself can do %s: use --url", workload)
	}
	return fmt.Errorf("--target %s:// can't do %s; these can: %s", scheme, workload,
		strings.Join(able, ", "))
}

// Ranked says whether a server's queues hand out by priority.
func Ranked(s Server) bool {
	_, plain := s.(*natsServer)
	return !plain
}

// none has the methods that a server lacks.
type none struct{}

func (none) KV(context.Context) (KV, error) { return nil, ErrUnsupported }

func (none) Queue(context.Context, string, string) (Queue, error) { return nil, ErrUnsupported }

func (none) Publisher(context.Context, Space) (Publisher, error) { return nil, ErrUnsupported }

func (none) Subscriber(context.Context, Space, Subscription) (Subscriber, error) {
	return nil, ErrUnsupported
}

// public is a URL without what is secret.
func public(u *url.URL) string {
	shown := *u
	shown.User = nil
	return shown.String()
}

// unreachable is the error of a dial.
func unreachable(u *url.URL, err error) error {
	return fmt.Errorf("%w at %s: %w", ErrUnreachable, u.Host, err)
}

// Remarks are what figures of a server's queues must be read with.
func Remarks(s Server) []string {
	switch s.(type) {
	case *natsServer:
		return []string{"nats has no priorities: all its messages are alike",
			"nats sends ahead and does not confirm acknowledgements: times of consume and ack " +
				"are those of the client's buffers"}
	case *amqpServer:
		return []string{"rabbitmq sends ahead and does not confirm acknowledgements: times of " +
			"consume and ack are those of the client's buffers"}
	}
	return nil
}

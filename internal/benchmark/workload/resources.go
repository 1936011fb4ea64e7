package workload

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/synapdb/synap/internal/benchmark/probe"
	"github.com/synapdb/synap/internal/benchmark/result"
	"github.com/synapdb/synap/internal/benchmark/target"
)

// machineCores is how many the machine has.
func machineCores() int { return runtime.NumCPU() }

// Amounts are how much is put into servers to see what each takes.
type Amounts struct{ Keys, Messages, Rooms, EventRooms, Events, Connections int }

// FullAmounts are those of the specification's examples, QuickAmounts a part of them.
var (
	FullAmounts = Amounts{Keys: 1_000_000, Messages: 100_000, Rooms: 10_000, EventRooms: 100,
		Events: 1_000_000, Connections: 10_000}
	QuickAmounts = Amounts{Keys: 200_000, Messages: 20_000, Rooms: 2000, EventRooms: 20,
		Events: 200_000, Connections: 1000}
)

// Fresh starts a server that holds nothing yet; end ends it.
type Fresh func(ctx context.Context) (s target.Server, end func() error, err error)

// resource is a line of the specification about memory: what n things take in a server that held
// none of them.
type resource struct {
	name, title string
	limit       limit
	n           func(Amounts) int
	// base is what a thing holds itself: it does not count.
	base float64
	// first puts a few things in and takes them out, so that what a server needs once is there
	// before.
	first func(ctx context.Context, s target.Server) error
	fill  func(ctx context.Context, s target.Server, a Amounts) (release func(), err error)
}

// Sizes of what is put in, in bytes.
const (
	resourceKey     = 20
	resourceValue   = 100
	resourceMessage = 1024
	resourceEvent   = 100
)

var resources = []resource{
	{name: "memory per key, beyond key and value", title: "Resource Usage",
		limit: below(100, octets), base: resourceKey + resourceValue,
		n: func(a Amounts) int { return a.Keys }, fill: fillKeys},
	{name: "memory per message of 1 KB, beyond it", title: "Memory Profile",
		limit: below(150, octets), base: resourceMessage,
		n: func(a Amounts) int { return a.Messages }, first: firstMessages, fill: fillMessages},
	{name: "memory per room", title: "Memory Profile", limit: below(1024, octets),
		n: func(a Amounts) int { return a.Rooms }, fill: fillRooms},
	{name: "memory per event of 100 bytes", title: "Memory Profile", limit: below(200, octets),
		n: func(a Amounts) int { return a.Events }, fill: fillEvents},
	{name: "memory per idle WebSocket, without the kernel's", title: "Resource Usage",
		limit: below(10_000, octets), n: func(a Amounts) int { return a.Connections },
		fill: fillConnections},
}

// Resources measures what keys, messages, rooms, events and connections take, each in a server of
// its own. A nil fresh: there can be none, and nothing is measured. progress is told what is next.
func Resources(
	ctx context.Context, fresh Fresh, a Amounts, progress func(string),
) (checks []result.Check, err error) {
	for i := range resources {
		r := &resources[i]
		missing := gap{why: "it needs a server of its own: leave out --url", here: true}
		each := 0.0
		if fresh != nil {
			progress(r.name)
			if each, missing, err = r.measure(ctx, fresh, a); err != nil {
				return checks, fmt.Errorf("%s: %w", r.name, err)
			}
		}
		checks = append(checks, outcome(r.name, r.title, r.limit, each, missing))
		if i == 0 {
			total := limit{'<', 200 * float64(r.n(a)), octets}
			checks = append(checks, outcome(fmt.Sprintf("memory of %d keys of 100 bytes", r.n(a)),
				"Memory Profile", total, (each+r.base)*float64(r.n(a)), missing))
		}
	}
	return append(checks, crowdCheck()), nil
}

// crowdCheck is about as many connections as the specification wants: they rarely fit.
func crowdCheck() result.Check {
	const want = 100_000
	l := atLeast(want, plain)
	seats, err := seatsOf(os.Getpid(), "this program", 0)
	if err == nil && seats.Free >= want {
		return outcome("concurrent connections", "Throughput Goals", l, 0,
			gap{why: fmt.Sprintf("see `stress --connections %d`", want), here: true})
	}
	return outcome("concurrent connections", "Throughput Goals", l, 0,
		gap{why: fmt.Sprintf("%d fit into the limit of open files", seats.Free), here: true})
}

func (r *resource) measure(
	ctx context.Context, fresh Fresh, a Amounts,
) (each float64, missing gap, err error) {
	s, end, err := fresh(ctx)
	if err != nil {
		return 0, gap{}, err
	}
	defer func() { err = errors.Join(err, end()) }()
	if s.PID() == 0 {
		return 0, needsProcess, nil
	}
	if r.first != nil {
		if err := r.first(ctx, s); err != nil {
			return 0, gap{}, err
		}
	}
	before, err := settled(ctx, s.PID())
	if err != nil {
		return 0, gap{}, err
	}
	release, err := r.fill(ctx, s, a)
	if errors.Is(err, errSeats) {
		return 0, gap{why: err.Error(), here: true}, nil
	}
	if err != nil {
		return 0, gap{}, err
	}
	if release != nil {
		defer release()
	}
	after, err := settled(ctx, s.PID())
	return (after-before)/float64(r.n(a)) - r.base, gap{}, err
}

// When memory counts as settled: so many readings, one after the other, are alike.
const (
	readingEvery = 50 * time.Millisecond
	readingsSame = 6
	readingsMost = 200
	sameMemory   = 0.002 // part by which they may differ
)

// settled waits until the memory of a process does not change any more, and returns it.
func settled(ctx context.Context, pid int) (float64, error) {
	last, same := 0.0, 0
	for range readingsMost {
		now, err := probe.Resident(pid)
		if err != nil {
			return 0, err
		}
		if same++; math.Abs(float64(now)-last) > sameMemory*last {
			same, last = 0, float64(now)
		}
		if same >= readingsSame {
			return float64(now), nil
		}
		if err := pause(ctx, readingEvery); err != nil {
			return 0, err
		}
	}
	return last, nil
}

// fillers is how many connections fill a server.
const fillers = 4

// atOnce does parts of something side by side.
func atOnce(n int, f func(i int) error) error {
	errs := make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { errs[i] = f(i) })
	}
	all.Wait()
	return errors.Join(errs...)
}

func fillKeys(ctx context.Context, s target.Server, a Amounts) (func(), error) {
	p := KVParams{KeySize: resourceKey, ValueSize: resourceValue, Keyspace: int64(a.Keys)}
	faults := new(Faults)
	err := atOnce(fillers, func(i int) error {
		w, err := openOwn(ctx, s, p, faults, 1, i, fillers)
		if err != nil {
			return err
		}
		return w.Close()
	})
	if found := faults.Found(); err == nil && found.Any() {
		err = errors.New(found.Examples[0])
	}
	return nil, err
}

const resourceQueue = "bench-memory"

func firstMessages(ctx context.Context, s target.Server) error {
	err := s.Prepare(ctx, target.Queues, []string{resourceQueue}, time.Minute)
	if err != nil {
		return err
	}
	q, err := s.Queue(ctx, resourceQueue, "bench")
	if err != nil {
		return err
	}
	defer q.Close() //nolint:errcheck // it has done its work
	const few = 100
	if err := publishMessages(ctx, q, few); err != nil {
		return err
	}
	for got := 0; got < few; {
		ds, err := q.Consume(ctx, few, time.Second)
		if err == nil {
			err = q.Ack(ctx, ds)
		}
		if err != nil {
			return err
		}
		got += len(ds)
	}
	return nil
}

func publishMessages(ctx context.Context, q target.Queue, n int) error {
	const most = 200
	msgs := make([]target.Message, most)
	for i := range msgs {
		msgs[i] = target.Message{Payload: make([]byte, resourceMessage), Priority: 5}
	}
	for ; n > 0; n -= most {
		if err := q.Publish(ctx, msgs[:min(n, most)]); err != nil {
			return err
		}
	}
	return nil
}

func fillMessages(ctx context.Context, s target.Server, a Amounts) (func(), error) {
	q, err := s.Queue(ctx, resourceQueue, "bench")
	if err != nil {
		return nil, err
	}
	return nil, errors.Join(publishMessages(ctx, q, a.Messages), q.Close())
}

func roomNames(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("bench-memory-%d", i)
	}
	return names
}

func fillRooms(ctx context.Context, s target.Server, a Amounts) (func(), error) {
	return nil, s.Prepare(ctx, target.Rooms, roomNames(a.Rooms), 0)
}

func fillEvents(ctx context.Context, s target.Server, a Amounts) (func(), error) {
	names := roomNames(a.EventRooms)
	if err := s.Prepare(ctx, target.Rooms, names, 0); err != nil {
		return nil, err
	}
	p, err := s.Publisher(ctx, target.Rooms)
	if err != nil {
		return nil, err
	}
	const most = 200
	data := make([]byte, resourceEvent-2) // quotes come around it
	for i := range data {
		data[i] = byte('a' + i%26)
	}
	posts := make([]target.Post, most)
	for n := 0; n < a.Events; n += most {
		for i := range posts {
			posts[i] = target.Post{Name: names[(n+i)%len(names)], Payload: data}
		}
		err := p.Publish(ctx, posts[:min(most, a.Events-n)])
		for i := range posts {
			err = errors.Join(err, posts[i].Err)
		}
		if err != nil {
			return nil, errors.Join(err, p.Close())
		}
	}
	return nil, p.Close()
}

// errSeats says that there is no room for connections.
var errSeats = errors.New("they do not fit")

func fillConnections(ctx context.Context, s target.Server, a Amounts) (func(), error) {
	idler, ok := s.(target.Idler)
	if !ok {
		return nil, target.ErrUnsupported
	}
	seats, err := FreeSeats(s.PID(), 0)
	if err == nil && seats.Free < a.Connections {
		return nil, fmt.Errorf("%d connections: %w, only %d do: %s", a.Connections, errSeats,
			seats.Free, seats.Hint)
	}
	idle, err := idler.Idle(ctx, a.Connections)
	if err != nil {
		return nil, err
	}
	return func() { _ = idle.Close() }, nil // nil
}

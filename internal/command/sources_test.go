package command_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/synapdb/synap/internal/clock"
	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/store/pubsub"
)

// tape is a source of values that are put on it.
type tape struct {
	id     string
	waker  command.Waker
	values []string
	atOnce int // values of one Push
	err    error
	closed int
}

func (s *tape) put(value string) {
	if s.values = append(s.values, value); len(s.values) == 1 {
		s.waker.Wake()
	}
}

func (s *tape) Push(
	_ *command.Engine, _ *command.Session, to command.SourcePusher,
) (more bool, err error) {
	if s.err != nil {
		return false, s.err
	}
	for range min(s.atOnce, len(s.values)) {
		to.PushEvent([]byte(s.id), []byte(s.values[0]))
		s.values = s.values[1:]
	}
	return len(s.values) > 0, nil
}

func (s *tape) Stall(bool) {}

func (s *tape) Close(*command.Engine, int64) { s.closed++ }

// heardOf is what was pushed of each source.
type heardOf struct {
	values map[string][]string
	order  []string // the sources of the pushes
}

func (h *heardOf) PushMessage(pubsub.Delivery, bool) {}

func (h *heardOf) PushEvent(id, text []byte) {
	h.values[string(id)] = append(h.values[string(id)], string(text))
	h.order = append(h.order, string(id))
}

func (h *heardOf) PushEnded(id string, why error) {
	h.values[id] = append(h.values[id], "ended: "+why.Error())
}

// bell counts wakes.
type bell int

func (b *bell) Wake() { *b++ }

// tapes is a connection with sources, and what is to be said of them.
type tapes struct {
	*rapid.T
	e      *command.Engine
	s      *command.Session
	rings  bell
	heard  heardOf
	want   map[string][]string // what each source has to have said in the end
	open   map[string]*tape
	all    []*tape
	number int
}

func (w *tapes) add() {
	x := &tape{id: fmt.Sprint(len(w.all))}
	x.atOnce = rapid.IntRange(1, 3).Draw(w.T, "at once")
	err := w.e.OpenSource(w.s, x.id, func(waker command.Waker) (command.Source, error) {
		x.waker = waker
		return x, nil
	})
	if err != nil {
		w.Fatal(err)
	}
	w.open[x.id], w.all = x, append(w.all, x)
}

// put gives a source a value, also one that was closed.
func (w *tapes) put(x *tape) {
	w.number++
	value := fmt.Sprint(w.number)
	if w.open[x.id] != nil {
		w.want[x.id] = append(w.want[x.id], value)
	}
	x.put(value)
}

// forget takes back what was put and not pushed.
func (w *tapes) forget(x *tape) {
	w.want[x.id] = w.want[x.id][:len(w.want[x.id])-len(x.values)]
	delete(w.open, x.id)
}

func (w *tapes) close(x *tape) {
	known := w.open[x.id] != nil
	if w.e.CloseSource(w.s, x.id) != known || w.s.SourceOf(x.id) != nil {
		w.Fatalf("close of %s, known %v", x.id, known)
	}
	if known {
		w.forget(x)
	}
}

func (w *tapes) fail(x *tape) {
	if w.open[x.id] == nil {
		return
	}
	x.err = errors.New("broken")
	x.waker.Wake()
	w.forget(x)
	w.want[x.id] = append(w.want[x.id], "ended: broken")
	w.settle()
}

// settle does as a loop: only a connection that was woken is asked.
func (w *tapes) settle() {
	if w.rings == 0 {
		return
	}
	w.rings = 0
	w.s.ReadySources()
	for w.e.PushSource(w.s, &w.heard) {
	}
}

func (w *tapes) step() {
	what := rapid.IntRange(0, 7).Draw(w.T, "step")
	if what < 2 || len(w.all) == 0 {
		w.add()
		return
	}
	x := w.all[rapid.IntRange(0, len(w.all)-1).Draw(w.T, "which")]
	switch what {
	case 2, 3, 4:
		w.put(x)
	case 5:
		w.close(x)
	case 6:
		w.fail(x)
	default:
		w.settle()
	}
	n := w.s.Sources.Count()
	if n != len(w.open) || int(w.s.Info.Sources.Load()) != n {
		w.Fatalf("%d sources, want %d", n, len(w.open))
	}
}

// Sources that are opened, filled, closed and fail at random: each value is pushed once, in order,
// and none of a source that was closed; a connection that is asked when it was woken, until nothing
// is left, has had all.
func TestSourcesDoWhatTheirTwinsDo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &tapes{T: t, e: &command.Engine{Clock: clock.NewManual(1)},
			want: map[string][]string{}, open: map[string]*tape{}}
		w.s, w.heard.values = &command.Session{Waker: &w.rings}, map[string][]string{}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			w.step()
		}
		w.settle()
		w.e.EndSources(w.s)
		for _, x := range w.all {
			if got := w.heard.values[x.id]; !slices.Equal(got, w.want[x.id]) || x.closed != 1 {
				t.Fatalf("source %s said %q, want %q, and was closed %d times", x.id, got,
					w.want[x.id], x.closed)
			}
		}
	})
}

// Whoever has much to say is asked once, and then only after all others that have something.
func TestSourcesTakeTurns(t *testing.T) {
	e := &command.Engine{Clock: clock.NewManual(1)}
	rings := bell(0)
	s := &command.Session{Waker: &rings}
	heard := &heardOf{values: map[string][]string{}}
	for _, id := range []string{"a", "b", "c"} {
		x := &tape{id: id, atOnce: 1}
		err := e.OpenSource(s, id, func(w command.Waker) (command.Source, error) {
			x.waker = w
			return x, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for range map[string]int{"a": 4, "b": 1, "c": 3}[id] {
			x.put("v")
		}
	}
	failed := errors.New("no")
	if err := e.OpenSource(s, "d", func(command.Waker) (command.Source, error) {
		return nil, failed
	}); !errors.Is(err, failed) || s.Sources.Count() != 3 {
		t.Errorf("%v, %d sources", err, s.Sources.Count())
	}
	if rings == 0 {
		t.Error("the connection is not woken")
	}
	s.ReadySources()
	for e.PushSource(s, heard) {
	}
	if got := fmt.Sprint(heard.order); got != "[a b c a c a c a]" {
		t.Errorf("they were asked in the order %s", got)
	}
}

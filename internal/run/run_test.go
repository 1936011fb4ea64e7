package run_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"go.uber.org/goleak"

	"github.com/synapdb/synap/internal/run"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestCloseStopsInReverseOrder(t *testing.T) {
	g := run.New()
	var order []string
	for _, name := range []string{"first", "second", "third"} {
		ended := make(chan struct{})
		g.Go(name, func() error { <-ended; return nil },
			func() { order = append(order, name); close(ended) })
	}
	if err := g.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if want := []string{"third", "second", "first"}; !slices.Equal(order, want) {
		t.Errorf("stopped %v, want %v", order, want)
	}
	g.Go("late", func() error { t.Error("ran after Close"); return nil }, func() {})
}

func TestFailureIsReportedWithItsName(t *testing.T) {
	g := run.New()
	broken := errors.New("broken")
	g.Go("door", func() error { return broken }, func() {})
	err := <-g.Failed()
	if !errors.Is(err, broken) || err.Error() != "door: broken" {
		t.Errorf("got %v", err)
	}
	if err := g.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
}

func TestCloseNamesWhatDoesNotStop(t *testing.T) {
	g := run.New()
	release := make(chan struct{})
	g.Go("stubborn", func() error { <-release; return nil }, func() {})
	g.Loop("willing", func(ctx context.Context) error { <-ctx.Done(); return nil })
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	// Whichever of done and the deadline is seen first for the willing one, the stubborn one
	// can only be given up.
	err := g.Close(ctx)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	close(release)
}

package run_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/synapdb/synap/internal/run"
)

func TestSetForgetsWhatHasEnded(t *testing.T) {
	g := run.New()
	s := g.Set("guests")
	first, second := make(chan struct{}), make(chan struct{})
	stopped := false
	if !s.Go(func() { <-first }, func() { t.Error("an ended task was stopped") }) ||
		!s.Go(func() { <-second }, func() { stopped = true; close(second) }) {
		t.Fatal("a task was not started")
	}
	close(first)
	for deadline := time.Now().Add(10 * time.Second); s.Len() != 1; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d tasks are remembered, want 1", s.Len())
		}
	}
	if err := g.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if !stopped || s.Len() != 0 {
		t.Errorf("stopped: %v, %d tasks left", stopped, s.Len())
	}
	if s.Go(func() { t.Error("ran in a stopped set") }, func() {}) {
		t.Error("a stopped set took a task")
	}
}

func TestCloseWaitsForASet(t *testing.T) {
	g := run.New()
	release := make(chan struct{})
	g.Set("guests").Go(func() { <-release }, func() {})
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if err := g.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	close(release)
}

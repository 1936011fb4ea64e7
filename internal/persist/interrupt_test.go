package persist

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/synapdb/synap/internal/vfs"
)

// A snapshot that the end of the server interrupts is no failure that somebody should look into.
func TestInterruptedSnapshotIsNoError(t *testing.T) {
	var text bytes.Buffer
	o := options(vfs.NewMemory(1))
	o.Log = slog.New(slog.NewTextHandler(&text, nil))
	h, _ := home(t, o)
	h.set("key", "value")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := h.Save(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	h.abandon()
	if strings.Contains(text.String(), "level=ERROR") {
		t.Error(text.String())
	}
}

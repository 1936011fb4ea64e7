package persist

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"github.com/synapdb/synap/internal/journal"
	"github.com/synapdb/synap/internal/vfs"
)

// cuts is how often the power is cut: 400 times, or SYNAP_CUTS; make test-crash does it 2000 times.
func cuts(t *testing.T) int {
	if text := os.Getenv("SYNAP_CUTS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	return 400
}

// The power is cut at a random call to the disk: while writing, syncing, preparing, taking a
// snapshot, or recovering. After each cut exactly the first n records must be there, n being no
// less than what was acknowledged at level disk; pairs written as one must be whole.
func TestPowerCutsLoseNothingAcknowledged(t *testing.T) {
	acked := 0
	for seed := 0; seed*5 < cuts(t); seed++ {
		n, err := powerCuts(uint64(seed), 5)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		acked += n
	}
	if acked == 0 {
		t.Fatal("nothing was ever acknowledged")
	}
	t.Logf("%d acknowledged records", acked)
}

type world = map[string]string

// powerCuts goes through n cuts over one disk and returns how many records were acknowledged.
func powerCuts(seed uint64, n int) (total int, err error) {
	random := rand.New(rand.NewPCG(seed, 7))
	disk := vfs.NewMemory(seed)
	// states are what the store held after each record since the last recovery; the first acked
	// of them, beside that at index 0, were acknowledged.
	states, acked := []world{{}}, 0
	for cut := range n {
		disk.CutAfter(1 + random.IntN(150))
		h, _, err := move(options(disk), 1)
		if err != nil && !errors.Is(err, vfs.ErrPowerCut) && !errors.Is(err, journal.ErrFailed) {
			return total, fmt.Errorf("cut %d: the start fails: %w", cut, err)
		}
		if err == nil {
			found, err := h.match(states, acked)
			if err != nil {
				return total, fmt.Errorf("cut %d: %w", cut, err)
			}
			states, acked = h.live(random, found)
			total += acked
			disk.Crash([]float64{0, 0.5, 1}[random.IntN(3)])
			h.abandon()
			continue
		}
		disk.Crash([]float64{0, 0.5, 1}[random.IntN(3)])
	}
	h, _, err := move(options(disk), 1)
	if err != nil {
		return total, err
	}
	defer h.abandon()
	_, err = h.match(states, acked)
	return total, err
}

// match finds the state that the store holds among those it may hold.
func (h *house) match(states []world, acked int) (world, error) {
	why := ""
	for i := len(states) - 1; i >= acked; i-- {
		if why = h.differs(states[i]); why == "" {
			return states[i], nil
		}
	}
	return nil, fmt.Errorf("%d of %d records were acknowledged; after these %s", acked,
		len(states)-1, why)
}

func (h *house) differs(w world) string {
	for key, want := range w {
		if got := h.get(key); got != want {
			return fmt.Sprintf("%s is %.40q, not %.40q", key, got, want)
		}
	}
	if n := h.s.Count(0); n != int64(len(w)) {
		return fmt.Sprintf("there are %d keys, not %d", n, len(w))
	}
	return ""
}

// live writes until the power is gone.
func (h *house) live(random *rand.Rand, w world) (states []world, acked int) {
	states = []world{w}
	for len(states) < 500 {
		for range 1 + random.IntN(3) {
			w = maps.Clone(w)
			value := fmt.Sprint(random.Uint64())
			if random.IntN(20) == 0 {
				value += string(make([]byte, random.IntN(20_000)))
			}
			key := fmt.Sprint("k", random.IntN(8))
			w[key], w[key+"'"] = value, value
			h.set(key, value, key+"'", value)
			states = append(states, w)
		}
		if h.commit() != nil {
			return states, acked
		}
		acked = len(states) - 1
		if random.IntN(6) == 0 && h.Save(context.Background()) != nil {
			return states, acked
		}
	}
	return states, acked
}

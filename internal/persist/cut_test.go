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

	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/journal"
	"github.com/synapdb/synap/internal/store"
	"github.com/synapdb/synap/internal/store/queue"
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
// less than what was acknowledged at level disk; what was written as one, keys and messages, must
// be whole.
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

// world is what the stores hold: keys, and as "payload state retries" the messages of the queue.
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
			h.makeQueue()
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
	h.makeQueue()
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
	found := h.observe()
	for key, want := range w {
		if got, ok := found[key]; got != want || !ok {
			return fmt.Sprintf("%s is %.40q (there: %v), not %.40q", key, got, ok, want)
		}
	}
	for key, got := range found {
		if _, ok := w[key]; !ok {
			return fmt.Sprintf("%s is %.40q and should not be", key, got)
		}
	}
	return ""
}

// live writes until the power is gone.
func (h *house) live(random *rand.Rand, w world) (states []world, acked int) {
	states = []world{w}
	for len(states) < 500 {
		for range 1 + random.IntN(3) {
			w = maps.Clone(w)
			h.step(random, w)
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

// step makes one record of something, and the same change in w.
func (h *house) step(random *rand.Rand, w world) {
	value := fmt.Sprint(random.Uint64())
	if random.IntN(20) == 0 {
		value += string(make([]byte, random.IntN(20_000)))
	}
	key := fmt.Sprint("k", random.IntN(8))
	switch random.IntN(6) {
	case 0: // a key and a message
		h.tx(func(t *store.Tx) {
			w[key], w[key+"'"] = value, value
			put(t, key, value)
			put(t, key+"'", value)
			mustPublish(t, "jobs", value)
			w["message "+value] = "ready 0"
		})
	case 1: // a message is handed out
		h.tx(func(t *store.Tx) {
			for _, v := range take(t, "jobs") {
				w["message "+string(v.Payload)] = fmt.Sprint("leased ", v.Retries)
			}
		})
	case 2: // a held message is settled, and a key says so
		h.tx(func(t *store.Tx) { h.settle(t, random, w) })
	case 3: // a key is gone, and a message
		h.tx(func(t *store.Tx) {
			for _, v := range take(t, "jobs") {
				mustAck(t, "jobs", v)
				delete(w, "message "+string(v.Payload))
				put(t, key, "done")
				put(t, key+"'", "done")
				w[key], w[key+"'"] = "done", "done"
			}
		})
	default:
		w[key], w[key+"'"] = value, value
		h.set(key, value, key+"'", value)
	}
}

// settle acknowledges or gives back one of the held messages.
func (h *house) settle(t *store.Tx, random *rand.Rand, w world) {
	held := peek(t, "jobs", effect.Leased)
	if len(held) == 0 {
		return
	}
	v := held[random.IntN(len(held))]
	name := "message " + string(v.Payload)
	put(t, "last", name)
	w["last"] = name
	if random.IntN(2) == 0 {
		mustAck(t, "jobs", v)
		delete(w, name)
		return
	}
	must(t.Queues.Nack([]byte("jobs"), leaseOf(v), queue.Nack{Requeue: true}))
	w[name] = fmt.Sprint("ready ", v.Retries+1)
	if v.Retries == v.MaxRetries {
		w[name] = fmt.Sprint("dead ", v.Retries+1)
	}
}

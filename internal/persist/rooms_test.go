package persist

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/synapdb/synap/internal/store"
	"github.com/synapdb/synap/internal/store/room"
	"github.com/synapdb/synap/internal/vfs"
)

// speak does something random to rooms, one record each time, as clients would.
func (h *house) speak(random *rand.Rand) {
	var t store.Tx
	name := fmt.Append(nil, "r", random.IntN(4))
	t.Begin(h.all(), h.now)
	t.Keys.Declare(0, name)
	t.DeclareRoom(name)
	t.DeclareQueue(name)
	t.Lock()
	defer t.Unlock()
	consumer := fmt.Append(nil, "c", random.IntN(3))
	switch random.IntN(24) { // most rooms are there, most of the time: failures don't matter
	case 0:
		_ = t.Rooms.Delete(name)
	case 1:
		if st, err := t.Rooms.Stats(name); err == nil {
			_, _ = t.Rooms.Trim(name, st.Min+random.Uint64N(10))
		}
	case 2:
		_, _ = t.Rooms.Update(name, room.Settings{MaxEvents: 1 + random.Int64N(300)})
	case 3:
		_, _ = t.Rooms.Forget(name, consumer)
	case 4, 5:
		_ = t.Rooms.Commit(name, consumer, random.Uint64N(1000))
	case 6, 7:
		_, err := t.Rooms.GetOrCreate(name, room.Settings{MaxEvents: 100})
		must(err)
	default:
		_, _ = t.Rooms.Publish(name, &room.Event{
			Name: []byte("e"), Data: fmt.Appendf(nil, `"%0*d"`, random.IntN(300), 1),
			Metadata: []byte(`{"a":1}`),
		})
		put(&t, string(name), "told")
	}
}

// chatter lets several speak until stop says so, each at least so often.
func (h *house) chatter(seed uint64, least int, stop func() bool) {
	var all sync.WaitGroup
	for i := range uint64(4) {
		all.Go(func() {
			random := rand.New(rand.NewPCG(seed, i))
			for n := 0; n < least || !stop(); n++ {
				h.speak(random)
			}
		})
	}
	all.Wait()
}

func TestRoomsAfterARestart(t *testing.T) { restarts(t, (*house).chatter) }

// A room made anew after a restart has a higher generation than the one that was deleted before,
// also if only a snapshot tells of that.
func TestGenerationsGrowOverRestarts(t *testing.T) {
	disk := vfs.NewMemory(1)
	h, _ := home(t, options(disk))
	last := uint64(0)
	for range 4 {
		h.tx(func(tx *store.Tx) {
			must(tx.Rooms.Create([]byte("hall"), room.Settings{}))
			info, err := tx.Rooms.Info([]byte("hall"))
			if err != nil || info.Generation <= last {
				t.Errorf("generation %d after %d, %v", info.Generation, last, err)
			}
			last = info.Generation
			must(tx.Rooms.Delete([]byte("hall")))
		})
		must(h.commit())
		if last%2 == 0 {
			must(h.Save(context.Background()))
		}
		disk.Crash(0)
		h.abandon()
		h, _ = home(t, options(disk))
	}
}

// A dump has every effect over rooms with words that a person knows.
func TestDumpOfRooms(t *testing.T) {
	disk := vfs.NewMemory(1)
	h, _ := home(t, options(disk))
	hall := []byte("hall")
	h.tx(func(t *store.Tx) {
		put(t, "k", "v")
		must(t.Rooms.Create(hall, room.Settings{MaxEvents: 2}))
		for i := range 3 {
			_, err := t.Rooms.Publish(hall, &room.Event{Name: []byte("said"),
				Data: fmt.Append(nil, i), Metadata: []byte(`{"by":"me"}`)})
			must(err)
		}
	})
	h.tx(func(t *store.Tx) { must(t.Rooms.Commit(hall, []byte("worker"), 2)) })
	h.tx(func(t *store.Tx) { must(t.Rooms.Commit(hall, []byte("other"), 1)) })
	h.tx(func(t *store.Tx) {
		_, err := t.Rooms.Forget(hall, []byte("other"))
		must(err)
	})
	h.tx(func(t *store.Tx) {
		_, err := t.Rooms.Trim(hall, 2)
		must(err)
	})
	must(h.Save(context.Background()))
	h.abandon()
	var journal, snapshots strings.Builder
	must(Dump(disk, "/data", DumpOptions{Journal: true}, &journal))
	must(Dump(disk, "/data", DumpOptions{Snapshots: true}, &snapshots))
	for line := range strings.Lines(journal.String() + snapshots.String()) {
		if !json.Valid([]byte(line)) {
			t.Errorf("no JSON: %s", line)
		}
	}
	for _, want := range []string{`{"kind":"set","db":0,"key":"k","value":"v","version":1},` +
		`{"kind":"room_set","room":"hall","generation":1`, `"max_events":2`,
		`"retention_ms":3600000`, `"kind":"room_publish"`, `"offset":0`, `"event":"said"`,
		`"form":"json","data":"0","metadata":"{\"by\":\"me\"}"`, `"offset":2,"first":1`,
		`{"kind":"room_cursor","room":"hall","generation":1,"offset":2,"consumer":"worker"}`,
		`"consumer":"other","forgotten":true`, `"kind":"room_trim"`} {
		if !strings.Contains(journal.String(), want) {
			t.Errorf("%s is missing in\n%s", want, journal.String())
		}
	}
	for _, want := range []string{`{"kind":"room_set","generation":1}`, `"first":2`,
		`"offset":2,"time_ms"`, `"kind":"room_cursor"`} {
		if !strings.Contains(snapshots.String(), want) {
			t.Errorf("%s is missing in\n%s", want, snapshots.String())
		}
	}
}

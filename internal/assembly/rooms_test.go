package assembly

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/synapdb/synap/internal/config"
	"github.com/synapdb/synap/internal/store"
	"github.com/synapdb/synap/internal/store/room"
)

// inRoom runs f over one room, as a command would.
func (in *Instance) inRoom(t *testing.T, name string, f func(*room.Tx) error) {
	t.Helper()
	var tx store.Tx
	tx.Begin(in.stores, time.Now().UnixMilli())
	tx.DeclareRoom([]byte(name))
	tx.Lock()
	err := f(&tx.Rooms)
	tx.Unlock()
	if err != nil {
		t.Fatal(err)
	}
}

func (in *Instance) makeRoom(t *testing.T, name string, s room.Settings) {
	t.Helper()
	in.inRoom(t, name, func(tx *room.Tx) error { return tx.Create([]byte(name), s) })
}

func (in *Instance) tell(t *testing.T, name, data string) {
	t.Helper()
	in.inRoom(t, name, func(tx *room.Tx) error {
		_, err := tx.Publish([]byte(name), &room.Event{Name: []byte("e"), Data: []byte(data)})
		return err
	})
}

// until waits for something to become so.
func until(t *testing.T, what string, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patient); !so(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(what)
		}
	}
}

// Nobody asks for anything, and yet events that are too old go, and rooms that nobody uses.
func TestOldEventsAndRoomsGoByThemselves(t *testing.T) {
	in := open(t, map[string]string{"stream.compaction_secs": "1",
		"stream.inactive_room_secs": "1"})
	in.makeRoom(t, "r", room.Settings{MaxAge: 10})
	in.tell(t, "r", "1")
	until(t, "the event stays", func() bool {
		_, sum := in.stores.Rooms.Totals()
		return sum.Messages == 0
	})
	until(t, "the room stays", func() bool {
		n, _ := in.stores.Rooms.Totals()
		return n == 0
	})
}

// Who waits for an event is a blocked client, and is told when its time is up.
func TestWhoWaitsForAnEventIsABlockedClient(t *testing.T) {
	in := open(t, nil)
	in.makeRoom(t, "r", room.Settings{})
	ask := func(line string) chan string {
		answer := make(chan string, 1)
		go func() { answer <- in.ask(t, line) }()
		return answer
	}
	answer, late := ask("SREAD r me 0 BLOCK 60000"), ask("XREAD BLOCK 60000 STREAMS r 1")
	until(t, "nobody is blocked", func() bool {
		return strings.Contains(in.ask(t, "INFO clients"), "blocked_clients:2\r\n")
	})
	contains(t, in.scrape(t), "synap_stream_waiters 2\n", "synap_stream_subscribers 2\n")
	in.tell(t, "r", `"work"`)
	contains(t, <-answer, "\"work\"\r\n")
	in.tell(t, "r", `"more"`)
	contains(t, <-late, "\"more\"\r\n")
	if got := <-ask("XREAD BLOCK 30 STREAMS r $"); got != "*-1\r\n" {
		t.Errorf("with nothing to read it answers %q", got)
	}
	contains(t, in.ask(t, "INFO clients"), "blocked_clients:0\r\n")
}

// Readers that wait, and come and go, miss nothing and get nothing twice, however their waits and
// the writers' events meet.
func TestReadersThatWaitMissNothing(t *testing.T) {
	const events, readers = 300, 6
	in := open(t, nil)
	in.makeRoom(t, "r", room.Settings{})
	var all sync.WaitGroup
	for i := range readers {
		all.Go(func() {
			c, err := net.Dial("tcp", fmt.Sprint("127.0.0.1:", in.RESPPort()))
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			replies := bufio.NewScanner(c)
			for next := 0; next < events; {
				fmt.Fprintf(c, "XREAD COUNT %d BLOCK %d STREAMS r %d\r\n", 1+i, 5+i*1000, next)
				n := 0
				for replies.Scan() && replies.Text() == "*-1" {
					fmt.Fprintf(c, "XREAD COUNT %d BLOCK %d STREAMS r %d\r\n", 1+i, 5+i*1000,
						next)
				}
				if _, err := fmt.Sscanf(replies.Text(), "*%d", &n); err != nil {
					t.Errorf("%q: %v", replies.Text(), err)
					return
				}
				for range n { // *2 $ offset *2 $ e $ data
					var lines []string
					for len(lines) < 8 && replies.Scan() {
						lines = append(lines, replies.Text())
					}
					if want := fmt.Sprint(next); len(lines) < 8 || lines[2] != want ||
						lines[7] != want {
						t.Errorf("%q instead of %d", lines, next)
						return
					}
					next++
				}
			}
		})
	}
	for i := range events {
		in.tell(t, "r", fmt.Sprint(i))
		if i%10 == 0 {
			until(t, "nobody waits", func() bool { return in.engine.Waits.Count() > 0 })
		}
	}
	all.Wait()
	until(t, "somebody is left waiting", func() bool {
		_, sum := in.stores.Rooms.Totals()
		return sum.Subscribers == 0 && in.engine.Waits.Count() == 0
	})
}

func TestRoomsInMetricsAndInfo(t *testing.T) {
	in := open(t, nil)
	for _, name := range []string{"r", `say "hi"`} {
		in.makeRoom(t, name, room.Settings{MaxEvents: 2})
	}
	for range 3 {
		in.tell(t, "r", "1")
	}
	contains(t, in.ask(t, "SREAD r me 1"), "timestamp")
	contains(t, in.scrape(t), `synap_stream_room_events{room="r"} 2`,
		`synap_stream_room_subscribers{room="say \"hi\""} 0`, "synap_stream_rooms 2\n",
		"synap_stream_events 2\n", "synap_stream_series_left_out 0\n",
		"synap_stream_published_total 3\n", "synap_stream_consumed_total 2\n",
		"synap_stream_dropped_total 1\n", "synap_stream_memory_bytes ",
		`synap_operations_total{component="stream",operation="read"} 1`)
	contains(t, in.ask(t, "INFO"), "# Rooms\r\nrooms:2\r\n", "room_events:2\r\n")
	_, text := in.web(t, "/info?section=rooms")
	contains(t, text, `{"rooms":{"rooms":2,`, `"room_published_total":3`)
	// A transaction that holds the lock of a room does not wait for it in INFO.
	got := in.ask(t, "MULTI", "SPUBLISH r e 1", "INFO rooms", "EXEC", "SSTATS r")
	contains(t, got, "# Rooms\r\n", "message_count")
	contains(t, in.ask(t, "MULTI", "SPUBLISH r e 1", "INFO queues", "EXEC"), "# Queues\r\n")
}

// Of many rooms, the first thousand have series of their own.
func TestMetricsOfManyRooms(t *testing.T) {
	in := open(t, nil)
	for i := range labelledRooms + 5 {
		in.makeRoom(t, fmt.Sprint(i), room.Settings{})
	}
	text := in.scrape(t)
	contains(t, text, "synap_stream_series_left_out 5\n", "synap_stream_rooms 1005\n")
	if n := strings.Count(text, "\nsynap_stream_room_events{"); n != labelledRooms {
		t.Errorf("%d series", n)
	}
}

// One limit holds over keys, queues and rooms.
func TestRoomsCountTowardsTheMemoryLimit(t *testing.T) {
	in := open(t, map[string]string{"kv_store.max_memory_mb": "16"})
	in.makeRoom(t, "r", room.Settings{})
	before := in.engine.Memory()
	for range 18 {
		in.tell(t, "r", `"`+strings.Repeat("d", 1<<20)+`"`)
	}
	for _, line := range []string{"SET k v", "SPUBLISH r e 1"} {
		if got := in.ask(t, line); !strings.HasPrefix(got, "-OOM") {
			t.Errorf("%s beside 18 MiB of events: %q", line, got)
		}
	}
	if m := in.engine.Memory(); m.Used < before.Used+18<<20 || m.Resident < 18<<20 {
		t.Errorf("%+v", m)
	}
	if got := in.ask(t, "STRIM r 18", "SET k v"); !strings.HasSuffix(got, "+OK\r\n") {
		t.Errorf("SET after a trim: %q", got)
	}
}

func TestRoomSettingsOfTheConfiguration(t *testing.T) {
	in := open(t, map[string]string{
		"stream.max_events": "0", "stream.max_bytes": "1000", "stream.retention_secs": "7",
		"stream.auto_create": "true",
	})
	if got := in.ask(t, "SPUBLISH r e 1"); got != ":0\r\n" {
		t.Errorf("the first event: %q", got)
	}
	in.inRoom(t, "r", func(tx *room.Tx) error {
		info, err := tx.Info([]byte("r"))
		info.Created = 0
		want := room.Settings{MaxEvents: room.None, MaxBytes: 1000, MaxAge: 7000}
		if info.Settings != want {
			t.Errorf("%+v, not %+v", info.Settings, want)
		}
		return err
	})
	for _, key := range []string{"stream.max_events", "stream.max_bytes",
		"stream.retention_secs", "stream.hard_events", "stream.inactive_room_secs",
		"stream.compaction_secs"} {
		most := config.Find(key).Max
		l, err := config.Load(config.Sources{Environ: []string{},
			Flags: map[string]string{key: strconv.FormatInt(most, 10)}})
		if err != nil {
			t.Fatal(err)
		}
		extreme := &Instance{config: &l.Config, roomTimers: newTimers()}
		rooms, err := room.New(extreme.roomOptions())
		if err != nil {
			t.Errorf("%s may be %d, but: %v", key, most, err)
			continue
		}
		if err := rooms.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestRoomsOfAnInstanceSurviveItsEnd(t *testing.T) {
	dir := t.TempDir()
	in := housed(t, dir)
	if err := in.serve(context.Background()); err != nil {
		t.Fatal(err)
	}
	in.makeRoom(t, "r", room.Settings{})
	in.tell(t, "r", `"work"`)
	in.inRoom(t, "r", func(tx *room.Tx) error { return tx.Commit([]byte("r"), []byte("w"), 1) })
	in.end(t)
	in = housed(t, dir)
	defer in.end(t)
	if err := in.serve(context.Background()); err != nil {
		t.Fatal(err)
	}
	in.inRoom(t, "r", func(tx *room.Tx) error {
		p, err := tx.Read([]byte("r"), &room.Query{}, nil)
		if err != nil || len(p.Events) != 1 || string(p.Events[0].Data) != `"work"` {
			t.Errorf("%+v, %v", p, err)
		}
		at, found, err := tx.Cursor([]byte("r"), []byte("w"))
		if at != 1 || !found {
			t.Errorf("the cursor is at %d, %v", at, found)
		}
		return err
	})
}

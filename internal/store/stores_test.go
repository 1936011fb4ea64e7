package store

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/store/kv"
	"github.com/synapdb/synap/internal/store/queue"
	"github.com/synapdb/synap/internal/store/room"
)

const epoch = 1_700_000_000_000 // ms since the Unix epoch

// recorder keeps the records it gets.
type recorder struct{ records [][]byte }

func (r *recorder) Append(_ int64, payload []byte) uint64 {
	r.records = append(r.records, bytes.Clone(payload))
	return uint64(len(r.records))
}

func (r *recorder) Admit(int) error { return nil }

// open makes stores that record.
func open(t *testing.T) (Stores, *recorder) {
	t.Helper()
	keys, err := kv.New(kv.Options{Shards: 4, Seed: 7})
	if err != nil {
		t.Fatal(err)
	}
	queues, err := queue.New(queue.Options{Shards: 4})
	if err != nil {
		t.Fatal(err)
	}
	rooms, err := room.New(room.Options{Shards: 4})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(rooms.Close(), queues.Close(), keys.Close()); err != nil {
			t.Error(err)
		}
	})
	s, j := Stores{keys, queues, rooms}, &recorder{}
	s.SetJournal(j)
	return s, j
}

// do runs f with everything locked, as one transaction.
func (s Stores) do(f func(*Tx)) {
	var t Tx
	t.Begin(s, epoch)
	t.Keys.DeclareAll()
	if s.Queues != nil {
		t.DeclareQueues()
	}
	if s.Rooms != nil {
		t.DeclareRooms()
	}
	t.Lock()
	defer t.Unlock() // f may end the test
	f(&t)
}

func set(t *Tx, key, value string) {
	t.Keys.Apply(effect.Effect{Kind: effect.Set, Key: []byte(key), Value: []byte(value)})
}

func publish(t *testing.T, tx *Tx, name, payload string) queue.ID {
	t.Helper()
	p, err := tx.Queues.Publish([]byte(name),
		&queue.Message{Payload: []byte(payload), Priority: -1, MaxRetries: -1})
	if err != nil {
		t.Fatal(err)
	}
	return p.ID
}

// tell publishes an event, whose data is JSON text, to a room.
func tell(t *testing.T, tx *Tx, name, data string) {
	t.Helper()
	_, err := tx.Rooms.Publish([]byte(name), &room.Event{Name: []byte("e"), Data: []byte(data)})
	if err != nil {
		t.Fatal(err)
	}
}

// told lists the data of a room's events.
func (s Stores) told(t *testing.T, name string) (list []string) {
	t.Helper()
	s.do(func(tx *Tx) {
		p, err := tx.Rooms.Read([]byte(name), &room.Query{From: room.Last(1000)}, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range p.Events {
			list = append(list, string(v.Data))
		}
	})
	return list
}

// ready lists the payloads that wait in a queue, in the order of service.
func (s Stores) ready(t *testing.T, name string) (list []string) {
	t.Helper()
	s.do(func(tx *Tx) {
		views, err := tx.Queues.Peek([]byte(name), effect.Ready, queue.ID{}, 1000, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range views {
			list = append(list, string(v.Payload))
		}
	})
	return list
}

func (s Stores) get(key string) (value string) {
	s.do(func(tx *Tx) {
		if e, ok := tx.Keys.Peek(0, []byte(key)); ok {
			value = string(e.Value())
		}
	})
	return value
}

// kinds lists the kinds of effect of a record.
func kinds(t *testing.T, record []byte) (list []effect.Kind) {
	t.Helper()
	for len(record) > 0 {
		var err error
		list = append(list, effect.Kind(record[0]))
		switch {
		case record[0] < effect.FirstQueue:
			_, record, err = effect.Decode(record)
		case record[0] < effect.FirstRoom:
			_, record, err = effect.DecodeQueue(record)
		default:
			_, record, err = effect.DecodeRoom(record)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return list
}

// What a transaction does to several stores is one record, keys first, rooms last, however it mixed
// them; and replaying it leads to the same state.
func TestOneRecordOverAllStores(t *testing.T) {
	s, j := open(t)
	s.do(func(tx *Tx) {
		if _, err := tx.Queues.Create([]byte("jobs"), queue.Settings{}); err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Rooms.GetOrCreate([]byte("hall"), room.Settings{}); err != nil {
			t.Fatal(err)
		}
		tell(t, tx, "hall", "1")
		set(tx, "a", "1")
		publish(t, tx, "jobs", "first")
		set(tx, "b", "2")
		publish(t, tx, "jobs", "second")
	})
	s.do(func(tx *Tx) {
		var lease queue.Lease
		for _, v := range tx.Queues.Deliver([]byte("jobs"),
			&queue.Deliver{Consumer: []byte("c"), Count: 1}, nil) {
			lease = queue.Lease{ID: v.ID, Token: v.Token}
		}
		if err := tx.Queues.Ack([]byte("jobs"), &lease); err != nil {
			t.Fatal(err)
		}
	})
	s.do(func(tx *Tx) { set(tx, "c", "3") })
	s.do(func(tx *Tx) { tell(t, tx, "hall", "2") })
	s.do(func(tx *Tx) {
		tell(t, tx, "hall", "3")
		set(tx, "d", "4")
	})
	if len(j.records) != 5 {
		t.Fatalf("%d records", len(j.records))
	}
	want := []effect.Kind{effect.Set, effect.Set, effect.QueueSet, effect.QueuePut,
		effect.QueuePut, effect.RoomSet, effect.RoomPublish}
	if got := kinds(t, j.records[0]); !slices.Equal(got, want) {
		t.Errorf("the record is of kinds %v, not %v", got, want)
	}
	want = []effect.Kind{effect.Set, effect.RoomPublish}
	if got := kinds(t, j.records[4]); !slices.Equal(got, want) {
		t.Errorf("the record is of kinds %v, not %v", got, want)
	}
	twin, later := open(t)
	for _, record := range j.records {
		if err := twin.ReplayRecord(epoch, record); err != nil {
			t.Fatal(err)
		}
	}
	twin.Arrange()
	if twin.Digest(epoch) != s.Digest(epoch) || len(later.records) != 0 {
		t.Error("replaying leads to another state, or is recorded")
	}
	if got := twin.ready(t, "jobs"); !slices.Equal(got, []string{"second"}) ||
		twin.get("b") != "2" {
		t.Errorf("replayed: %v, %q", got, twin.get("b"))
	}
	if got := twin.told(t, "hall"); !slices.Equal(got, []string{"1", "2", "3"}) {
		t.Errorf("replayed: %v", got)
	}
}

// A record may begin with the cause of an effect, one that this program does not know as well. The
// state is the same without it, in every store.
func TestRecordsWithCauses(t *testing.T) {
	s, j := open(t)
	s.do(func(tx *Tx) {
		if _, err := tx.Queues.Create([]byte("jobs"), queue.Settings{}); err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Rooms.GetOrCreate([]byte("hall"), room.Settings{}); err != nil {
			t.Fatal(err)
		}
		for _, e := range []effect.Effect{
			{Kind: effect.Set, Cause: effect.ByIncrBy, Key: []byte("n"), Value: []byte("1")},
			{Kind: effect.Patch, Cause: 200, Key: []byte("n"), Offset: 1, Value: []byte("0")},
			{Kind: effect.Set, Key: []byte("old"), Value: []byte("v")},
			{Kind: effect.Delete, Cause: effect.ByRenameFrom, Key: []byte("old")},
		} {
			tx.Keys.Apply(e)
		}
		publish(t, tx, "jobs", "first")
		tell(t, tx, "hall", "1")
	})
	if e, _, err := effect.Decode(j.records[0]); err != nil || e.Cause != effect.ByIncrBy {
		t.Fatalf("the record begins with %+v, %v", e, err)
	}
	twin, _ := open(t)
	if err := twin.ReplayRecord(epoch, j.records[0]); err != nil {
		t.Fatal(err)
	}
	twin.Arrange()
	if twin.Digest(epoch) != s.Digest(epoch) || twin.get("n") != "10" {
		t.Errorf("replaying leads to another state: n is %q", twin.get("n"))
	}
}

// Rolled back, a transaction leaves all stores as they were, and no record.
func TestRollbackOverAllStores(t *testing.T) {
	s, j := open(t)
	var held queue.Lease
	s.do(func(tx *Tx) {
		if _, err := tx.Queues.Create([]byte("jobs"), queue.Settings{}); err != nil {
			t.Fatal(err)
		}
		set(tx, "k", "before")
		if err := tx.Rooms.Create([]byte("hall"), room.Settings{MaxEvents: 2}); err != nil {
			t.Fatal(err)
		}
		tell(t, tx, "hall", "1")
		publish(t, tx, "jobs", "held")
		publish(t, tx, "jobs", "ready")
		v := tx.Queues.Deliver([]byte("jobs"), &queue.Deliver{Consumer: []byte("c"), Count: 1}, nil)
		held = queue.Lease{ID: v[0].ID, Token: v[0].Token}
	})
	before, records := s.Digest(epoch), len(j.records)
	s.do(func(tx *Tx) {
		tx.Atomic()
		set(tx, "k", "after")
		set(tx, "other", "x")
		publish(t, tx, "jobs", "new")
		for range 3 {
			tell(t, tx, "hall", "2")
		}
		if err := tx.Queues.Ack([]byte("jobs"), &held); err != nil {
			t.Fatal(err)
		}
		tx.Rollback()
	})
	if s.Digest(epoch) != before || len(j.records) != records {
		t.Error("a rolled back transaction left something")
	}
	s.do(func(tx *Tx) {
		tx.Atomic()
		set(tx, "k", "after")
		if err := tx.Queues.Ack([]byte("jobs"), &held); err != nil {
			t.Errorf("the lease is gone: %v", err)
		}
	})
	if got := kinds(t, j.records[len(j.records)-1]); !slices.Equal(got,
		[]effect.Kind{effect.Set, effect.QueueRemove}) {
		t.Errorf("the record is of kinds %v", got)
	}
}

// Blocks of an export hold one of keys, queues and rooms, and lead to the same contents elsewhere.
func TestExportAndImport(t *testing.T) {
	s, _ := open(t)
	s.do(func(tx *Tx) {
		for i := range 500 {
			set(tx, fmt.Sprint("key", i), fmt.Sprint(i))
		}
		for q := range 5 {
			name := fmt.Sprint("queue", q)
			if _, err := tx.Queues.Create([]byte(name), queue.Settings{}); err != nil {
				t.Fatal(err)
			}
			err := tx.Rooms.Create([]byte(name), room.Settings{})
			if err != nil {
				t.Fatal(err)
			}
			for i := range 100 {
				publish(t, tx, name, fmt.Sprint(i))
				tell(t, tx, name, fmt.Sprint(i))
			}
		}
	})
	var c ExportCursor
	twin, _ := open(t)
	var block []byte
	for more := true; more; {
		var end bool
		block, end, more = s.Export(&c, block)
		if end && len(block) > 0 {
			if err := twin.Import(epoch, block); err != nil {
				t.Fatal(err)
			}
			block = block[:0]
		}
	}
	twin.FinishImport()
	twin.Arrange()
	if twin.Digest(epoch) != s.Digest(epoch) || c.Entries() < 1500 {
		t.Errorf("%d entries came over, or others", c.Entries())
	}
	want := Contents{Keys: 500, Queues: 5, Messages: 500, Rooms: 5, Events: 500}
	if got := twin.Contents(); got != want {
		t.Errorf("%+v", got)
	}
	twin.Clear()
	empty, _ := open(t)
	if twin.Digest(epoch) != empty.Digest(epoch) {
		t.Error("something is left after Clear")
	}
}

func TestStoresOfKeysAlone(t *testing.T) {
	full, j := open(t)
	full.do(func(tx *Tx) {
		if _, err := tx.Queues.Create([]byte("jobs"), queue.Settings{}); err != nil {
			t.Fatal(err)
		}
	})
	s := Stores{Keys: full.Keys}
	s.do(func(tx *Tx) {
		tx.Atomic()
		set(tx, "k", "v")
		tx.Rollback()
		set(tx, "k", "w")
	})
	s.Recovered(epoch)
	s.Arrange()
	rooms := effect.AppendRoom(nil, &effect.Room{Kind: effect.RoomSet, Generation: 1})
	if err := s.Import(epoch, rooms); !errors.Is(err, errNoRooms) {
		t.Errorf("a block of rooms: %v", err)
	}
	if err := s.ReplayRecord(epoch, rooms); !errors.Is(err, errNoRooms) {
		t.Errorf("a record over rooms: %v", err)
	}
	var c ExportCursor
	block, end, more := s.Export(&c, nil)
	for more {
		block, end, more = s.Export(&c, block)
	}
	if !end || len(block) == 0 || s.get("k") != "w" || s.Memory() == 0 {
		t.Errorf("%d bytes, %q", len(block), s.get("k"))
	}
	if err := s.Import(epoch, j.records[0]); !errors.Is(err, errNoQueues) {
		t.Errorf("a block of queues: %v", err)
	}
	if err := s.ReplayRecord(epoch, j.records[0]); !errors.Is(err, errNoQueues) {
		t.Errorf("a record over queues: %v", err)
	}
}

func TestMalformedRecordsAndBlocks(t *testing.T) {
	s, j := open(t)
	s.do(func(tx *Tx) {
		if _, err := tx.Queues.Create([]byte("jobs"), queue.Settings{}); err != nil {
			t.Fatal(err)
		}
	})
	key := effect.Append(nil, &effect.Effect{Kind: effect.Set, Key: []byte("k"), Version: 1})
	queues := j.records[0]
	rooms := effect.AppendRoom(nil, &effect.Room{Kind: effect.RoomSet, Name: []byte("r"),
		Generation: 1, Settings: effect.RoomSettings{MaxEvents: 1, MaxBytes: 1, MaxAge: 1}})
	cause := effect.Append(nil, &effect.Effect{Kind: effect.FlushAll, Cause: 1})[:2]
	for _, bad := range [][]byte{{255}, {0}, append(bytes.Clone(key), 200), cause,
		append(bytes.Clone(cause), queues...), append(bytes.Clone(cause), rooms...),
		slices.Concat(cause, cause, key), slices.Concat(key, cause, queues),
		append(bytes.Clone(key), queues[:len(queues)-1]...), queues[:len(queues)-1],
		append(bytes.Clone(rooms), queues...), append(bytes.Clone(rooms), key...),
		append(bytes.Clone(queues), rooms[:len(rooms)-1]...)} {
		if err := s.ReplayRecord(epoch, bad); !errors.Is(err, effect.ErrMalformed) {
			t.Errorf("replaying %x: %v", bad, err)
		}
	}
	for _, bad := range [][]byte{{}, {255}, {0}, append(bytes.Clone(key), queues...),
		append(bytes.Clone(queues), key...), append(bytes.Clone(queues), rooms...),
		append(bytes.Clone(rooms), queues...)} {
		if err := s.Import(epoch, bad); !errors.Is(err, effect.ErrMalformed) {
			t.Errorf("importing %x: %v", bad, err)
		}
	}
}

// visitor is told that something is there for it, and at once looks at everything.
type visitor struct {
	s     Stores
	found chan bool // each visit: nothing was locked
}

func (v *visitor) Wake() {
	visited := make(chan struct{})
	go func() {
		v.s.do(func(*Tx) {})
		close(visited)
	}()
	select {
	case <-visited:
		v.found <- true
	case <-time.After(10 * time.Second): // the waker holds a lock that the visit waits for
		v.found <- false
	}
}

// Whom a transaction over queues and rooms wakes finds neither locked any more.
func TestNothingIsLockedWhileWaking(t *testing.T) {
	s, _ := open(t)
	v := &visitor{s, make(chan bool, 2)}
	waiter, follower := &queue.Waiter{Waker: v}, &room.Subscriber{Waker: v}
	s.do(func(tx *Tx) {
		if _, err := tx.Queues.Create([]byte("jobs"), queue.Settings{}); err != nil {
			t.Fatal(err)
		}
		if err := tx.Rooms.Create([]byte("hall"), room.Settings{}); err != nil {
			t.Fatal(err)
		}
		tx.Queues.Deliver([]byte("jobs"), &queue.Deliver{Consumer: []byte("c"), Count: 1}, nil)
		if !tx.Queues.Park([]byte("jobs"), []byte("c"), waiter, epoch+60_000) {
			t.Fatal("no place in line")
		}
		_, err := tx.Rooms.Subscribe([]byte("hall"), []byte("id"), room.Tail(), follower)
		if err != nil {
			t.Fatal(err)
		}
	})
	if f, ok := s.Rooms.Pull(follower, 1, nil); !ok || f.More {
		t.Fatal("the follower does not wait")
	}
	s.do(func(tx *Tx) {
		publish(t, tx, "jobs", "x")
		tell(t, tx, "hall", "1")
	})
	if len(v.found) != 2 || !<-v.found || !<-v.found {
		t.Errorf("woken %d times, or under a lock", len(v.found))
	}
}

package store

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/store/kv"
	"github.com/synapdb/synap/internal/store/queue"
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
	t.Cleanup(func() {
		if err := errors.Join(queues.Close(), keys.Close()); err != nil {
			t.Error(err)
		}
	})
	s, j := Stores{keys, queues}, &recorder{}
	s.SetJournal(j)
	return s, j
}

// do runs f with everything locked, as one transaction.
func (s Stores) do(f func(*Tx)) {
	var t Tx
	t.Begin(s.Keys, s.Queues, epoch)
	t.Keys.DeclareAll()
	if s.Queues != nil {
		t.DeclareQueues()
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
		if record[0] < effect.FirstQueue {
			_, record, err = effect.Decode(record)
		} else {
			_, record, err = effect.DecodeQueue(record)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return list
}

// What a transaction does to keys and queues is one record, keys first, however it mixed them; and
// replaying it leads to the same state.
func TestOneRecordOverKeysAndQueues(t *testing.T) {
	s, j := open(t)
	s.do(func(tx *Tx) {
		if _, err := tx.Queues.Create([]byte("jobs"), queue.Settings{}); err != nil {
			t.Fatal(err)
		}
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
	if len(j.records) != 3 {
		t.Fatalf("%d records", len(j.records))
	}
	want := []effect.Kind{effect.Set, effect.Set, effect.QueueSet, effect.QueuePut,
		effect.QueuePut}
	if got := kinds(t, j.records[0]); !slices.Equal(got, want) {
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
}

// Rolled back, a transaction leaves both stores as they were, and no record.
func TestRollbackOverKeysAndQueues(t *testing.T) {
	s, j := open(t)
	var held queue.Lease
	s.do(func(tx *Tx) {
		if _, err := tx.Queues.Create([]byte("jobs"), queue.Settings{}); err != nil {
			t.Fatal(err)
		}
		set(tx, "k", "before")
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

// Blocks of an export hold either keys or queues and lead to the same contents elsewhere.
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
			for i := range 100 {
				publish(t, tx, name, fmt.Sprint(i))
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
	if twin.Digest(epoch) != s.Digest(epoch) || c.Entries() < 1000 {
		t.Errorf("%d entries came over, or others", c.Entries())
	}
	keys, queues, messages := twin.Contents()
	if keys != 500 || queues != 5 || messages != 500 {
		t.Errorf("%d keys, %d queues, %d messages", keys, queues, messages)
	}
	twin.Clear()
	empty, _ := open(t)
	if twin.Digest(epoch) != empty.Digest(epoch) {
		t.Error("something is left after Clear")
	}
}

func TestStoresWithoutQueues(t *testing.T) {
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
	for _, bad := range [][]byte{{255}, {0}, append(bytes.Clone(key), 200),
		append(bytes.Clone(key), queues[:len(queues)-1]...), queues[:len(queues)-1]} {
		if err := s.ReplayRecord(epoch, bad); !errors.Is(err, effect.ErrMalformed) {
			t.Errorf("replaying %x: %v", bad, err)
		}
	}
	for _, bad := range [][]byte{{}, {255}, {0}, append(bytes.Clone(key), queues...),
		append(bytes.Clone(queues), key...)} {
		if err := s.Import(epoch, bad); !errors.Is(err, effect.ErrMalformed) {
			t.Errorf("importing %x: %v", bad, err)
		}
	}
}

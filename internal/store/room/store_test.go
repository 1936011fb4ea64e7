package room

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/errs"
)

func TestOptionsOutOfBounds(t *testing.T) {
	for _, o := range []Options{
		{Shards: 3}, {Shards: -1}, {Shards: 512}, {HardEvents: -1}, {Sweep: -1}, {Inactive: -1},
		{Defaults: Settings{MaxEvents: -2}}, {Defaults: Settings{MaxAge: 1 << 60}},
	} {
		if s, err := New(o); err == nil {
			t.Errorf("%+v makes a store", o)
			_ = s.Close()
		}
	}
}

func update(tx *Tx, name string, set Settings) error {
	_, err := tx.Update([]byte(name), set)
	return err
}

func TestWhatIsOutOfBoundsIsRefused(t *testing.T) {
	s, j := open(t, Options{})
	create(t, s, epoch, "r", Settings{})
	long := make([]byte, MaxNameBytes+1)
	event := Event{Name: []byte("e")}
	s.do(epoch, func(tx *Tx) {
		for what, c := range map[string]struct {
			err  error
			kind errs.Kind
		}{
			"a room without a name": {tx.Create(nil, Settings{}), errs.BadValue},
			"a long name":           {tx.Create(long, Settings{}), errs.BadValue},
			"a name not UTF-8":      {tx.Create([]byte("\xff"), Settings{}), errs.BadValue},
			"negative bound":        {tx.Create([]byte("x"), Settings{MaxAge: -2}), errs.BadValue},
			"huge bound": {tx.Create([]byte("x"), Settings{MaxEvents: 1 << 60}),
				errs.BadValue},
			"a negative age": {update(tx, "r", Settings{MaxAge: -2}), errs.BadValue},
		} {
			if errs.Of(c.err) != c.kind {
				t.Errorf("%s: %v", what, c.err)
			}
		}
		for what, e := range map[string]Event{
			"no name": {}, "a long name": {Name: long}, "not UTF-8": {Name: []byte("\xff")},
			"form": {Name: event.Name, Form: mostForm + 1},
		} {
			if _, err := tx.Publish([]byte("r"), &e); errs.Of(err) != errs.BadValue {
				t.Errorf("event with %s: %v", what, err)
			}
		}
		for what, e := range map[string]Event{
			"data":     {Name: event.Name, Data: make([]byte, MaxDataBytes+1)},
			"metadata": {Name: event.Name, Metadata: make([]byte, MaxMetadataBytes+1)},
		} {
			if _, err := tx.Publish([]byte("r"), &e); errs.Of(err) != errs.TooLarge {
				t.Errorf("event with too much %s: %v", what, err)
			}
		}
		nameless := Event{Name: event.Name, AutoCreate: true}
		if _, err := tx.Publish(nil, &nameless); errs.Of(err) != errs.BadValue {
			t.Errorf("an event makes a room without a name: %v", err)
		}
		tx.Rollback() // does nothing
		if err := tx.Commit([]byte("r"), nil, 1); errs.Of(err) != errs.BadValue {
			t.Errorf("a consumer without a name: %v", err)
		}
		if err := tx.Commit([]byte("r"), []byte("c"), 1<<60); errs.Of(err) != errs.BadValue {
			t.Errorf("a huge offset: %v", err)
		}
		if _, err := tx.Subscribe([]byte("r"), long, At(0), new(Subscriber)); err == nil {
			t.Error("a subscriber with a long name")
		}
		for i := range MaxConsumers {
			if err := tx.Commit([]byte("r"), fmt.Append(nil, i), 0); err != nil {
				t.Fatal(err)
			}
		}
		if err := tx.Commit([]byte("r"), []byte("c"), 1); errs.Of(err) != errs.TooLarge {
			t.Errorf("too many consumers: %v", err)
		}
		if err := tx.Commit([]byte("r"), []byte("7"), 1); err != nil {
			t.Errorf("one of many consumers: %v", err)
		}
	})
	if s.sound(t); len(j.records) != 2 {
		t.Errorf("%d records", len(j.records))
	}
}

// Every method on a room that is absent says so, in the words of the contract.
func TestAbsentRoom(t *testing.T) {
	s, j := open(t, Options{})
	r := []byte("gone")
	s.do(epoch, func(tx *Tx) {
		_, publish := tx.Publish(r, &Event{Name: []byte("e")})
		_, update := tx.Update(r, Settings{})
		_, trim := tx.Trim(r, 1)
		_, read := tx.Read(r, &Query{}, nil)
		_, frames := tx.Frames(r, 0, 1, nil)
		_, stats := tx.Stats(r)
		_, info := tx.Info(r)
		_, _, cursor := tx.Cursor(r, []byte("c"))
		_, forget := tx.Forget(r, []byte("c"))
		_, subscribe := tx.Subscribe(r, nil, At(0), new(Subscriber))
		for i, err := range []error{publish, update, trim, read, frames, stats, info, cursor,
			forget, subscribe, tx.Delete(r), tx.Commit(r, []byte("c"), 1)} {
			if err == nil || err.Error() != "Invalid request: Room 'gone' not found" ||
				errs.Of(err) != errs.RoomNotFound {
				t.Errorf("method %d: %v", i, err)
			}
		}
		if tx.Exists(r) {
			t.Error("it exists")
		}
	})
	if len(j.records) != 0 {
		t.Error("something was recorded")
	}
}

// Whatever name and data an event has, its frame is the JSON text that says so, and the parts come
// back as they were given.
func TestFramesSayWhatWasPublished(t *testing.T) {
	s, _ := open(t, Options{Shards: 1})
	names := []string{"plain", `qu"ote`, `back\slash`, "\x00\x1f\n\t", "\x7f\u2028é€😀", `\u0041`}
	room := `r"o\om` + "\n"
	create(t, s, epoch, room, Settings{MaxEvents: None})
	sizes := []int{2, 20, 90, 125, 126, 127, 128, 300, 65_400, 65_535, 65_536, 70_000, 600_000,
		MaxDataBytes}
	i := uint64(0)
	for _, size := range sizes {
		for _, name := range names[:1+len(names)*100/(100+size)] {
			data := `"` + strings.Repeat("x", size-2) + `"`
			metadata := ""
			if size%2 == 0 {
				metadata = `{"é":"` + strings.Repeat("m", min(size, MaxMetadataBytes-10)) + `"}`
			}
			now := epoch + int64(i)*700
			s.do(now, func(tx *Tx) {
				offset, err := tx.Publish([]byte(room), &Event{Name: []byte(name),
					Data: []byte(data), Metadata: []byte(metadata), Form: effect.TextData})
				if err != nil || offset != i {
					t.Fatalf("offset %d: %v", offset, err)
				}
				f, err := tx.Frames([]byte(room), i, 1, nil)
				if err != nil || f.Events != 1 || f.More {
					t.Fatalf("%d frames, %v", f.Events, err)
				}
				got := parse(t, f.Bytes)[0]
				if got.Room != room || got.Event != name || string(got.Data) != data ||
					string(got.Metadata) != metadata || got.Timestamp != now/1000 ||
					got.Offset != i {
					t.Errorf("%.200q of event %d", f.Bytes, i)
				}
				p, err := tx.Read([]byte(room), &Query{From: At(i), Event: []byte(name)}, nil)
				if err != nil || len(p.Events) != 1 {
					t.Fatalf("%d events, %v", len(p.Events), err)
				}
				if v := p.Events[0]; string(v.Name) != name || string(v.Data) != data ||
					string(v.Metadata) != metadata || v.Time != now || v.Offset != i ||
					v.Form != effect.TextData {
					t.Errorf("event %d: %+.300v", i, v)
				}
			})
			i++
		}
	}
	s.sound(t)
}

func TestEmptyDataIsNull(t *testing.T) {
	s, _ := open(t, Options{})
	s.do(epoch, func(tx *Tx) {
		e := Event{Name: []byte("e"), AutoCreate: true}
		if _, err := tx.Publish([]byte("r"), &e); err != nil {
			t.Fatal(err)
		}
		p, err := tx.Read([]byte("r"), &Query{}, nil)
		if err != nil || string(p.Events[0].Data) != "null" || p.Events[0].Metadata != nil ||
			!json.Valid(p.Events[0].Data) {
			t.Errorf("%+v, %v", p, err)
		}
	})
}

// A slow subscriber holds events beyond the soft bound, up to the hard one, and then loses them; it
// is told from where to where.
func TestSoftAndHardBound(t *testing.T) {
	s, _ := open(t, Options{HardEvents: 30})
	create(t, s, epoch, "r", Settings{MaxEvents: 10})
	publish(t, s, epoch, "r", 15)
	if st := stats(t, s, "r"); st.Min != 5 || st.Messages != 10 || st.Dropped != 5 {
		t.Fatalf("%+v", st)
	}
	slow, quick := &Subscriber{Waker: new(bell)}, &Subscriber{Waker: new(bell)}
	s.do(epoch, func(tx *Tx) {
		for _, sub := range []*Subscriber{slow, quick} {
			if _, err := tx.Subscribe([]byte("r"), nil, At(7), sub); err != nil {
				t.Fatal(err)
			}
		}
	})
	for range 20 {
		publish(t, s, epoch, "r", 1)
		if f, ok := s.Pull(quick, 1<<20, nil); !ok || f.More || f.Gap.Exists() {
			t.Fatalf("%+v, %v", f, ok)
		}
	}
	if st := stats(t, s, "r"); st.Min != 7 || st.Next != 35 {
		t.Errorf("with a slow subscriber at 7: %+v", st)
	}
	publish(t, s, epoch, "r", 10)
	if st := stats(t, s, "r"); st.Min != 15 || st.Messages != 30 {
		t.Errorf("at the hard bound: %+v", st)
	}
	f, ok := s.Pull(slow, 1<<20, nil)
	if !ok || f.Gap != (Gap{7, 15}) || f.Next != 15 || !f.More || len(f.Bytes) != 0 {
		t.Errorf("the slow subscriber gets %+v", f)
	}
	if f, _ = s.Pull(slow, 1<<20, nil); f.Events != 30 || f.Gap.Exists() || f.More {
		t.Errorf("after the gap it gets %d events, gap %v", f.Events, f.Gap)
	}
	publish(t, s, epoch, "r", 1)
	if st := stats(t, s, "r"); st.Min != 35 {
		t.Errorf("while the quick one is at 35: %+v", st)
	}
	s.Unsubscribe(quick, epoch)
	publish(t, s, epoch, "r", 1)
	if st := stats(t, s, "r"); st.Messages != 10 {
		t.Errorf("when all have read: %+v", st)
	}
}

func TestBoundsOfBytesAndAge(t *testing.T) {
	s, j := open(t, Options{Sweep: 1000})
	create(t, s, epoch, "bytes", Settings{MaxBytes: 500})
	create(t, s, epoch, "age", Settings{MaxAge: 5000})
	publish(t, s, epoch, "bytes", 20)
	if st := stats(t, s, "bytes"); st.Bytes > 500 || st.Bytes < 350 || st.Next != 20 {
		t.Errorf("%+v", st)
	}
	s.do(epoch, func(tx *Tx) {
		big := Event{Name: []byte("big"), Data: bytes.Repeat([]byte("1"), 1000)}
		if _, err := tx.Publish([]byte("bytes"), &big); err != nil {
			t.Fatal(err)
		}
	})
	if st := stats(t, s, "bytes"); st.Messages != 1 {
		t.Errorf("one event larger than the bound: %+v", st)
	}
	for i := range int64(10) {
		publish(t, s, epoch+i*1000, "age", 1)
	}
	if st := stats(t, s, "age"); st.Min != 5 {
		t.Errorf("at an event: %+v", st)
	}
	for now := int64(epoch + 9000); now <= epoch+20_000; {
		next := s.Maintain(now, 1000)
		if next == 0 || next > now+1000 {
			t.Fatalf("at %d the next sweep is at %d", now-epoch, next-epoch)
		}
		now = max(next, now+1)
	}
	if st := stats(t, s, "age"); st.Min != 10 || st.Messages != 0 || st.Bytes != 0 {
		t.Errorf("after the time of all: %+v", st)
	}
	if list := kinds(t, j.records); !slices.Contains(list, effect.RoomTrim) {
		t.Errorf("kinds %v", list)
	}
	publish(t, s, epoch+20_000, "age", 1)
	if st := stats(t, s, "age"); st.Min != 10 || st.Next != 11 {
		t.Errorf("offsets go on: %+v", st)
	}
}

// Rooms that nobody uses go, unless somebody is there; not while the journal takes nothing.
func TestInactiveRooms(t *testing.T) {
	called := 0
	s, j := open(t, Options{Inactive: 10_000, Sweep: 1000, Alarm: func() { called++ }})
	if next := s.Maintain(epoch, 100); next != 0 {
		t.Errorf("an empty store wants to be looked at, at %d", next)
	}
	for _, name := range []string{"unused", "read", "followed"} {
		create(t, s, epoch, name, Settings{})
	}
	if called == 0 {
		t.Error("nobody was told that rooms are to be looked at")
	}
	sub := &Subscriber{Waker: new(bell)}
	s.do(epoch, func(tx *Tx) { _, _ = tx.Subscribe([]byte("followed"), nil, At(0), sub) })
	s.do(epoch+5000, func(tx *Tx) { _, _ = tx.Read([]byte("read"), &Query{}, nil) })
	j.refuses = errors.New("the disk is full")
	if next := s.Maintain(epoch+11_000, 1000); next != epoch+11_000+frozenPause {
		t.Errorf("frozen, it wants to be called at %d", next-epoch)
	}
	if got := s.Names("", "", 9); len(got) != 3 {
		t.Errorf("rooms %q while the journal takes nothing", got)
	}
	j.refuses = nil
	s.Maintain(epoch+11_000, 1000)
	if got := s.Names("", "", 9); !slices.Equal(got, []string{"followed", "read"}) {
		t.Errorf("rooms %q", got)
	}
	s.Unsubscribe(sub, epoch+11_000)
	s.Maintain(epoch+20_000, 1000)
	if got := s.Names("", "", 9); !slices.Equal(got, []string{"followed"}) {
		t.Errorf("rooms %q", got)
	}
	again, _ := open(t, Options{Inactive: 10_000, Sweep: 1000})
	j.replay(t, again, 0)
	again.Recovered(epoch + 30_000)
	again.Maintain(epoch+39_000, 1000)
	if got := again.Names("", "", 9); !slices.Equal(got, []string{"followed"}) {
		t.Errorf("soon after a restart: rooms %q", got)
	}
	again.Maintain(epoch+41_000, 1000)
	if got := again.Names("", "", 9); len(got) != 0 {
		t.Errorf("long after a restart: rooms %q", got)
	}
}

// Generations grow over every creation, and over restarts.
func TestGenerations(t *testing.T) {
	j := &recorder{}
	last := uint64(0)
	for range 3 {
		s, more := open(t, Options{})
		j.replay(t, s, 0)
		*more = *j
		j = more
		for i := range 3 {
			create(t, s, epoch, "r", Settings{})
			s.do(epoch, func(tx *Tx) {
				info, err := tx.Info([]byte("r"))
				if err != nil || info.Generation <= last || info.Created != epoch {
					t.Fatalf("generation %d after %d, %v", info.Generation, last, err)
				}
				last = info.Generation
				if i < 2 || last > 5 {
					_ = tx.Delete([]byte("r"))
				}
			})
		}
		s.do(epoch, func(tx *Tx) { _ = tx.Delete([]byte("r")) })
	}
}

func TestNamesAndTotals(t *testing.T) {
	s, _ := open(t, Options{})
	const n = 3000 // more than names wait for
	for i := range n {
		create(t, s, epoch, fmt.Sprintf("r%04d", i), Settings{})
	}
	publish(t, s, epoch, "r0007", 3)
	s.do(epoch, func(tx *Tx) {
		for i := range n {
			if i%2 == 0 {
				if err := tx.Delete(fmt.Appendf(nil, "r%04d", i)); err != nil {
					t.Fatal(err)
				}
			}
		}
		_, _ = tx.Read([]byte("r0007"), &Query{}, nil)
	})
	create(t, s, epoch, "r0002", Settings{})
	create(t, s, epoch, "other", Settings{})
	got := s.Names("r", "r0001", 3)
	if !slices.Equal(got, []string{"r0002", "r0003", "r0005"}) {
		t.Errorf("names %q", got)
	}
	if all := s.Names("r", "", n); len(all) != n/2+1 || !slices.IsSorted(all) {
		t.Errorf("%d names", len(all))
	}
	s.do(epoch, func(tx *Tx) { _ = tx.Delete([]byte("r0007")) })
	rooms, sum := s.Totals()
	if rooms != n/2+1 || sum.Published != 3 || sum.Consumed != 3 || sum.Messages != 0 {
		t.Errorf("%d rooms, %+v", rooms, sum)
	}
	if s.Full() || s.Memory() == 0 || s.Resident() < s.Memory() || s.Defaults() != builtin {
		t.Errorf("full: %v, %d and %d bytes, defaults %+v", s.Full(), s.Memory(), s.Resident(),
			s.Defaults())
	}
}

// A record that is joined to one over other stores goes with that; what the bounds remove after it
// is a record of its own.
func TestJoinedRecord(t *testing.T) {
	s, j := open(t, Options{})
	create(t, s, epoch, "r", Settings{MaxEvents: 2})
	var tx Tx
	s.Begin(&tx, epoch)
	tx.Declare([]byte("r"))
	tx.Lock()
	tx.Atomic()
	for range 3 {
		if _, err := tx.Publish([]byte("r"), &Event{Name: []byte("e")}); err != nil {
			t.Fatal(err)
		}
	}
	joined := bytes.Clone(tx.Record())
	tx.Recorded()
	tx.Unlock()
	want := []effect.Kind{effect.RoomPublish, effect.RoomPublish, effect.RoomPublish}
	if got := kinds(t, [][]byte{joined}); !slices.Equal(got, want) {
		t.Errorf("joined %v", got)
	}
	if got := kinds(t, j.records); !slices.Equal(got, []effect.Kind{effect.RoomSet,
		effect.RoomTrim}) {
		t.Errorf("recorded %v", got)
	}
	if st := stats(t, s, "r"); st.Messages != 2 {
		t.Errorf("%+v", st)
	}
}

// A filter that finds little is not held up for long: the page ends, and says where to go on.
func TestFilterOverManyEvents(t *testing.T) {
	s, _ := open(t, Options{})
	create(t, s, epoch, "r", Settings{MaxEvents: None})
	const n = 2*mostScan + 10
	s.do(epoch, func(tx *Tx) {
		for i := range n {
			e := Event{Name: []byte("often")}
			if i%mostScan == mostScan-1 {
				e.Name = []byte("seldom")
			}
			if _, err := tx.Publish([]byte("r"), &e); err != nil {
				t.Fatal(err)
			}
		}
		q := &Query{Event: []byte("seldom")}
		var found []uint64
		pages := 0
		for p := (Page{More: true}); p.More; pages++ {
			var err error
			if p, err = tx.Read([]byte("r"), q, nil); err != nil {
				t.Fatal(err)
			}
			for _, v := range p.Events {
				found = append(found, v.Offset)
			}
			q.From = At(p.Next)
		}
		if !slices.Equal(found, []uint64{mostScan - 1, 2*mostScan - 1}) || pages != 3 {
			t.Errorf("events %v in %d pages", found, pages)
		}
	})
}

// A room that was not declared can't be used: it would be a race.
func TestUndeclaredRooms(t *testing.T) {
	s, _ := open(t, Options{Shards: 256})
	sub := &Subscriber{Waker: new(bell)}
	s.do(epoch, func(tx *Tx) {
		_ = tx.Create([]byte("a"), Settings{})
		_, _ = tx.Subscribe([]byte("a"), nil, At(0), sub)
	})
	other := []byte("b")
	for s.shardOf(other) == s.shardOf([]byte("a")) {
		other = append(other, 'b')
	}
	for what, f := range map[string]func(*Tx){
		"find":  func(tx *Tx) { tx.Exists([]byte("a")) },
		"await": func(tx *Tx) { tx.Await(sub, 0) },
	} {
		var tx Tx
		s.Begin(&tx, epoch)
		tx.Declare(other)
		tx.Lock()
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s uses a room that was not declared", what)
				}
			}()
			f(&tx)
		}()
		tx.Unlock()
	}
}

func TestClockThatGoesBack(t *testing.T) {
	s, _ := open(t, Options{})
	create(t, s, epoch, "r", Settings{})
	publish(t, s, epoch, "r", 1)
	publish(t, s, epoch-5000, "r", 1)
	publish(t, s, epoch+1, "r", 1)
	s.do(epoch, func(tx *Tx) {
		p, err := tx.Read([]byte("r"), &Query{From: Since(epoch)}, nil)
		if err != nil || len(p.Events) != 3 || p.Events[1].Time != epoch ||
			p.Events[2].Time != epoch+1 {
			t.Errorf("%+v, %v", p.Events, err)
		}
	})
}

// A room whose events span more than an index entry of time can say goes on in a new segment.
func TestYearsBetweenEvents(t *testing.T) {
	s, _ := open(t, Options{})
	create(t, s, epoch, "r", Settings{MaxAge: None})
	const year = 365 * 24 * 3600 * 1000
	for i := range int64(3) {
		publish(t, s, epoch+i*year, "r", 2)
	}
	s.sound(t)
	s.do(epoch, func(tx *Tx) {
		p, err := tx.Read([]byte("r"), &Query{From: Since(epoch + year)}, nil)
		if err != nil || len(p.Events) != 4 || p.Events[3].Time != epoch+2*year {
			t.Errorf("%+v, %v", p.Events, err)
		}
	})
}

package crash

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

const (
	lineSpeakers = 3
	webSpeakers  = 2
)

// Speakers publish to rooms, move their cursors and make rooms anew; the server is killed at a
// random moment, also while it takes a snapshot and while it starts. Every answered event is there
// at its offset, as far back as its room keeps events; offsets have no gaps, no event is there
// twice, and nothing else is; cursors are where they were put; generations grow; batches over keys
// and rooms are whole. Followers at several doors go on at their offset and watchers of keys behind
// the last event that they were told: nothing is missing, nothing comes twice, and what was pushed
// is there after the kill.
func TestRoomsSurviveKills(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 3))
	dir := t.TempDir()
	h := newHalls()
	var speakers []*speaker
	for i := range lineSpeakers + webSpeakers {
		speakers = append(speakers, &speaker{halls: h, name: fmt.Sprintf("s%d", i),
			Rand: rand.New(rand.NewPCG(seed, uint64(i+20)))})
	}
	h.build(t, dir)
	fans, watchers := newFollowers(h), newWatchers()
	var total, saves int64
	for range kills(t) {
		c := launch(t, dir, "--durability", []string{"os", "os", "disk"}[random.IntN(3)])
		for random.IntN(4) == 0 { // kill it while it starts, too
			time.Sleep(time.Duration(random.IntN(20_000)) * time.Microsecond)
			c.kill()
			c = launch(t, dir)
		}
		c.await()
		h.check(t, c, fans)
		s := &storm{t: t}
		for _, w := range watchers {
			w.check(t, c)
			w.run(c, s)
		}
		for _, f := range fans {
			f.run(c, s)
		}
		changing(c, s, rand.New(rand.NewPCG(seed, random.Uint64())))
		for i, w := range speakers {
			w.storm = s
			if i < lineSpeakers {
				w.lines(c)
			} else {
				w.web(c)
			}
		}
		saves += s.disturb(c, random)
		c.kill()
		s.ended.Wait()
		total += s.acks.Load()
		if t.Failed() {
			t.FailNow()
		}
	}
	last := launch(t, dir).await()
	h.check(t, last, fans)
	t.Logf("%d answers, generation %d, %d batches, %d snapshots asked for", total, h.generation,
		len(h.kept), saves)
	for _, f := range fans {
		f.catchUp(t, last)
		t.Logf("a follower of %s: %d events, %d gaps", f.room, f.all, f.gaps)
	}
	for _, w := range watchers {
		w.check(t, last)
		t.Logf("a watch over %s: %d events, listed again %d times", w.name, w.all, w.gone)
	}
}

// build makes the rooms that stay.
func (h *halls) build(t *testing.T, dir string) {
	t.Helper()
	c := launch(t, dir).await()
	for name, hall := range h.rooms {
		if name == fleeting {
			continue
		}
		err := c.caller().call("stream.create", object{"room": name, "max_events": hall.most,
			"retention_secs": -1}, &struct{}{})
		if err != nil {
			t.Fatal(err)
		}
	}
	c.kill()
}

// check compares what a server holds with what the speakers know, and with what fans were sent.
func (h *halls) check(t *testing.T, c *child, fans []*follower) {
	t.Helper()
	call := c.caller()
	defer call.CloseIdleConnections()
	h.mu.Lock()
	defer h.mu.Unlock()
	deals, err := h.deals(call)
	if err != nil {
		t.Fatal(err)
	}
	for name, hall := range h.rooms {
		found, err := call.room(name)
		for _, f := range fans {
			if err == nil && f.room == name {
				err = f.judge(found)
			}
		}
		if err == nil && name == fleeting {
			err = h.remade(found)
		} else if err == nil {
			err = hall.settle(found, deals)
		}
		if err != nil {
			t.Errorf("room %s: %v", name, err)
		}
	}
	if t.Failed() {
		t.Fatalf("log: %s", c.log.String())
	}
}

package crash

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"
)

const (
	respWriters = 5
	webWriters  = 2
	ballast     = 20_000 // keys that give snapshots and recovery something to do
)

func kills(t *testing.T) int {
	text := os.Getenv("SYNAP_KILLS")
	if text == "" {
		return 8
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Writers note every acknowledged write; the server is killed at a random moment, also while it
// takes a snapshot and while it recovers; nothing acknowledged may be missing, nothing unsent be
// there, and what was asked for as one must be whole.
func TestWhatWasAcknowledgedSurvivesKills(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	dir := t.TempDir()
	var accounts []*account
	for i := range respWriters + webWriters {
		accounts = append(accounts, newAccount(fmt.Sprintf("w%d", i), random.Uint64()))
	}
	fill(t, dir)
	var total, saves, restarts int64
	for range kills(t) {
		c := launch(t, dir, "--durability", []string{"os", "os", "disk"}[random.IntN(3)])
		for random.IntN(4) == 0 { // kill it while it starts, too
			time.Sleep(time.Duration(random.IntN(20_000)) * time.Microsecond)
			c.kill()
			restarts++
			c = launch(t, dir)
		}
		c.await()
		examine(t, c, accounts)
		s := &storm{t: t}
		for i, a := range accounts {
			if i < respWriters {
				s.resp(c, a)
			} else {
				s.web(c, a)
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
	examine(t, launch(t, dir).await(), accounts)
	t.Logf("%d acknowledged writes, %d snapshots asked for, %d kills during the start", total,
		saves, restarts)
}

// disturb lets the writers work until a random number of acknowledgements, in half of the cases
// with a snapshot begun somewhere on the way.
func (s *storm) disturb(c *child, random *rand.Rand) (saves int64) {
	until := func(n int64) {
		for deadline := time.Now().Add(patient); s.acks.Load() < n; {
			if c.ended() || time.Now().After(deadline) {
				s.t.Fatalf("the writers stand still after %d of %d: %s", s.acks.Load(), n,
					c.log.String())
			}
			time.Sleep(100 * time.Microsecond)
		}
	}
	end := 1 + random.Int64N(8_000)
	if random.IntN(2) == 0 {
		p := c.dial()
		until(random.Int64N(end))
		if text, err := p.do("BGSAVE"); err != nil || text[0] != '-' {
			saves++
		}
		end = s.acks.Load() + random.Int64N(2_000)
	}
	until(end)
	return saves
}

// fill makes the ballast.
func fill(t *testing.T, dir string) {
	t.Helper()
	c := launch(t, dir).await()
	p := c.dial()
	for i := range ballast {
		p.put("SET", "ballast:"+strconv.Itoa(i), strconv.Itoa(i))
	}
	if err := p.flush(); err != nil {
		t.Fatal(err)
	}
	for range ballast {
		if text, err := p.reply(); err != nil || text != "OK" {
			t.Fatal(text, err)
		}
	}
	c.kill()
}

// examine compares what the server holds with what the writers know.
func examine(t *testing.T, c *child, accounts []*account) {
	t.Helper()
	p := c.dial()
	keys := ballast
	for _, a := range accounts {
		found, err := p.read(a)
		if err == nil {
			err = a.settle(found)
		}
		if err != nil {
			t.Errorf("%v; log: %s", err, c.log.String())
		}
		keys += len(found)
	}
	for i := 0; i < ballast; i += ballast / 100 {
		if text, err := p.do("GET", "ballast:"+strconv.Itoa(i)); text != strconv.Itoa(i) {
			t.Fatalf("ballast %d: %q, %v", i, text, err)
		}
	}
	if text, err := p.do("DBSIZE"); text != strconv.Itoa(keys) {
		t.Fatalf("%s keys are there, want %d (%v); log: %s", text, keys, err, c.log.String())
	}
	_ = p.Close()
}

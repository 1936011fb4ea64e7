package journal

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"

	"github.com/synapdb/synap/internal/vfs"
)

// powerCuts is how many seeds TestPowerCuts tries. Each is up to four lives of a log, with a power
// cut in the middle of one of its calls to the disk.
const powerCuts = 2000

func TestPowerCuts(t *testing.T) {
	var group sync.WaitGroup
	seeds := make(chan uint64)
	var cuts [4]int
	for worker := range min(runtime.GOMAXPROCS(0), len(cuts)) {
		group.Go(func() {
			for seed := range seeds {
				c := &cutter{t: t, r: newRand(seed), fs: vfs.NewMemory(seed), seed: seed, from: 1}
				c.lives()
				cuts[worker] += c.cuts
			}
		})
	}
	for seed := range uint64(powerCuts) {
		seeds <- seed
	}
	close(seeds)
	group.Wait()
	if n := cuts[0] + cuts[1] + cuts[2] + cuts[3]; n < powerCuts {
		t.Errorf("only %d power cuts", n)
	}
}

// cutter runs one history and remembers what it was promised.
type cutter struct {
	t    *testing.T
	r    *rand.Rand
	fs   *vfs.Memory
	seed uint64
	log  *Log
	cuts int

	model  []entry // what was appended, by LSN-1; markers have no payload
	acked  LSN     // the newest that Commit returned nil for at level disk
	synced LSN     // the newest that a completed sync covered
	wrote  LSN     // the newest that Commit returned nil for at level os
	from   LSN     // what the snapshot does not cover
}

func (c *cutter) fatal(format string, args ...any) {
	c.t.Helper()
	c.t.Errorf("seed %d: "+format, append([]any{c.seed}, args...)...)
	runtime.Goexit()
}

func (c *cutter) lives() {
	done := make(chan struct{})
	go func() { // so that fatal ends the seed and not the worker
		defer close(done)
		for range 4 {
			c.life()
		}
		c.fs.CutAfter(0)
		if c.open(); c.log == nil {
			c.fatal("the log does not open without a power cut")
		}
	}()
	<-done
}

func (c *cutter) life() {
	if c.r.IntN(4) > 0 {
		c.fs.CutAfter(1 + c.r.IntN(120))
	}
	if c.open(); c.log != nil {
		for range 5 + c.r.IntN(40) {
			c.act()
		}
		if c.r.IntN(4) == 0 {
			_ = c.log.Close()
			c.noteMarkers()
			c.synced = c.log.Synced()
		}
	}
	c.crash()
}

// act is one thing that a server or Run may do.
func (c *cutter) act() {
	l := c.log
	switch n := c.r.IntN(20); {
	case n < 10:
		if l.Admit(6000) == nil {
			c.model = append(c.model, fill(l, c.r, 1+c.r.IntN(3), 1+c.r.IntN(2500))...)
		}
	case n < 12:
		if upTo := l.Last(); l.Commit(upTo, Disk) == nil {
			c.acked = max(c.acked, upTo)
		}
	case n < 14:
		if upTo := l.Last(); l.Commit(upTo, OS) == nil {
			c.wrote = max(c.wrote, upTo)
		}
	case n < 16:
		l.tick()
	case n < 18:
		l.step()
	case n < 19:
		before := l.Last()
		if l.Commit(before, Disk) == nil { // the snapshot's end
			c.acked = max(c.acked, before)
			c.from += LSN(c.r.Uint64N(uint64(before + 2 - c.from)))
			_ = l.Truncate(c.from)
		}
	default:
		_ = l.write(l.Last())
	}
	c.noteMarkers()
	c.synced = max(c.synced, l.Synced())
	if c.acked > c.synced {
		c.fatal("record %d is acknowledged, %d is synced", c.acked, c.synced)
	}
}

// noteMarkers remembers markers that the log has appended on its own.
func (c *cutter) noteMarkers() {
	for LSN(len(c.model)) < c.log.Last() {
		c.model = append(c.model, entry{lsn: LSN(len(c.model) + 1)})
	}
}

// crash loses the power; now and then it only kills the process, and then nothing that was
// written may be lost.
func (c *cutter) crash() {
	keep := c.r.Float64()
	switch c.r.IntN(4) {
	case 0:
		keep = 0
	case 1:
		keep = 1
		c.synced = max(c.synced, c.wrote)
	}
	c.wrote = c.synced
	if c.log != nil {
		c.log.release()
	}
	c.fs.Crash(keep)
	c.cuts++
}

// open recovers and compares with the model. A power cut during recovery leaves log nil.
func (c *cutter) open() {
	var got []entry
	o := options(c.fs)
	o.Level = OS + Level(c.seed%2)
	l, report, err := Open(o, c.from, collect(&got))
	if c.log = l; err != nil {
		if !errors.Is(err, vfs.ErrPowerCut) && !errors.Is(err, ErrFailed) {
			c.fatal("the log does not open: %v", err)
		}
		return
	}
	last := l.Last()
	if last < c.acked || last < c.synced {
		c.fatal("recovered up to %d, acknowledged %d, synced %d", last, c.acked, c.synced)
	}
	if report.Damage != nil || last > LSN(len(c.model)) {
		c.fatal("report %+v, %d appended", report, len(c.model))
	}
	c.model = c.model[:last]
	i := 0
	for _, want := range c.model[c.from-1:] {
		if len(want.payload) == 0 {
			continue
		}
		if i == len(got) || got[i].lsn != want.lsn || got[i].millis != want.millis ||
			!bytes.Equal(got[i].payload, want.payload) {
			c.fatal("record %d did not come back as it was", want.lsn)
		}
		i++
	}
	if i < len(got) {
		c.fatal("record %d came back and was never there", got[i].lsn)
	}
	c.wrote, c.synced = last, last
}

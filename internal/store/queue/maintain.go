package queue

import (
	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/store/shards"
	"github.com/synapdb/synap/internal/store/slab"
)

// The store does not ask the time, so the cost of background work is estimated: nanoseconds per
// item, measured on a 2-core machine and rounded up.
const (
	costFire = 1500
	costDeal = 200

	keepIdle    = 1 << 20 // bytes of free memory an arena keeps, or an eighth of its live ones
	upkeepPause = 1000    // ms from the first block freed until memory is looked after
	frozenPause = 100     // ms until the journal is asked again
	slice       = 256     // messages handled under one lock by Detach and Recovered
)

// next is when something is due in the shard, MaxInt64 if nothing ever is.
func (sh *shard) next() int64 {
	at := min(sh.soonest, sh.firstAlarm())
	if sh.wheel != nil && sh.wheel.first[shelf] != 0 {
		at = min(at, sh.clock)
	}
	if sh.freed {
		at = min(at, sh.upkeep)
	}
	if len(sh.orphans) > 0 {
		at = min(at, sh.clock)
	}
	return at
}

// Maintain does what has come due by now (ms since the Unix epoch): leases end, delays are over,
// messages expire, waiters give up; and upkeep of memory. It takes about budget microseconds and
// returns when it should be called again: now if there is more, 0 if nothing is ever due. One
// caller at a time.
func (s *Store) Maintain(now, budget int64) (next int64) {
	next = s.upkeep.Round(len(s.shards), now, budget, costFire,
		func(shard int, hold int64) (next, left int64) {
			next = s.maintainShard(&s.shards[shard], now, &hold)
			return next, hold
		})
	if next != 0 && s.frozen(0) {
		next = max(next, now+frozenPause)
	}
	return next
}

// maintainShard works on one shard for about *budget ns and returns when it has to be looked at
// again.
func (s *Store) maintainShard(sh *shard, now int64, budget *int64) (next int64) {
	var t Tx
	s.Begin(&t, now)
	t.silent = true
	t.shards.Add(sh.number)
	t.Lock()
	frozen := t.frozen()
	if sh.soonest <= now {
		fires, deals := int(*budget/costFire)+1, int(*budget/costDeal)+1
		before, dealt := fires, deals
		t.fireDue(sh, &fires, &deals)
		*budget -= int64(before-fires)*costFire + int64(dealt-deals)*costDeal
	}
	for n := 0; n < fireMost && sh.firstAlarm() <= now; n++ {
		t.ring(sh.alarms[0])
	}
	sh.upkeep = min(sh.upkeep, now+upkeepPause) // the clock may have been put right
	if sh.freed && sh.upkeep <= now {
		sh.tidy(budget)
	}
	var name []byte // of a queue that needs another shard's lock
	if sh.wheel != nil && sh.wheel.first[shelf] != 0 {
		owner := slab.Ref(sh.timer(sh.wheel.first[shelf]).owner)
		name = []byte(sh.slots[sh.message(owner).queue].name)
	}
	orphans := sh.orphans
	if !frozen {
		sh.orphans = nil
	}
	t.Unlock()
	if !frozen {
		for _, o := range orphans {
			s.Detach([]byte(o.queue), o.conn, now)
		}
		if name != nil {
			s.unshelve(name, now, budget)
		}
	}
	sh.mu.Lock()
	next = sh.next()
	sh.mu.Unlock()
	return next
}

// ring does what an alarm is for.
func (t *Tx) ring(a *alarm) {
	if a.waiter != nil {
		t.wake(a.waiter)
		return
	}
	q := a.queue
	q.shard.dropAlarm(a)
	q.version++ // time alone may have changed who can be served
	t.touch(q)
}

// unshelve does what is due in a queue whose dead letters go to another shard.
func (s *Store) unshelve(name []byte, now int64, budget *int64) {
	var t Tx
	s.Begin(&t, now)
	t.silent = true
	t.Declare(name)
	t.Lock()
	defer t.Unlock()
	q := t.find(name)
	if q == nil {
		return
	}
	fires := fireMost
	t.unshelve(q.shard, &fires)
	*budget -= int64(fireMost-fires) * costFire
}

// tidy looks after memory, for about *budget ns. The locked shard's freed says afterwards whether
// there is more to do.
func (sh *shard) tidy(budget *int64) {
	sh.freed = sh.arena != nil &&
		shards.Tidy(sh.arena, max(keepIdle, sh.arena.Live()/8), budget, sh.move)
}

// orphan is a push connection that went while the store was frozen.
type orphan struct {
	queue string
	conn  uint64
}

// Detach gives back what a push connection holds of a queue, in its old place and with one retry
// more, as after a failed delivery. No lock may be held. While the store is frozen it is put off.
func (s *Store) Detach(name []byte, conn uint64, now int64) {
	var t Tx
	for more := conn != 0; more; {
		s.Begin(&t, now)
		t.Declare(name)
		t.Lock()
		more = false
		if q := t.find(name); q != nil && q.conns[conn] != nil {
			if t.frozen() {
				q.shard.orphans = append(q.shard.orphans, orphan{q.name, conn})
				q.shard.sooner = true
			} else {
				more = t.giveUp(q, conn)
			}
		}
		t.Unlock()
	}
}

// giveUp gives back leases of a connection, up to a bound, and forgets it after the last. It says
// whether there are more.
func (t *Tx) giveUp(q *queue, conn uint64) (more bool) {
	t.touch(q)
	for n := 0; n < slice && !t.long(); n++ {
		c := q.conns[conn]
		if c == nil || c.leases == 0 {
			q.dropConn(conn)
			q.version++ // it may have been the active consumer
			return false
		}
		q.stats.Returned++
		t.giveBack(q, slab.Ref(q.shard.aux(c.head).owner), effect.Released, 0)
	}
	return true
}

// Recovered ends a recovery at now: what push connections held of an earlier process is given
// back. Call it after SetJournal and before anybody uses the store.
func (s *Store) Recovered(now int64) {
	var t Tx
	for _, name := range s.names.All() {
		for more := true; more; {
			s.Begin(&t, now)
			t.Declare(bytesOf(name))
			t.Lock()
			more = false
			if q := t.find(bytesOf(name)); q != nil && q.conns[0] != nil {
				more = t.giveUp(q, 0)
			}
			t.Unlock()
		}
	}
}

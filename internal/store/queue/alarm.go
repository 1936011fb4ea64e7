package queue

import "math"

// alarm is something about waiters that is due at a time: a waiter gives up, or a queue looks
// again whom to wake. Those of a shard are a binary heap. Timers of messages, of which there are
// many more and which lie outside Go's heap, are in the wheel.
type alarm struct {
	at     int64 // ms since the Unix epoch
	place  int   // in the heap, from 1; 0 = not set
	waiter *Waiter
	queue  *queue
}

type alarms []*alarm

// setAlarm sets an alarm that is not set.
func (sh *shard) setAlarm(a *alarm) {
	if a.at < sh.firstAlarm() {
		sh.sooner = true
	}
	sh.alarms = append(sh.alarms, a)
	sh.alarms.up(len(sh.alarms) - 1)
}

// dropAlarm takes an alarm back if it is set.
func (sh *shard) dropAlarm(a *alarm) {
	if a.place == 0 {
		return
	}
	i, last := a.place-1, len(sh.alarms)-1
	moved := sh.alarms[last]
	sh.alarms[last] = nil
	sh.alarms = sh.alarms[:last]
	a.place = 0
	if moved != a {
		sh.alarms[i] = moved
		sh.alarms.down(i)
		sh.alarms.up(moved.place - 1)
	}
}

func (sh *shard) firstAlarm() int64 {
	if len(sh.alarms) == 0 {
		return math.MaxInt64
	}
	return sh.alarms[0].at
}

func (as alarms) up(i int) {
	a := as[i]
	for i > 0 {
		parent := (i - 1) / 2
		if as[parent].at <= a.at {
			break
		}
		as[i] = as[parent]
		as[i].place = i + 1
		i = parent
	}
	as[i] = a
	a.place = i + 1
}

func (as alarms) down(i int) {
	a := as[i]
	for {
		child := 2*i + 1
		if child >= len(as) {
			break
		}
		if child+1 < len(as) && as[child+1].at < as[child].at {
			child++
		}
		if a.at <= as[child].at {
			break
		}
		as[i] = as[child]
		as[i].place = i + 1
		i = child
	}
	as[i] = a
	a.place = i + 1
}

package kv

import "math/rand/v2"

// The three access bytes of an entry mean one of two things, as in Redis, by the policy:
//
//	LRU  seconds, 24 bits, of the last access
//	LFU  counter 8 bits | minutes, 16 bits, of the last decay
//
// After a change of policy entries are misread until their next access; eviction is by sampling
// anyway, so a wrong guess costs a wrong victim, never a wrong answer.

const (
	newFrequency = 5    // so that a new key is not the first to go
	logFactor    = 10   // how slowly the counter grows: 255 takes about a million accesses
	backstep     = 3600 // seconds that the clock may go back without entries looking ancient
	backMinutes  = backstep / 60
)

func seconds(now int64) uint32 { return uint32(now/1000) & 0xFFFFFF }

func minutes(now int64) uint16 { return uint16(now / 60_000) }

func (h *head) clock() uint32 {
	return uint32(h.access[0]) | uint32(h.access[1])<<8 | uint32(h.access[2])<<16
}

func (h *head) decayed() uint16 { return uint16(h.access[1]) | uint16(h.access[2])<<8 }

func (h *head) setDecayed(m uint16) { h.access[1], h.access[2] = uint8(m), uint8(m>>8) }

// born sets the access bytes of a new entry.
func (h *head) born(now int64, frequency bool) {
	if frequency {
		h.access[0] = newFrequency
		h.setDecayed(minutes(now))
		return
	}
	h.seen(seconds(now))
}

func (h *head) seen(s uint32) {
	h.access[0], h.access[1], h.access[2] = uint8(s), uint8(s>>8), uint8(s>>16)
}

// touch marks an access. The cache line is written only when something changes.
func (h *head) touch(now int64, frequency bool) {
	if !frequency {
		if s := seconds(now); h.clock() != s {
			h.seen(s)
		}
		return
	}
	h.decay(now)
	if n := h.access[0]; n < 255 {
		over := uint32(n)
		over = max(over, newFrequency) - newFrequency
		if rand.Uint32N(over*logFactor+1) == 0 {
			h.access[0] = n + 1
		}
	}
}

// passed is the number of minutes since the last decay. Accesses come a little out of order, since
// callers take the time before they wait for a lock: minus one must not be read as 65535.
func (h *head) passed(now int64) uint16 {
	if m := minutes(now) - h.decayed(); m < 1<<16-backMinutes {
		return m
	}
	return 0
}

// decay lowers the counter by one for each minute without an access.
func (h *head) decay(now int64) {
	if passed := h.passed(now); passed != 0 {
		h.access[0] -= uint8(min(passed, uint16(h.access[0])))
		h.setDecayed(minutes(now))
	}
}

// idle is the time since the last access in ms.
func (h *head) idle(now int64, frequency bool) int64 {
	if frequency {
		return int64(h.passed(now)) * 60_000
	}
	if s := (seconds(now) - h.clock()) & 0xFFFFFF; s < 0xFFFFFF-backstep {
		return int64(s) * 1000
	}
	return 0 // the clock went back a little
}

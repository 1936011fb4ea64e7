package queue

import (
	"fmt"

	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/errs"
)

// Bounds of settings and messages. Times are in ms.
const (
	mostDepth    = 1_000_000_000_000
	mostDeadline = 30 * 24 * 3600 * 1000
	mostSpan     = 3660 * 24 * 3600 * 1000 // ten years: times to live, delays
	mostRetries  = 65535
	mostPrefetch = 1_000_000
	mostPayload  = 512 << 20
	mostTime     = 1 << 47   // since the Unix epoch
	mostNumber   = 1<<48 - 1 // of messages
	milli        = 1000
	mostFactor   = 100 * milli
)

// builtin are the defaults of defaults.
var builtin = Settings{
	MaxDepth:     100_000,
	AckDeadline:  30_000,
	MaxRetries:   3,
	Priority:     5,
	BackoffCap:   3600_000,
	BackoffMilli: 2 * milli,
	DedupWindow:  300_000,
}

// complete gives the zero values of settings those of d. A queue is not its own dead-letter queue
// because the default names it.
func complete(o, d *Settings, name string) {
	for _, f := range [...]struct{ to, from *int64 }{
		{&o.MaxDepth, &d.MaxDepth}, {&o.AckDeadline, &d.AckDeadline},
		{&o.BackoffBase, &d.BackoffBase}, {&o.BackoffCap, &d.BackoffCap}, {&o.TTL, &d.TTL},
		{&o.DedupWindow, &d.DedupWindow},
	} {
		if *f.to == 0 {
			*f.to = *f.from
		}
	}
	for _, f := range [...]struct{ to, from *uint32 }{
		{&o.MaxRetries, &d.MaxRetries}, {&o.Prefetch, &d.Prefetch},
		{&o.BackoffMilli, &d.BackoffMilli}, {&o.JitterMilli, &d.JitterMilli},
	} {
		if *f.to == 0 {
			*f.to = *f.from
		}
	}
	if o.Priority == 0 {
		o.Priority = d.Priority
	}
	if o.DeadLetter == "" && d.DeadLetter != name {
		o.DeadLetter = d.DeadLetter
	}
	o.DropOldest = o.DropOldest || d.DropOldest
	o.SingleActive = o.SingleActive || d.SingleActive
	o.Paused = o.Paused || d.Paused
}

// completeNeeded gives d's values to those settings for which zero means nothing.
func completeNeeded(o, d *Settings) {
	if o.AckDeadline == 0 {
		o.AckDeadline = d.AckDeadline
	}
	if o.BackoffCap == 0 {
		o.BackoffCap = d.BackoffCap
	}
	if o.BackoffMilli == 0 {
		o.BackoffMilli = d.BackoffMilli
	}
}

// check says why settings are out of bounds. Names are those of the wire.
func check(name string, o *Settings) error {
	for _, f := range [...]struct {
		field             string
		value, least, top int64
	}{
		{"max_depth", o.MaxDepth, 0, mostDepth},
		{"ack_deadline_ms", o.AckDeadline, 1, mostDeadline},
		{"default_max_retries", int64(o.MaxRetries), 0, mostRetries},
		{"default_priority", int64(o.Priority), 0, Priorities - 1},
		{"prefetch_limit", int64(o.Prefetch), 0, mostPrefetch},
		{"backoff_base_ms", o.BackoffBase, 0, mostDeadline},
		{"backoff_cap_ms", o.BackoffCap, 1, mostDeadline},
		{"backoff_factor in thousandths", int64(o.BackoffMilli), milli, mostFactor},
		{"backoff_jitter in thousandths", int64(o.JitterMilli), 0, milli},
		{"ttl_ms", o.TTL, 0, mostSpan},
		{"dedup_window in ms", o.DedupWindow, 0, mostDeadline},
		{"length of dead_letter_queue", int64(len(o.DeadLetter)), 0, MaxNameBytes},
	} {
		if f.value < f.least || f.value > f.top {
			return errs.Value(fmt.Sprintf("%s must be %d..%d, not %d", f.field, f.least, f.top,
				f.value))
		}
	}
	if o.DeadLetter == name && name != "" {
		return errs.Value("a queue can't be its own dead_letter_queue")
	}
	return nil
}

func checkName(what string, name []byte) error {
	if len(name) == 0 || len(name) > MaxNameBytes {
		return errs.Value(fmt.Sprintf("the name of a %s must have 1..%d bytes, not %d", what,
			MaxNameBytes, len(name)))
	}
	return nil
}

// storable says why an effect from outside can't be applied.
func storable(e *effect.Queue) error {
	ok := len(e.Name) > 0 && len(e.Name) <= MaxNameBytes && e.Seq < mostTime<<8 &&
		e.State <= effect.DeadLetter && e.Reason <= effect.Redriven
	switch e.Kind {
	case effect.QueueSet:
		ok = ok && e.Message <= mostNumber && validTime(e.Settings.Created) &&
			e.Settings.Incarnation>>incarnationBits == 0 &&
			check(string(e.Name), &e.Settings) == nil
	case effect.QueuePut:
		ok = ok && storableMessage(e)
	case effect.QueueLease:
		ok = ok && validNumber(e.Message) && validTime(e.Due) && validConsumer(e)
	case effect.QueueReturn:
		ok = ok && validNumber(e.Message) && validTime(e.Due) && validTime(e.Expires) &&
			e.Retries <= mostRetries && e.State <= effect.Delayed
	case effect.QueueRemove:
		ok = ok && validNumber(e.Message)
	case effect.QueueDead:
		ok = ok && validNumber(e.Message) && e.Retries <= mostRetries
	case effect.QueuePurge:
		ok = ok && e.State != effect.Leased
	case effect.QueueDedup:
		ok = ok && validNumber(e.Message) && validDedup(e) && len(e.Dedup) > 0
	}
	if !ok {
		return fmt.Errorf("%w: kind %d on a queue of %d bytes: message %d, state %d, reason %d",
			effect.ErrMalformed, e.Kind, len(e.Name), e.Message, e.State, e.Reason)
	}
	return nil
}

func storableMessage(e *effect.Queue) bool {
	return validNumber(e.Message) && validTime(e.Created) && validTime(e.Due) &&
		validTime(e.Expires) && e.Form <= effect.JSONForm && e.Priority < Priorities &&
		e.Retries <= mostRetries && e.MaxRetry <= mostRetries &&
		len(e.Headers) <= MaxHeaderBytes+deadHeaderBytes && len(e.Payload) <= mostPayload &&
		validDedup(e) && (e.State != effect.Leased || validConsumer(e))
}

func validNumber(n uint64) bool { return n > 0 && n <= mostNumber }

func validTime(t int64) bool { return t >= 0 && t <= mostTime }

func validDedup(e *effect.Queue) bool {
	return len(e.Dedup) <= MaxDedupBytes && validTime(e.DedupUntil)
}

func validConsumer(e *effect.Queue) bool {
	return len(e.Consumer) <= MaxNameBytes && e.Token != 0
}

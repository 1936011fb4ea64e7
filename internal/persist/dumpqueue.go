package persist

import (
	"fmt"

	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/store/queue"
)

// dumpedQueue is an effect over queues. Times are ms since the Unix epoch, spans of time ms.
type dumpedQueue struct {
	Kind       string          `json:"kind"`
	Queue      *string         `json:"queue,omitempty"`
	Queue64    string          `json:"queue_base64,omitempty"`
	Message    uint64          `json:"message,omitempty"` // its number within the queue
	ID         string          `json:"id,omitempty"`      // if the queue's settings came before
	Seq        uint64          `json:"seq,omitempty"`
	State      string          `json:"state,omitempty"`
	Reason     string          `json:"reason,omitempty"`
	Priority   *uint8          `json:"priority,omitempty"`
	Retries    *uint32         `json:"retries,omitempty"`
	MaxRetries *uint32         `json:"max_retries,omitempty"`
	Created    int64           `json:"created_ms,omitempty"`
	Due        int64           `json:"due_ms,omitempty"`
	Expires    int64           `json:"expires_ms,omitempty"`
	Token      string          `json:"lease_token,omitempty"`
	Push       bool            `json:"push,omitempty"`
	Consumer   *string         `json:"consumer,omitempty"`
	Consumer64 string          `json:"consumer_base64,omitempty"`
	Dedup      *string         `json:"dedup_id,omitempty"`
	Dedup64    string          `json:"dedup_id_base64,omitempty"`
	DedupUntil int64           `json:"dedup_until_ms,omitempty"`
	Form       string          `json:"form,omitempty"`
	Headers    *string         `json:"headers,omitempty"`
	Headers64  string          `json:"headers_base64,omitempty"`
	Payload    *string         `json:"payload,omitempty"`
	Payload64  string          `json:"payload_base64,omitempty"`
	Settings   *dumpedSettings `json:"settings,omitempty"`
}

// dumpedSettings are called as in queue.create, but for what only the journal knows.
type dumpedSettings struct {
	Incarnation  string  `json:"incarnation"`
	Created      int64   `json:"created_ms"`
	Paused       bool    `json:"paused"`
	MaxDepth     int64   `json:"max_depth"`
	Overflow     string  `json:"overflow"`
	AckDeadline  int64   `json:"ack_deadline_ms"`
	MaxRetries   uint32  `json:"default_max_retries"`
	Priority     uint8   `json:"default_priority"`
	Prefetch     uint32  `json:"prefetch_limit"`
	BackoffBase  int64   `json:"backoff_base_ms"`
	Backoff      float64 `json:"backoff_factor"`
	BackoffCap   int64   `json:"backoff_cap_ms"`
	Jitter       float64 `json:"backoff_jitter"`
	DeadLetter   string  `json:"dead_letter_queue"`
	TTL          int64   `json:"ttl_ms"`
	DedupWindow  int64   `json:"dedup_window_ms"`
	SingleActive bool    `json:"single_active_consumer"`
}

var queueKindNames = map[effect.Kind]string{
	effect.QueueSet: "queue_set", effect.QueueDelete: "queue_delete",
	effect.QueuePut: "queue_put", effect.QueueLease: "queue_lease",
	effect.QueueReturn: "queue_return", effect.QueueRemove: "queue_remove",
	effect.QueueDead: "queue_dead", effect.QueuePurge: "queue_purge",
	effect.QueueDedup: "queue_dedup",
}

// The words are those of queue.peek.
var stateNames = [...]string{
	effect.Ready: "ready", effect.Delayed: "delayed", effect.Leased: "leased",
	effect.DeadLetter: "dead",
}

var formNames = [...]string{
	effect.BytesForm: "bytes", effect.TextForm: "text", effect.JSONForm: "json",
}

// nameOf is names[n], or the number where a newer program wrote it.
func nameOf[N ~uint8](names []string, n N) string {
	if int(n) < len(names) {
		return names[n]
	}
	return fmt.Sprint(uint8(n))
}

// incarnations are those of the queues by name, as the settings said that were dumped last.
type incarnations map[string]uint64

func (in incarnations) dump(e *effect.Queue) dumpedQueue {
	d := dumpedQueue{
		Kind: queueKindNames[e.Kind], Message: e.Message, Seq: e.Seq,
		Reason: e.Reason.String(), Created: e.Created, Due: e.Due,
		Expires: e.Expires, Push: e.Push, DedupUntil: e.DedupUntil,
	}
	d.Queue, d.Queue64 = asText(e.Name)
	if e.Kind == effect.QueueSet {
		in[string(e.Name)] = e.Settings.Incarnation
	} else if of, known := in[string(e.Name)]; known && e.Message != 0 {
		d.ID = string(queue.AppendID(nil, queue.ID{Queue: of, Number: e.Message}))
	}
	switch e.Kind {
	case effect.QueuePut, effect.QueueReturn, effect.QueuePurge:
		d.State = nameOf(stateNames[:], e.State)
	case effect.QueueSet:
		d.Settings = dumpSettings(&e.Settings)
	default: // their kind says it
	}
	switch e.Kind {
	case effect.QueuePut, effect.QueueReturn, effect.QueueDead:
		d.Retries = &e.Retries
	default: // they leave the number as it was
	}
	if e.Kind == effect.QueuePut {
		d.Priority, d.MaxRetries = &e.Priority, &e.MaxRetry
		d.Form = nameOf(formNames[:], e.Form)
		d.Payload, d.Payload64 = asText(e.Payload)
	}
	if e.Token != 0 {
		d.Token = fmt.Sprintf("%016x", e.Token)
		d.Consumer, d.Consumer64 = asText(e.Consumer)
	}
	if len(e.Dedup) > 0 {
		d.Dedup, d.Dedup64 = asText(e.Dedup)
	}
	if len(e.Headers) > 0 {
		d.Headers, d.Headers64 = asText(e.Headers)
	}
	return d
}

func dumpSettings(s *effect.QueueSettings) *dumpedSettings {
	overflow := "reject"
	if s.DropOldest {
		overflow = "drop_oldest"
	}
	return &dumpedSettings{
		Incarnation: fmt.Sprintf("%016x", s.Incarnation), Created: s.Created, Paused: s.Paused,
		MaxDepth: s.MaxDepth, Overflow: overflow, AckDeadline: s.AckDeadline,
		MaxRetries: s.MaxRetries, Priority: s.Priority, Prefetch: s.Prefetch,
		BackoffBase: s.BackoffBase, Backoff: float64(s.BackoffMilli) / 1000,
		BackoffCap: s.BackoffCap, Jitter: float64(s.JitterMilli) / 1000,
		DeadLetter: s.DeadLetter, TTL: s.TTL, DedupWindow: s.DedupWindow,
		SingleActive: s.SingleActive,
	}
}

package effect

import (
	"errors"
	"math"
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

var settingsExample = QueueSettings{
	Incarnation: math.MaxUint64, Created: 1_700_000_000_000, Paused: true, MaxDepth: 100_000,
	DropOldest: true, AckDeadline: 30_000, MaxRetries: 3, Priority: 9, Prefetch: 100,
	BackoffBase: 1000, BackoffCap: 60_000, BackoffMilli: 2000, JitterMilli: 100,
	DeadLetter: "morgue", TTL: 86_400_000, DedupWindow: 300_000, SingleActive: true,
}

// queueExamples has each kind, and the edges of the fields.
var queueExamples = []Queue{
	{Kind: QueueSet, Name: []byte("orders"), Message: 1 << 40, Seq: 1 << 50,
		Settings: settingsExample},
	{Kind: QueueSet, Name: []byte("q")},
	{Kind: QueueDelete, Name: []byte("orders")},
	{Kind: QueuePut, Name: []byte("orders"), Message: 1, Seq: 7, Priority: 5, MaxRetry: 3,
		Created: 1_700_000_000_000, Payload: []byte("payload")},
	{Kind: QueuePut, Name: []byte("orders"), Message: 1 << 40, Seq: 1 << 50, State: Delayed,
		Reason: Nacked, Form: JSONForm, Priority: 9, Retries: 2, MaxRetry: math.MaxUint32,
		Created: 1_700_000_000_000, Due: 1_700_000_001_000, Expires: 1_700_000_002_000,
		Dedup: []byte("once"), DedupUntil: 1_700_000_003_000, Headers: []byte(`{"a":"b"}`),
		Payload: []byte(`{"json":true}`)},
	{Kind: QueuePut, Name: []byte("orders"), Message: 3, Seq: 9, State: Leased, Form: TextForm,
		Created: 1_700_000_000_000, Due: 1_700_000_001_000, Token: math.MaxUint64, Push: true,
		Consumer: []byte("worker-1"), Payload: make([]byte, 70_000)},
	{Kind: QueuePut, Name: []byte("orders"), Message: 4, Seq: 10, State: DeadLetter,
		Reason: Retried, Retries: 4, MaxRetry: 3, Created: 1_700_000_000_000},
	{Kind: QueueLease, Name: []byte("orders"), Message: 1, State: Leased, Due: 1_700_000_001_000,
		Token: 0xfeedface, Consumer: []byte("worker-1")},
	{Kind: QueueLease, Name: []byte("orders"), Message: 300, State: Leased,
		Due: 1_700_000_001_000, Token: 1, Push: true},
	{Kind: QueueReturn, Name: []byte("orders"), Message: 1, Seq: 70_000, Reason: LeaseOver,
		Retries: 1},
	{Kind: QueueReturn, Name: []byte("orders"), Message: 1, Seq: 8, State: Delayed,
		Reason: Nacked, Retries: 3, Due: 1_700_000_001_000, Expires: 1_700_000_002_000},
	{Kind: QueueRemove, Name: []byte("orders"), Message: 1, Reason: Acked},
	{Kind: QueueDead, Name: []byte("orders"), Message: 1, Seq: 8, State: DeadLetter,
		Reason: Retried, Retries: 4},
	{Kind: QueuePurge, Name: []byte("orders"), Seq: 1 << 33, State: Delayed},
	{Kind: QueueDedup, Name: []byte("orders"), Message: 1, Dedup: []byte("once"),
		DedupUntil: 1_700_000_003_000},
}

// sameQueue compares what the store sees: absent and empty bytes are the same.
func sameQueue(a, b Queue) bool { return reflect.DeepEqual(noEmpty(a), noEmpty(b)) }

func noEmpty(q Queue) Queue {
	for _, p := range []*[]byte{&q.Name, &q.Consumer, &q.Dedup, &q.Headers, &q.Payload} {
		if len(*p) == 0 {
			*p = nil
		}
	}
	return q
}

var queueCodec = codec[Queue]{AppendQueue, DecodeQueue, func(a, b Queue) bool {
	return sameQueue(used(a), b)
}, queueExamples}

func TestDecodeQueueReturnsWhatWasAppended(t *testing.T) { queueCodec.comeBack(t) }

func drawBytes(t *rapid.T, name string) []byte {
	return rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, name)
}

// drawQueue fills every field, also those that the kind does not use, within what a store writes.
func drawQueue(t *rapid.T) Queue {
	moment := rapid.OneOf(rapid.Just[int64](0), rapid.Int64Range(0, 1<<45))
	return Queue{
		Kind: Kind(rapid.IntRange(int(QueueSet), int(QueueDedup)).Draw(t, "kind")),
		Name: drawBytes(t, "name"), Message: rapid.Uint64().Draw(t, "message"),
		Seq:      rapid.Uint64().Draw(t, "seq"),
		State:    MessageState(rapid.IntRange(0, int(DeadLetter)).Draw(t, "state")),
		Reason:   Reason(rapid.IntRange(0, int(Redriven)).Draw(t, "reason")),
		Form:     PayloadForm(rapid.IntRange(0, int(JSONForm)).Draw(t, "form")),
		Priority: uint8(rapid.IntRange(0, 9).Draw(t, "priority")),
		Retries:  rapid.Uint32().Draw(t, "retries"), MaxRetry: rapid.Uint32().Draw(t, "max"),
		Created: moment.Draw(t, "created"), Due: moment.Draw(t, "due"),
		Expires: moment.Draw(t, "expires"), Token: rapid.Uint64().Draw(t, "token"),
		Push: rapid.Bool().Draw(t, "push"), Consumer: drawBytes(t, "consumer"),
		Dedup: drawBytes(t, "dedup"), DedupUntil: moment.Draw(t, "until"),
		Headers: drawBytes(t, "headers"), Payload: drawBytes(t, "payload"),
		Settings: drawQueueSettings(t),
	}
}

func drawQueueSettings(t *rapid.T) QueueSettings {
	amount := rapid.OneOf(rapid.Just[int64](0), rapid.Int64Range(0, 1<<45))
	return QueueSettings{
		Incarnation: rapid.Uint64().Draw(t, "incarnation"), Created: amount.Draw(t, "made"),
		Paused: rapid.Bool().Draw(t, "paused"), MaxDepth: amount.Draw(t, "depth"),
		DropOldest: rapid.Bool().Draw(t, "drop"), AckDeadline: amount.Draw(t, "deadline"),
		MaxRetries: rapid.Uint32().Draw(t, "retries"),
		Priority:   uint8(rapid.IntRange(0, 9).Draw(t, "priority")),
		Prefetch:   rapid.Uint32().Draw(t, "prefetch"), BackoffBase: amount.Draw(t, "base"),
		BackoffCap: amount.Draw(t, "cap"), BackoffMilli: rapid.Uint32().Draw(t, "factor"),
		JitterMilli: rapid.Uint32Range(0, 1000).Draw(t, "jitter"),
		DeadLetter:  string(drawBytes(t, "target")), TTL: amount.Draw(t, "ttl"),
		DedupWindow: amount.Draw(t, "window"), SingleActive: rapid.Bool().Draw(t, "single"),
	}
}

// used are the fields of q that its kind is about.
func used(q Queue) Queue {
	u := Queue{Kind: q.Kind, Name: q.Name, Message: q.Message}
	timed := q.State == Delayed || q.State == Leased
	switch q.Kind {
	case QueueSet:
		u.Seq, u.Settings = q.Seq, q.Settings
	case QueueDelete:
		u.Message = 0
	case QueuePut:
		u, u.Settings = q, QueueSettings{}
		if q.State != Leased {
			u.Token, u.Consumer = 0, nil
		}
		if len(q.Dedup) == 0 {
			u.DedupUntil = 0
		}
	case QueueLease:
		u.State, u.Due, u.Token, u.Push, u.Consumer = Leased, q.Due, q.Token, q.Push, q.Consumer
	case QueueReturn:
		u.Seq, u.State, u.Reason, u.Retries = q.Seq, q.State, q.Reason, q.Retries
		u.Expires, u.Due = q.Expires, q.Due
	case QueueRemove:
		u.Reason = q.Reason
	case QueueDead:
		u.Seq, u.State, u.Reason, u.Retries = q.Seq, DeadLetter, q.Reason, q.Retries
	case QueuePurge:
		u.Message, u.Seq, u.State = 0, q.Seq, q.State
	case QueueDedup:
		u.Dedup, u.DedupUntil = q.Dedup, q.DedupUntil
	}
	if !timed && (q.Kind == QueuePut || q.Kind == QueueReturn) {
		u.Due = 0
	}
	return u
}

func TestAnyQueueEffectComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { queueCodec.comesBack(t, drawQueue(t)) })
}

func TestMalformedQueueEffects(t *testing.T) {
	queueCodec.refuse(t, nil, []byte{0}, []byte{byte(Set)}, []byte{byte(Swap) + 1, 0, 0, 0},
		append([]byte{byte(QueueDedup) + 1}, make([]byte, 40)...),
		append([]byte{255}, make([]byte, 40)...))
}

func FuzzDecodeQueue(f *testing.F) { queueCodec.fuzz(f) }

// TestKindsDoNotMix: effects over keys are none over queues, and the other way round.
func TestKindsDoNotMix(t *testing.T) {
	for i := range queueExamples {
		if _, _, err := Decode(AppendQueue(nil, &queueExamples[i])); !errors.Is(err, ErrMalformed) {
			t.Errorf("kind %d is read as an effect over keys: %v", queueExamples[i].Kind, err)
		}
	}
	for i := range examples {
		if _, _, err := DecodeQueue(Append(nil, &examples[i])); !errors.Is(err, ErrMalformed) {
			t.Errorf("kind %d is read as an effect over queues: %v", examples[i].Kind, err)
		}
	}
}

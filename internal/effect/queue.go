package effect

// The kinds of effect over queues. In a record they follow those over keys. Each says what became
// of one message, or queue: applied once more, or to a state that is already later, they lead to
// the same end, so that snapshots may be taken while queues are in use.
const (
	// QueueSet makes a queue, or gives it these settings.
	QueueSet Kind = iota + FirstQueue
	// QueueDelete removes a queue and all its messages.
	QueueDelete
	// QueuePut puts a whole message into a queue, in whatever state it says.
	QueuePut
	// QueueLease hands a message to a consumer until a deadline, or moves that deadline.
	QueueLease
	// QueueReturn makes a leased, delayed or dead message ready, or delayed until a time.
	QueueReturn
	// QueueRemove removes a message: acknowledged, dropped, expired, overflowed or moved away.
	QueueRemove
	// QueueDead moves a message to the queue's own dead letters.
	QueueDead
	// QueuePurge removes the ready, delayed or dead messages up to a place in the order.
	QueuePurge
	// QueueDedup remembers a deduplication id of a message that is gone already.
	QueueDedup
)

// FirstQueue is the lowest kind over queues.
const FirstQueue = 16

// Queue is one change of a queue. Kind says which fields count; codec and meanings stand beside
// AppendQueue. Slices are only borrowed.
type Queue struct {
	Kind Kind
	Name []byte // of the queue
	// Message is the number of the message within the queue.
	Message uint64
	// Seq is its place in the order: lower is served first inside a priority.
	Seq      uint64
	State    MessageState
	Reason   Reason
	Form     PayloadForm
	Priority uint8
	Retries  uint32 // deliveries that failed so far
	MaxRetry uint32
	// Created, Due and Expires are ms since the Unix epoch. Due is when a delayed message is ready
	// or a lease ends; Expires is 0 for a message that lives until it is taken.
	Created, Due, Expires int64
	Token                 uint64 // of the lease
	Push                  bool   // the lease belongs to a connection, and ends with it
	Consumer              []byte
	Dedup                 []byte
	DedupUntil            int64
	Headers, Payload      []byte
	// Settings belong to QueueSet.
	Settings QueueSettings
}

// MessageState is where a message is in its life. Stored: append-only.
type MessageState uint8

// The states of a message.
const (
	Ready MessageState = iota
	Delayed
	Leased
	DeadLetter
)

// Reason says why a message left or came back. Stored: append-only.
type Reason uint8

// The reasons.
const (
	NoReason Reason = iota
	Acked
	Rejected  // nack without requeue
	Retried   // too many failed deliveries
	Expired   // its time to live passed
	Overflow  // the oldest went to make room
	LeaseOver // the lease's deadline passed
	Released  // the consumer's connection ended
	Nacked    // nack with requeue
	Moved     // to another queue
	Redriven  // from the dead letters back
)

// PayloadForm is how a payload was given. Stored: append-only.
type PayloadForm uint8

// The forms of payload.
const (
	BytesForm PayloadForm = iota // binary: RESP, MessagePack, an array of numbers
	TextForm                     // a JSON string
	JSONForm                     // any other JSON value: the payload is its text
)

// QueueSettings are a queue's lasting properties. Times are in ms.
type QueueSettings struct {
	// Incarnation tells a queue from another one of the same name before it.
	Incarnation uint64
	Created     int64 // since the Unix epoch
	Paused      bool

	MaxDepth     int64 // ready and delayed messages; 0 = no bound
	DropOldest   bool  // at MaxDepth: remove the oldest instead of refusing the new
	AckDeadline  int64
	MaxRetries   uint32
	Priority     uint8
	Prefetch     uint32 // leases one consumer may hold; 0 = no bound
	BackoffBase  int64  // delay of the first retry; 0 = none
	BackoffCap   int64
	BackoffMilli uint32 // factor from one retry to the next, in thousandths
	JitterMilli  uint32 // share of the delay that is random, in thousandths
	DeadLetter   string // queue that takes dead letters; "" = kept with the queue
	TTL          int64  // of messages that bring none; 0 = they live until taken
	DedupWindow  int64
	SingleActive bool // one consumer at a time
}

var reasonWords = [...]string{
	"", "acked", "rejected", "max_retries", "expired", "overflow", "lease_expired",
	"disconnected", "nacked", "moved", "redriven",
}

// String is the word for r that clients see; empty for NoReason.
func (r Reason) String() string {
	if int(r) < len(reasonWords) {
		return reasonWords[r]
	}
	return "unknown"
}

package queuecmd

import (
	"slices"

	"github.com/synapdb/synap/internal/command"
)

// Bounds of one command.
const (
	// maxPayloadBytes bounds a message: as JSON numbers and text beside them it may be ten times
	// as long, and must fit into one answer.
	maxPayloadBytes = 16 << 20
	// maxAnswerBytes bounds the payloads of one answer that is about several messages.
	maxAnswerBytes = 8 << 20
	// maxCount bounds the messages of one answer: their queue is locked meanwhile.
	maxCount = 10_000
	// maxWait is the longest that a consumer may wait, in ms.
	maxWait = 3_600_000
)

// since is the first release with these rows.
const since = "0.1.0"

// Rows are all commands over queues, of both dialects.
func Rows() []*command.Row {
	rows := slices.Concat(
		queueRows(), publishRows(), consumeRows(), settleRows(), lookRows(), deadRows(),
		queueLines(), publishLines(), consumeLines(), settleLines(), lookLines(),
		[]*command.Row{deadLine()},
	)
	for _, row := range rows {
		describe(row)
		for _, sub := range row.Subcommands {
			describe(sub)
		}
	}
	return rows
}

// describe completes a row, and lets a command line be run only with a queue's name in bounds.
func describe(row *command.Row) {
	row.Since, row.Group, row.Resource = since, "queue", "queue:<name>"
	run, at := row.Run, row.Queue
	if run == nil || at == 0 {
		return
	}
	row.Run = func(c *command.Ctx, argv [][]byte) error {
		if err := command.CheckQueue(argv[at]); err != nil {
			return err
		}
		return run(c, argv)
	}
}

// Combinations of flags. Who takes messages or settles them makes room: it is not refused when
// memory is full.
const (
	reads  = command.Read | command.Fast
	writes = command.Write | command.Fast
	grows  = command.Write | command.Fast | command.Grows
)

// Fields that many rows share.
var (
	queueField = command.Field{
		Name: "queue", Aliases: []string{"name"}, Type: command.QueueField, Required: true,
		Doc: "The queue's name, 1 to 512 bytes.",
	}
	messageField = command.Field{
		Name: "message_id", Aliases: []string{"id"}, Type: command.StringField,
		Doc: "The message's id.",
	}
	messagesField = command.Field{
		Name: "message_ids", Type: command.StringListField, Doc: "The ids of several messages.",
	}
	tokenField = command.Field{
		Name: "token", Type: command.StringField,
		Doc: "The delivery's token: a later delivery of the message is left alone.",
	}
	holderField = command.Field{
		Name: "consumer_id", Type: command.StringField,
		Doc: "Who got the message: if it was delivered to another one since, that is left alone.",
	}
	deadlineSecsField = command.Field{
		Name: "ack_deadline_secs", Type: command.UintField,
		Doc: "Seconds until the message goes to others unless acknowledged; 0: the queue's.",
	}
	deadlineField = command.Field{
		Name: "ack_deadline_ms", Type: command.UintField,
		Doc: "The same in milliseconds.",
	}
	afterField = command.Field{
		Name: "after", Type: command.StringField,
		Doc: "The last id of the answer before: go on behind it.",
	}
	limitField = command.Field{
		Name: "limit", Type: command.UintField, Doc: "At most so many; 10 when absent.",
	}
	dryField = flag("dry_run", "Only count.")
)

// flag is an optional truth value.
func flag(name, doc string) command.Field {
	return command.Field{Name: name, Type: command.BoolField, Doc: doc}
}

// number is an optional number of 0 or more.
func number(name, doc string) command.Field {
	return command.Field{Name: name, Type: command.UintField, Doc: doc}
}

// text is an optional string.
func text(name, doc string) command.Field {
	return command.Field{Name: name, Type: command.StringField, Doc: doc}
}

// replyOK answers {success: true}.
func replyOK(r command.Reply) error {
	r.Map(1)
	pairBool(r, "success", true)
	return nil
}

func pairBool(r command.Reply, name string, b bool) {
	r.Str(name)
	r.Bool(b)
}

func pairInt(r command.Reply, name string, n int64) {
	r.Str(name)
	r.Int(n)
}

func pairStr(r command.Reply, name, value string) {
	r.Str(name)
	r.Str(value)
}

func pairText(r command.Reply, name string, value []byte) {
	r.Str(name)
	r.Text(value)
}

package roomcmd

import (
	"slices"

	"github.com/synapdb/synap/internal/command"
)

// Bounds of one command.
const (
	// maxAnswerBytes bounds the texts of the events of one answer.
	maxAnswerBytes = 8 << 20
	// maxEvents bounds the events of one answer: their room is locked meanwhile.
	maxEvents     = 10_000
	defaultEvents = 100
	// maxWait is the longest that a reader may wait, in ms.
	maxWait = 3_600_000
)

// since is the first release with these rows.
const since = "0.1.0"

// Rows are all commands over rooms, of both dialects.
func Rows() []*command.Row {
	rows := slices.Concat(
		roomRows(), publishRows(), readRows(), cursorRows(), lookRows(),
		roomLines(), publishLines(), readLines(), cursorLines(), redisLines(),
		followLines(),
		[]*command.Row{describeLine()},
	)
	for _, row := range rows {
		describe(row)
		for _, sub := range row.Subcommands {
			describe(sub)
		}
	}
	return rows
}

// describe completes a row, and lets a command line be run only with a room's name in bounds.
func describe(row *command.Row) {
	row.Since, row.Group, row.Resource = since, "stream", "stream:<room>"
	run := row.Run
	if run == nil || row.Room == 0 && row.FindRoom == nil {
		return
	}
	row.Run = func(c *command.Ctx, argv [][]byte) error {
		if at := row.RoomAt(argv); at > 0 && at < len(argv) {
			if err := command.CheckRoom(argv[at]); err != nil {
				return err
			}
		}
		return run(c, argv)
	}
}

// Combinations of flags. Cursors are small: they move also when memory is full.
const (
	writes = command.Write | command.Fast
	grows  = command.Write | command.Fast | command.Grows
)

// Fields that many rows share.
var (
	roomField = command.Field{
		Name: "room", Aliases: []string{"name"}, Type: command.RoomField, Required: true,
		Doc: "The room's name, 1 to 512 bytes of UTF-8.",
	}
	consumerField = command.Field{
		Name: "consumer", Aliases: []string{"consumer_id", "subscriber_id"},
		Type: command.StringField, Required: true, Doc: "Whose cursor it is.",
	}
	limitField = number("limit", "At most so many events; 100 when absent or 0, 10000 at most.")
	bytesField = number("max_bytes", "No more events once their texts are so many bytes; 8388608 "+
		"at most and by default.")
)

// number is an optional number of 0 or more.
func number(name, doc string) command.Field {
	return command.Field{Name: name, Type: command.UintField, Doc: doc}
}

// text is an optional string.
func text(name, doc string) command.Field {
	return command.Field{Name: name, Type: command.StringField, Doc: doc}
}

// named answers {success: true, room}, or what name is instead of room, and may go on.
func named(r command.Reply, pairs int, name string, room []byte) {
	r.Map(pairs)
	pairBool(r, "success", true)
	pairText(r, name, room)
}

func pairBool(r command.Reply, name string, b bool) {
	r.Str(name)
	r.Bool(b)
}

func pairInt(r command.Reply, name string, n int64) {
	r.Str(name)
	r.Int(n)
}

// pairOffset writes an offset, or generation, which are far below 1<<63.
func pairOffset(r command.Reply, name string, n uint64) { pairInt(r, name, int64(n)) }

func pairStr(r command.Reply, name, value string) {
	r.Str(name)
	r.Str(value)
}

func pairText(r command.Reply, name string, value []byte) {
	r.Str(name)
	r.Text(value)
}

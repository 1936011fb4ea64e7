package watchcmd

import (
	"slices"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/errs"
)

// since is the first release with these rows.
const since = "0.1.0"

// Rows are all commands that watch keys, of both dialects.
func Rows() []*command.Row {
	rows := slices.Concat(feedRows(), lineRows())
	for _, row := range rows {
		row.Since, row.Resource = since, "kv:<key>"
	}
	return rows
}

// Positions of the fields of kv.watch.
const (
	watchKeys = iota
	watchFrom
	watchMode
)

func feedRows() []*command.Row {
	return []*command.Row{{
		Name: "kv.watch", Group: "kv", Flags: command.Read | command.SelfLocking,
		Summary: "Sends how keys change, over a WebSocket or as server-sent events.",
		Fields: []command.Field{
			{Name: "keys", Aliases: []string{"key", "pattern"}, Type: command.StringListField,
				Required: true, Doc: "Keys and patterns, with commas between them: `*` is one " +
					"segment between dots, or a part of one; `.#` at the end is all the rest; " +
					"`#` alone is every key."},
			{Name: "from_lsn", Type: command.ValueField, Doc: "Begin in the journal: behind the " +
				"lsn of kv.scan, or the message_id of an event. The changes from now on when " +
				"absent."},
			{Name: "mode", Type: command.StringField,
				Doc: "value (as when absent), or notify: events have no values."},
		},
		Call: func(*command.Ctx, *command.Args) error { return errFeed },
		Feed: &command.Feed{
			Path: "/kv/ws", Events: "/kv/events",
			Open: openFeed, Frames: watched, Next: ended, Closed: closeFeed,
			Stalled: stalled, Label: label, Resume: resume,
		},
	}}
}

var errFeed = errs.Request("kv.watch sends values as they come: open a WebSocket at /kv/ws, or " +
	"GET /kv/events")

// bareMode reads the name of a mode; an empty one is the default.
func bareMode(name []byte) (bare bool, err error) {
	switch string(name) {
	case "", "value":
		return false, nil
	case "notify":
		return true, nil
	}
	return false, errs.Newf(errs.BadValue, "unknown watch mode '%s' (value|notify)",
		name[:min(len(name), 128)])
}

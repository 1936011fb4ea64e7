package pubsubcmd

import (
	"slices"

	"github.com/synapdb/synap/internal/command"
)

// since is the first release with these rows.
const since = "0.1.0"

// Rows are all commands over topics, of both dialects. SPUBLISH is among those over rooms.
func Rows() []*command.Row {
	rows := slices.Concat(subscribeRows(), publishRows(), lookRows(),
		publishLines(), lookLines(), listenLines())
	for _, row := range rows {
		describe(row)
		for _, sub := range row.Subcommands {
			describe(sub)
		}
	}
	return rows
}

func describe(row *command.Row) {
	row.Since, row.Group, row.Resource = since, "pubsub", "pubsub:<topic>"
}

// Combinations of flags. Nothing here waits for data, nor can be taken back.
const (
	dotted = command.SelfLocking | command.Early
	line   = command.Lockless | command.Early
)

func pairInt(r command.Reply, name string, n int64) {
	r.Str(name)
	r.Int(n)
}

func pairText(r command.Reply, name string, value []byte) {
	r.Str(name)
	r.Text(value)
}

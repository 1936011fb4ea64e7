package conncmd

import (
	"strconv"
	"strings"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/errs"
)

// RedisVersion is the Redis whose behaviour the commands follow: clients choose features by it.
const RedisVersion = "7.0.15"

// Rows are the connection, server and transaction rows of the Redis dialect.
func Rows() []*command.Row {
	rows := connectionRows()
	rows = append(rows, transactionRows()...)
	rows = append(append(rows, serverRows()...), kvStatsRows()...)
	rows = append(rows, clientRow(), configRow(), commandRow())
	for _, row := range rows {
		markEarly(row)
	}
	return append(rows, persistenceRows()...)
}

// markEarly lets run during recovery what Redis lets run while loading: what concerns the
// connection or the server. PING is refused, as there: health checks wait for its PONG.
func markEarly(row *command.Row) {
	for _, sub := range row.Subcommands {
		markEarly(sub)
	}
	switch {
	case row.Group == "transactions" && row.Name != "WATCH":
	case row.Name == "PING" || !row.Has(command.Lockless) && !row.Has(command.Admin):
		return
	case row.Flags&(command.Write|command.Read) != 0:
		return
	}
	row.Flags |= command.Early
}

var (
	errSyntax     = errs.New(errs.Redis, "ERR syntax error")
	errNotInteger = errs.New(errs.Redis, "ERR value is not an integer or out of range")
)

// quick is what rows need that touch neither keys nor locks.
const quick = command.Lockless | command.Fast

// container makes a row of subcommands and adds HELP, which lists them.
func container(name, group, summary string, subs ...*command.Row) *command.Row {
	row := &command.Row{Name: name, Arity: -2, Group: group, Summary: summary, Since: "0.1.0",
		Flags: command.Lockless}
	help := &command.Row{Name: "HELP", Arity: 2, Summary: "Prints this help.", Flags: quick}
	help.Run = func(c *command.Ctx, _ [][]byte) error {
		writeHelp(c.Reply, row)
		return nil
	}
	row.Subcommands = append(subs, help)
	for _, sub := range row.Subcommands {
		sub.Group, sub.Since = group, row.Since
	}
	return row
}

func writeHelp(r command.Reply, row *command.Row) {
	r.Array(1 + 2*len(row.Subcommands))
	r.Status(row.Name + " <subcommand> [<arg> [value] [opt] ...]. Subcommands are:")
	for _, sub := range row.Subcommands {
		r.Status(strings.TrimSpace(sub.Name + " " + sub.Words))
		r.Status("    " + sub.Summary)
	}
}

// integer reads a decimal as Redis does: no plus sign, spaces or leading zeros.
func integer(word []byte) (int64, bool) {
	n, err := strconv.ParseInt(string(word), 10, 64)
	return n, err == nil && strconv.FormatInt(n, 10) == string(word)
}

// wrongArity is the refusal for a row whose words don't come in the right numbers.
func wrongArity(fullName string) error {
	return errs.New(errs.Redis, "ERR wrong number of arguments for '"+fullName+"' command")
}

func ok(c *command.Ctx) error {
	c.Reply.Status("OK")
	return nil
}

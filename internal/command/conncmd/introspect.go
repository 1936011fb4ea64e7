package conncmd

import (
	"strings"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/command/lines"
	"github.com/synapdb/synap/internal/errs"
	"github.com/synapdb/synap/internal/glob"
)

var (
	errNoSuchCommand = errs.New(errs.Redis, "ERR Invalid command specified")
	errBadArity      = errs.New(errs.Redis,
		"ERR Invalid number of arguments specified for command")
	errManyNames = errs.Newf(errs.Redis, "ERR ask about at most %d commands at once", mostNames)
	errNoKeys    = errs.New(errs.Redis, "ERR The command has no key arguments")
)

// mostNames bounds the names of one COMMAND INFO or COMMAND DOCS: a few bytes ask for kilobytes.
const mostNames = 1000

// commandRow describes the table itself. Rows of the Synap dialect cannot be sent as command
// lines, so they are left out everywhere.
func commandRow() *command.Row {
	row := container("COMMAND", "server", "Describes the commands.",
		&command.Row{Name: "COUNT", Arity: 2, Flags: quick, Run: commandCount,
			Summary: "Return the number of commands."},
		&command.Row{Name: "LIST", Arity: -2,
			Words: "[FILTERBY <MODULE module|ACLCAT category|PATTERN pattern>]",
			Flags: command.Lockless, Run: commandList,
			Summary: "Return the names of the commands."},
		&command.Row{Name: "INFO", Arity: -2, Words: "[command-name [command-name ...]]",
			Flags: command.Lockless, Run: commandInfo,
			Summary: "Return details of the commands."},
		&command.Row{Name: "DOCS", Arity: -2, Words: "[command-name [command-name ...]]",
			Flags: command.Lockless, Run: commandDocs,
			Summary: "Return the documentation of the commands."},
		&command.Row{Name: "GETKEYS", Arity: -4, Words: "command arg [arg ...]",
			Flags: command.Lockless, Run: commandGetKeys,
			Summary: "Return the keys of a command line."},
	)
	row.Arity = -1
	row.Run = func(c *command.Ctx, _ [][]byte) error {
		rows := redisRows(c.Engine)
		c.Reply.Array(len(rows))
		for _, r := range rows {
			writeInfo(c.Reply, r)
		}
		return nil
	}
	return row
}

// redisRows are the rows of the Redis dialect, by name.
func redisRows(e *command.Engine) []*command.Row {
	var rows []*command.Row
	for _, row := range e.Table.Rows() {
		if row.Call == nil {
			rows = append(rows, row)
		}
	}
	return rows
}

// find looks a command up by its name or full name ("client|list"); nil if there is none.
func find(e *command.Engine, name []byte) *command.Row {
	first, sub, hasSub := strings.Cut(string(name), "|")
	row := e.Table.Redis([]byte(first))
	if row == nil || !hasSub {
		return row
	}
	for _, r := range row.Subcommands {
		if strings.EqualFold(r.Name, sub) {
			return r
		}
	}
	return nil
}

func commandCount(c *command.Ctx, _ [][]byte) error {
	c.Reply.Int(int64(len(redisRows(c.Engine))))
	return nil
}

func commandList(c *command.Ctx, argv [][]byte) error {
	want := func(*command.Row) bool { return true }
	if len(argv) > 2 {
		if len(argv) != 5 || !lines.Is(argv[2], "FILTERBY") {
			return errSyntax
		}
		by := argv[4]
		switch {
		case lines.Is(argv[3], "MODULE"):
			want = func(*command.Row) bool { return false }
		case lines.Is(argv[3], "ACLCAT"):
			want = func(r *command.Row) bool { return inCategory(r, string(by)) }
		case lines.Is(argv[3], "PATTERN"):
			want = func(r *command.Row) bool { return glob.Match(by, []byte(r.FullName()), true) }
		default:
			return errSyntax
		}
	}
	var names []string
	for _, row := range redisRows(c.Engine) {
		for _, r := range append([]*command.Row{row}, row.Subcommands...) {
			if want(r) {
				names = append(names, r.FullName())
			}
		}
	}
	c.Reply.Array(len(names))
	for _, name := range names {
		c.Reply.Str(name)
	}
	return nil
}

func inCategory(row *command.Row, name string) bool {
	for _, category := range categories(row) {
		if strings.EqualFold(category[1:], name) {
			return true
		}
	}
	return false
}

func commandInfo(c *command.Ctx, argv [][]byte) error {
	if len(argv) == 2 {
		return c.Engine.Table.Redis([]byte("command")).Run(c, argv)
	}
	if len(argv)-2 > mostNames {
		return errManyNames
	}
	c.Reply.Array(len(argv) - 2)
	for _, name := range argv[2:] {
		if row := find(c.Engine, name); row != nil {
			writeInfo(c.Reply, row)
		} else {
			c.Reply.Null()
		}
	}
	return nil
}

func commandDocs(c *command.Ctx, argv [][]byte) error {
	rows := redisRows(c.Engine)
	if len(argv)-2 > mostNames {
		return errManyNames
	}
	if len(argv) > 2 {
		rows = nil
		for _, name := range argv[2:] {
			if row := find(c.Engine, name); row != nil {
				rows = append(rows, row)
			}
		}
	}
	c.Reply.Map(len(rows))
	for _, row := range rows {
		c.Reply.Str(row.FullName())
		writeDocs(c.Reply, row)
	}
	return nil
}

func commandGetKeys(c *command.Ctx, argv [][]byte) error {
	line := argv[2:]
	row, err := c.Engine.Resolve(line)
	if err != nil {
		if find(c.Engine, line[0]) == nil {
			return errNoSuchCommand
		}
		return errBadArity
	}
	keys := row.KeysOf(line)
	if len(keys) == 0 {
		return errNoKeys
	}
	c.Reply.Array(len(keys))
	for _, key := range keys {
		c.Reply.Bytes(key)
	}
	return nil
}

// writeInfo describes a row in the ten elements of COMMAND INFO.
func writeInfo(r command.Reply, row *command.Row) {
	r.Array(10)
	r.Str(row.FullName())
	r.Int(int64(row.Arity))
	writeWords(r, flags(row))
	r.Int(int64(row.Keys.First))
	r.Int(int64(row.Keys.Last))
	r.Int(int64(row.Keys.Step))
	writeWords(r, categories(row))
	r.Set(0) // tips for proxies: none
	writeKeySpecs(r, row)
	r.Set(len(row.Subcommands))
	for _, sub := range row.Subcommands {
		writeInfo(r, sub)
	}
}

func writeWords(r command.Reply, words []string) {
	r.Set(len(words))
	for _, word := range words {
		r.Status(word)
	}
}

func flags(row *command.Row) []string {
	var words []string
	for _, f := range []struct {
		flag command.Flag
		word string
	}{
		{command.Write, "write"}, {command.Read, "readonly"}, {command.Grows, "denyoom"},
		{command.Admin, "admin"}, {command.Blocking, "blocking"}, {command.Fast, "fast"},
		{command.NoMulti, "no_multi"},
	} {
		if row.Has(f.flag) {
			words = append(words, f.word)
		}
	}
	return words
}

// categories are Redis' access control categories of a row, each with its "@".
func categories(row *command.Row) []string {
	var words []string
	add := func(flag command.Flag, names ...string) {
		if row.Has(flag) {
			words = append(words, names...)
		}
	}
	add(command.Write, "@write")
	add(command.Read, "@read")
	add(command.Admin, "@admin", "@dangerous")
	add(command.Blocking, "@blocking")
	switch row.Group {
	case "generic":
		words = append(words, "@keyspace")
	case "transactions":
		words = append(words, "@transaction")
	case "string", "bitmap", "connection", "scripting":
		words = append(words, "@"+row.Group)
	}
	if row.Has(command.Fast) {
		return append(words, "@fast")
	}
	return append(words, "@slow")
}

// writeKeySpecs puts First, Last and Step as Redis 7 does: a start, and a range from there.
func writeKeySpecs(r command.Reply, row *command.Row) {
	if row.Keys.First == 0 {
		r.Set(0)
		return
	}
	access := []string{"RW", "access", "update"}
	if row.Has(command.Read) {
		access = []string{"RO", "access"}
	}
	last := row.Keys.Last
	if last > 0 {
		last -= row.Keys.First
	}
	r.Set(1)
	r.Map(3)
	r.Str("flags")
	writeWords(r, access)
	r.Str("begin_search")
	writeSpec(r, "index", []string{"index"}, row.Keys.First)
	r.Str("find_keys")
	writeSpec(r, "range", []string{"lastkey", "keystep", "limit"}, last, row.Keys.Step, 0)
}

func writeSpec(r command.Reply, kind string, names []string, values ...int) {
	r.Map(2)
	r.Str("type")
	r.Str(kind)
	r.Str("spec")
	r.Map(len(names))
	for i, name := range names {
		r.Str(name)
		r.Int(int64(values[i]))
	}
}

package synapcmd

import "github.com/synapdb/synap/internal/command"

// Options are what a configuration decides about the dialect.
type Options struct {
	// AllowFlush lets kv.flushdb and kv.flushall work.
	AllowFlush bool
}

// Rows are all commands of the dialect.
func Rows(o Options) []*command.Row {
	var all []*command.Row
	for _, family := range [][]*command.Row{
		readRows(), writeRows(), conditionRows(), numberRows(), manyRows(), rangeRows(),
		deadlineRows(), scanRows(), spaceRows(o), keyRows(), adminRows(), batchRows(),
		snapshotRows(),
	} {
		all = append(all, family...)
	}
	for _, row := range all {
		if row.Group == "" {
			row.Group, row.Resource = "kv", "kv:<key>"
		}
		row.Since = "0.1.0"
	}
	return all
}

// Combinations of flags.
const (
	reads  = command.Read | command.Fast
	writes = command.Write | command.Fast
	grows  = command.Write | command.Fast | command.Grows
	sweeps = command.Read | command.AllKeys
)

// Fields that many rows share.
var (
	keyField = command.Field{
		Name: "key", Type: command.KeyField, Required: true, Doc: "The key.",
	}
	valueField = command.Field{
		Name: "value", Type: command.ValueField, Required: true, Doc: "Any JSON value.",
	}
	ttlField = command.Field{
		Name: "ttl", Type: command.IntField, Doc: "Seconds to live, 1 or more; absent: forever.",
	}
)

// flag is an optional truth value.
func flag(name, doc string) command.Field {
	return command.Field{Name: name, Type: command.BoolField, Doc: doc}
}

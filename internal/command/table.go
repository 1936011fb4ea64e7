package command

import (
	"fmt"
	"sort"
	"strings"
)

// maxNameBytes bounds a command name; longer ones are unknown without looking.
const maxNameBytes = 32

// Table finds rows by name. It is immutable once made.
type Table struct {
	rows  []*Row
	ids   int             // rows and subcommands, each with its own ID
	redis map[string]*Row // lower case
	synap map[string]*Row // exact
}

// NewTable makes a table of families of rows. It panics on a bad or doubled row: the table is
// part of the program.
func NewTable(families ...[]*Row) *Table {
	t := &Table{redis: map[string]*Row{}, synap: map[string]*Row{}}
	for _, family := range families {
		for _, row := range family {
			t.add(row)
		}
	}
	sort.Slice(t.rows, func(i, j int) bool { return t.rows[i].Name < t.rows[j].Name })
	for i, row := range t.rows {
		row.id = i
		row.full = strings.ToLower(row.Name)
	}
	t.ids = len(t.rows)
	for _, row := range t.rows {
		for _, sub := range row.Subcommands {
			sub.id = t.ids
			sub.full = row.full + "|" + strings.ToLower(sub.Name)
			t.ids++
		}
	}
	return t
}

func (t *Table) add(row *Row) {
	if (row.Call == nil) == (row.Run == nil && row.Subcommands == nil) {
		panic(fmt.Sprintf("command %q must have either Run or Call", row.Name))
	}
	if len(row.Name) > maxNameBytes {
		panic(fmt.Sprintf("command %q is over the table's bounds", row.Name))
	}
	names := append([]string{row.Name}, row.Aliases...)
	into, fold := t.redis, strings.ToLower
	if row.Call != nil {
		into, fold = t.synap, func(s string) string { return s }
	}
	for _, name := range names {
		if into[fold(name)] != nil {
			panic(fmt.Sprintf("command %q is in the table twice", name))
		}
		into[fold(name)] = row
	}
	t.rows = append(t.rows, row)
}

// Redis finds a row of the Redis dialect; case does not matter. nil if there is none.
func (t *Table) Redis(name []byte) *Row {
	var lower [maxNameBytes]byte
	if len(name) > len(lower) {
		return nil
	}
	for i, c := range name {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		lower[i] = c
	}
	return t.redis[string(lower[:len(name)])]
}

// Synap finds a row of the Synap dialect, exact case. nil if there is none.
func (t *Table) Synap(name []byte) *Row { return t.synap[string(name)] }

// Rows are all rows, by name. The caller must not change them.
func (t *Table) Rows() []*Row { return t.rows }

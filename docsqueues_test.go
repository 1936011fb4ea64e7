package synap_test

import (
	"fmt"
	"strings"

	"github.com/synapdb/synap/internal/assembly"
	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/command/synapcmd"
)

// typeNames are the types of fields, for people.
var typeNames = map[command.FieldType]string{
	command.StringField: "string", command.ValueField: "number or word",
	command.IntField: "number", command.UintField: "number", command.BoolField: "boolean",
	command.QueueField: "string", command.PayloadField: "any",
	command.ObjectListField: "array of objects", command.GuardField: "object",
	command.StringListField: "array of strings", command.ObjectField: "object",
}

// fieldList tells what the fields of a row mean. Settings have a table of their own.
func fieldList(b *strings.Builder, row *command.Row) {
	if len(row.Fields) == 1 && row.Fields[0].Type == command.QueueField {
		return
	}
	fmt.Fprintf(b, "**`%s`**\n\n", row.Name)
	settings := map[string]bool{}
	for i := range row.Fields {
		f := &row.Fields[i]
		if settings[f.Name] || f.Type == command.QueueField && f.Name == "queue" {
			continue
		}
		name, kind := "`"+f.Name+"`", typeNames[f.Type]
		if f.Required {
			name = "**" + name + "**"
		}
		if f.Name == "config" {
			kind = "object"
			for j := range f.Item.Fields {
				settings[f.Item.Fields[j].Name] = true
			}
		}
		for _, alias := range f.Aliases {
			name += " or `" + alias + "`"
		}
		fmt.Fprintf(b, "- %s (%s): %s\n", name, kind, f.Doc)
	}
	if len(settings) > 0 {
		b.WriteString("- each of the [settings](#settings)\n")
	}
	b.WriteString("\n")
}

// alone says which commands no atomic batch takes.
func alone() string {
	var names []string
	for _, row := range assembly.Table(synapcmd.Options{}).Rows() {
		if row.Call != nil && row.Flags&(command.NoMulti|command.SelfLocking) != 0 {
			names = append(names, "`"+row.Name+"`")
		}
	}
	return "\nAny command may be part of an atomic batch (`\"atomic\": true`) but these: " +
		strings.Join(names, ", ") + ".\n"
}

// settingTable are the settings of queue.create, queue.update, QCREATE and QUPDATE.
func settingTable() string {
	var b strings.Builder
	b.WriteString("### Settings\n\nOf `queue.create`, `queue.update`, QCREATE and QUPDATE. " +
		"A number may also be the word\n`default`, as [configured](configuration.md), or `none`, " +
		"which is 0: to those that create,\nthe digit 0 is the default.\n\n" +
		"| setting | type | |\n|---|---|---|\n")
	row := assembly.Table(synapcmd.Options{}).Synap([]byte("queue.create"))
	config := row.Fields[row.Index([]byte("config"))].Item
	for i := range config.Fields {
		f := &config.Fields[i]
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", f.Name, typeNames[f.Type], cell(f.Doc))
	}
	return b.String()
}

package conncmd

import "github.com/synapdb/synap/internal/command"

// pair is one entry of a map being gathered before its length is announced.
type pair struct {
	name  string
	write func()
}

func writePairs(r command.Reply, pairs []pair) {
	r.Map(len(pairs))
	for _, p := range pairs {
		r.Str(p.name)
		p.write()
	}
}

// writeDocs describes a row as COMMAND DOCS does.
func writeDocs(r command.Reply, row *command.Row) {
	text := func(name, value string) pair { return pair{name, func() { r.Str(value) }} }
	pairs := []pair{text("summary", row.Summary), text("since", row.Since),
		text("group", row.Group)}
	if args := parseWords(row.Words); len(args) > 0 {
		pairs = append(pairs, pair{"arguments", func() { writeArguments(r, args) }})
	}
	if len(row.Subcommands) > 0 {
		pairs = append(pairs, pair{"subcommands", func() {
			r.Map(len(row.Subcommands))
			for _, sub := range row.Subcommands {
				r.Str(sub.FullName())
				writeDocs(r, sub)
			}
		}})
	}
	writePairs(r, pairs)
}

func writeArguments(r command.Reply, args []argument) {
	r.Array(len(args))
	for _, a := range args {
		text := func(name, value string) pair { return pair{name, func() { r.Str(value) }} }
		pairs := []pair{text("name", a.name), text("type", a.kind)}
		if a.kind == "key" {
			const spec = 0 // a row has one key specification
			pairs = append(pairs, pair{"key_spec_index", func() { r.Int(spec) }})
		}
		if a.token != "" {
			pairs = append(pairs, text("token", a.token))
		}
		var flags []string
		if a.optional {
			flags = append(flags, "optional")
		}
		if a.multiple {
			flags = append(flags, "multiple")
		}
		if flags != nil {
			pairs = append(pairs, pair{"flags", func() { writeWords(r, flags) }})
		}
		if a.args != nil {
			pairs = append(pairs, pair{"arguments", func() { writeArguments(r, a.args) }})
		}
		writePairs(r, pairs)
	}
}

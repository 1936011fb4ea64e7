package config

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// WriteTemplate writes a commented YAML file with every setting at its default.
func WriteTemplate(w io.Writer) error {
	var b strings.Builder
	b.WriteString("# Settings of synap-server. All are optional; the values are the defaults.\n" +
		"# Environment variables (SYNAP_SERVER_PORT …) and flags win over this file.\n")
	section := ""
	for i := range Settings {
		s := &Settings[i]
		if s.Section() != section {
			section = s.Section()
			fmt.Fprintf(&b, "\n%s:\n", section)
		}
		fmt.Fprintf(&b, "  # %s\n", s.Doc)
		if s.Kind != Text {
			fmt.Fprintf(&b, "  # %s\n", s.Expects())
		}
		fmt.Fprintf(&b, "  %s: %s\n", s.Name(), s.yaml(s.Default))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// yaml quotes values that YAML would read as something else.
func (s *Setting) yaml(value string) string {
	if s.Kind == Text {
		return fmt.Sprintf("%q", value)
	}
	return value
}

// WriteValues writes the effective values as YAML, with their origins as comments if wanted.
func (l *Loaded) WriteValues(w io.Writer, origins bool) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	section := ""
	for i := range Settings {
		s := &Settings[i]
		if s.Section() != section {
			section = s.Section()
			fmt.Fprintf(tw, "%s:\n", section) //nolint:errcheck // Flush reports it
		}
		line := fmt.Sprintf("  %s: %s", s.Name(), s.yaml(l.Values[s.Key]))
		if origins {
			line += "\t# " + l.Origin[s.Key]
		}
		fmt.Fprintln(tw, line) //nolint:errcheck // Flush reports it
	}
	return tw.Flush()
}

// WriteEnv writes a table of the environment variables with their defaults.
func WriteEnv(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "VARIABLE\tDEFAULT\tMEANING") //nolint:errcheck // Flush reports it
	for i := range Settings {
		s := &Settings[i]
		fmt.Fprintf(tw, "%s\t%s\t%s\n", s.Env(), s.Default, s.Doc) //nolint:errcheck // as above
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w, "\nEach also as <VARIABLE>_FILE: the path of a file with the value.")
	return err
}

// WriteSchema writes a JSON Schema of the file, for editors.
func WriteSchema(w io.Writer) error {
	properties := map[string]any{}
	for _, section := range sections() {
		fields := map[string]any{}
		for i := range Settings {
			if s := &Settings[i]; s.Section() == section {
				fields[s.Name()] = s.schema()
			}
		}
		properties[section] = map[string]any{"type": "object",
			"additionalProperties": false, "properties": fields}
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(map[string]any{
		"$schema": "https://json-schema.org/draft/2020-12/schema",
		"title":   "synap-server configuration", "type": "object",
		"additionalProperties": false, "properties": properties,
	})
}

func (s *Setting) schema() map[string]any {
	m := map[string]any{"description": s.Doc, "default": s.Default}
	switch s.Kind {
	case Whole:
		m["type"], m["minimum"], m["maximum"] = "integer", s.Min, s.Max
	case Megabytes:
		m["type"] = []string{"integer", "string"}
	case Truth:
		m["type"] = "boolean"
	case Choice:
		m["enum"] = s.Choices
	default:
		m["type"] = "string"
	}
	switch s.Kind {
	case Whole, Megabytes:
		_, n, _ := s.parse(s.Default) // a test checks every default
		m["default"] = n
	case Truth:
		m["default"] = s.Default == "true"
	default: // text and choices are themselves
	}
	return m
}

// Summary counts the origins for the banner: "defaults + file config.yml + 2 env + 1 flag".
func (l *Loaded) Summary() string {
	file, envs, flags := "", 0, 0
	for _, o := range l.Origin {
		switch kind, rest, _ := strings.Cut(o, " "); kind {
		case "file":
			file = " + file " + rest[:strings.LastIndexByte(rest, ':')]
		case "env":
			envs++
		case "flag":
			flags++
		}
	}
	out := "defaults" + file
	if envs > 0 {
		out += fmt.Sprintf(" + %d env", envs)
	}
	if flags > 0 {
		out += fmt.Sprintf(" + %d flag", flags)
	}
	return out
}

package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// yamlFile is koanf's parser for one file. It refuses what the table does not know, and keeps
// the line of every key for messages.
type yamlFile struct {
	path  string
	lines map[string]int
}

// Unmarshal reads the file's text.
func (y *yamlFile) Unmarshal(text []byte) (map[string]any, error) {
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		return nil, y.syntax(err)
	}
	y.lines = map[string]int{}
	var problems []error
	for i, doc := range file.Docs {
		if i > 0 && doc.Body != nil { // the decoder below would pass over it
			problems = append(problems, fmt.Errorf("%s: a second document begins; keep all "+
				"settings in one, without lines of ---", y.at(doc.Body.GetToken())))
			continue
		}
		problems = append(problems, y.section("", doc.Body)...)
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	values := map[string]any{}
	if err := yaml.Unmarshal(text, &values); err != nil {
		return nil, y.syntax(err)
	}
	for name, v := range values {
		if v == nil {
			delete(values, name) // a section whose keys are all commented out
		}
	}
	return values, nil
}

// Marshal is part of koanf's interface; nothing writes files through it.
func (y *yamlFile) Marshal(map[string]any) ([]byte, error) {
	return nil, errors.ErrUnsupported
}

// syntax words a parser's complaint as file:line: problem.
func (y *yamlFile) syntax(err error) error {
	var located yaml.Error
	if errors.As(err, &located) {
		if t := located.GetToken(); t != nil && t.Position != nil {
			return fmt.Errorf("%s:%d: %s", y.path, t.Position.Line, located.GetMessage())
		}
	}
	return fmt.Errorf("%s: %w", y.path, err)
}

// section checks the keys below prefix.
func (y *yamlFile) section(prefix string, n ast.Node) (problems []error) {
	switch n := n.(type) {
	case nil, *ast.NullNode, *ast.CommentGroupNode:
		return nil
	case *ast.MappingNode:
		for _, pair := range n.Values {
			problems = append(problems, y.pair(prefix, pair)...)
		}
		return problems
	case *ast.MappingValueNode:
		return y.pair(prefix, n)
	default:
		where := "the file"
		if prefix != "" {
			where = strings.TrimSuffix(prefix, ".")
		}
		return []error{fmt.Errorf("%s: %s must be a mapping of names to values",
			y.at(n.GetToken()), where)}
	}
}

func (y *yamlFile) pair(prefix string, pair *ast.MappingValueNode) []error {
	name := pair.Key.GetToken().Value
	key := prefix + name
	if prefix == "" && slices.Contains(sections(), name) {
		return y.section(name+".", pair.Value)
	}
	if Find(key) == nil {
		return []error{y.unknown(prefix, name, pair.Key.GetToken())}
	}
	switch pair.Value.(type) {
	case *ast.NullNode:
		return []error{fmt.Errorf("%s: %s has no value; write one, or remove the line",
			y.at(pair.Key.GetToken()), key)}
	case *ast.MappingNode, *ast.MappingValueNode, *ast.SequenceNode:
		return []error{fmt.Errorf("%s: %s must be a single value", y.at(pair.Key.GetToken()), key)}
	}
	y.lines[key] = pair.Key.GetToken().Position.Line
	return nil
}

func (y *yamlFile) unknown(prefix, name string, t *token.Token) error {
	candidates := sections()
	if prefix != "" {
		candidates = nil
		for i := range Settings {
			if Settings[i].Section()+"." == prefix {
				candidates = append(candidates, Settings[i].Name())
			}
		}
	}
	err := fmt.Errorf("%s: unknown key %s%s", y.at(t), prefix, name)
	if guess := nearest(name, candidates); guess != "" {
		return fmt.Errorf("%w; did you mean %s%s?", err, prefix, guess)
	}
	// The name may be right and its section wrong.
	for i := range Settings {
		if Settings[i].Name() == name {
			return fmt.Errorf("%w; did you mean %s?", err, Settings[i].Key)
		}
	}
	return fmt.Errorf("%w; known are %s", err, strings.Join(candidates, ", "))
}

func (y *yamlFile) at(t *token.Token) string {
	if t == nil || t.Position == nil {
		return y.path
	}
	return fmt.Sprintf("%s:%d", y.path, t.Position.Line)
}

// sections are the top-level keys, in the table's order.
func sections() (names []string) {
	for i := range Settings {
		if s := Settings[i].Section(); !slices.Contains(names, s) {
			names = append(names, s)
		}
	}
	return names
}

package synap_test

import (
	"bufio"
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The laws of the house. Each is a number or a list, so that changing a law is a visible act.
const (
	maxFunctionLines = 70
	maxFileLines     = 600
	maxColumns       = 100
)

// mayImport is the import lattice: a folder and the folders of ours it may import. A folder not
// listed inherits from its parent; a name ending in /... covers what lies below it.
var mayImport = map[string][]string{
	"internal/errs":   {},
	"internal/clock":  {},
	"internal/run":    {},
	"internal/effect": {},
	"internal/glob":   {},
	"internal/config": {},
	"internal/store":  {"internal/errs", "internal/effect", "internal/glob", "internal/store/..."},
	"internal/wire": {"internal/store/kv", "internal/store/pubsub", "internal/errs",
		"internal/effect", "internal/command", "internal/wire/..."},
	"internal/command": {"internal/store", "internal/store/kv", "internal/store/queue",
		"internal/store/room", "internal/store/pubsub", "internal/errs", "internal/effect",
		"internal/clock", "internal/glob", "internal/command/..."},
	"internal/server": {"internal/wire/...", "internal/command", "internal/run", "internal/clock",
		"internal/errs", "internal/store/kv"},
	"internal/vfs":              {},
	"internal/journal":          {"internal/vfs", "internal/clock", "internal/run"},
	"internal/journal/snapshot": {"internal/vfs"},
	"internal/persist": {"internal/store/...", "internal/journal/...", "internal/vfs",
		"internal/effect", "internal/run", "internal/clock", "internal/errs"},
	"internal/assembly": {"internal/..."},
	"internal/cli": {"internal/config", "internal/assembly", "internal/run", "internal/persist",
		"internal/vfs"},
	"client":             {},
	"internal/benchmark": {"internal/benchmark/...", "internal/run", "client"},
	"cmd":                {"internal/..."},
	"bench":              {"bench/process", "internal/benchmark/probe"},
	"test":               {"internal/..."},
}

// onlyIn names packages that just one folder of ours may import.
var onlyIn = map[string]string{
	"github.com/panjf2000/gnet/v2": "internal/server",
}

// mayAskTime and mayStartGoroutines list the folders outside of which time.Now and go statements
// are forbidden in program code.
var (
	mayAskTime = []string{"internal/clock", "cmd", "bench", "internal/cli",
		"internal/benchmark", "client"}
	mayStartGoroutines = []string{"internal/run", "bench", "internal/benchmark", "client"}
)

type source struct {
	path string // slashes, relative to the root
	dir  string
	test bool
	text []byte
	set  *token.FileSet
	file *ast.File
}

func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if path != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		s := source{path: filepath.ToSlash(path), dir: filepath.ToSlash(filepath.Dir(path)),
			test: strings.HasSuffix(path, "_test.go"), text: text, set: token.NewFileSet()}
		s.file, err = parser.ParseFile(s.set, path, text, parser.ParseComments)
		all = append(all, s)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func within(dir string, folders []string) bool {
	return slices.ContainsFunc(folders, func(f string) bool {
		return dir == f || strings.HasPrefix(dir, f+"/")
	})
}

func TestFilesAreShortAndNarrow(t *testing.T) {
	for _, s := range sources(t) {
		lines := bytes.Split(bytes.TrimSuffix(s.text, []byte("\n")), []byte("\n"))
		if len(lines) > maxFileLines {
			t.Errorf("%s has %d lines, the law is %d: look for the room that is missing",
				s.path, len(lines), maxFileLines)
		}
		for i, line := range lines {
			// A tab counts as four columns; a byte diagram or URL gets no exception.
			wide := len([]rune(string(line))) + 3*bytes.Count(line, []byte("\t"))
			if wide > maxColumns {
				t.Errorf("%s:%d is %d columns wide, the law is %d", s.path, i+1, wide, maxColumns)
			}
		}
	}
}

func TestFunctionsAreShort(t *testing.T) {
	for _, s := range sources(t) {
		for _, d := range s.file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			lines := s.set.Position(f.End()).Line - s.set.Position(f.Pos()).Line + 1
			if lines > maxFunctionLines {
				t.Errorf("%s: %s has %d lines, the law is %d", s.path, f.Name.Name, lines,
					maxFunctionLines)
			}
		}
	}
}

func TestExportedNamesAreDocumented(t *testing.T) {
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		for _, d := range s.file.Decls {
			for _, name := range undocumented(d) {
				t.Errorf("%s: exported %s has no doc comment", s.path, name)
			}
		}
	}
}

// undocumented lists the exported names of a declaration that carry no comment of their own and
// stand in no commented group.
func undocumented(d ast.Decl) (names []string) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Name.IsExported() && d.Doc == nil && exportedReceiver(d) {
			names = append(names, d.Name.Name)
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				if spec.Name.IsExported() && d.Doc == nil && spec.Doc == nil {
					names = append(names, spec.Name.Name)
				}
			case *ast.ValueSpec:
				documented := d.Doc != nil || spec.Doc != nil || spec.Comment != nil
				for _, n := range spec.Names {
					if n.IsExported() && !documented {
						names = append(names, n.Name)
					}
				}
			}
		}
	}
	return names
}

func exportedReceiver(f *ast.FuncDecl) bool {
	if f.Recv == nil {
		return true
	}
	typ := f.Recv.List[0].Type
	if star, ok := typ.(*ast.StarExpr); ok {
		typ = star.X
	}
	id, ok := typ.(*ast.Ident)
	return !ok || id.IsExported()
}

func TestPackagesSayWhatTheyDo(t *testing.T) {
	docs := map[string]string{}
	for _, s := range sources(t) {
		if !s.test && strings.HasPrefix(s.dir, "internal/") {
			docs[s.dir] += s.file.Doc.Text()
		}
	}
	for dir, doc := range docs {
		for _, line := range []string{"Receives:", "Hands on:", "Never does:"} {
			if !strings.Contains(doc, line) {
				t.Errorf("package %s does not say %q", dir, line)
			}
		}
	}
}

func TestImportLattice(t *testing.T) {
	const module = "github.com/synapdb/synap/"
	for _, s := range sources(t) {
		for _, imp := range s.file.Imports {
			path := strings.Trim(imp.Path.Value, `"`)
			for pkg, owner := range onlyIn {
				if strings.HasPrefix(path, pkg) && !within(s.dir, []string{owner}) {
					t.Errorf("%s imports %s, which only %s may", s.path, pkg, owner)
				}
			}
			ours, ok := strings.CutPrefix(path, module)
			if !ok || s.test || ours == s.dir {
				continue
			}
			if allowed, known := ruleFor(s.dir); !known {
				t.Errorf("%s: no import rule covers %s; add one to mayImport", s.path, s.dir)
			} else if !covers(allowed, ours) {
				t.Errorf("%s may not import %s", s.path, ours)
			}
		}
	}
}

func ruleFor(dir string) ([]string, bool) {
	for ; dir != "."; dir = filepath.ToSlash(filepath.Dir(dir)) {
		if rule, ok := mayImport[dir]; ok {
			return rule, true
		}
	}
	return nil, false
}

func covers(allowed []string, path string) bool {
	return slices.ContainsFunc(allowed, func(a string) bool {
		below, tree := strings.CutSuffix(a, "/...")
		return a == path || tree && (path == below || strings.HasPrefix(path, below+"/"))
	})
}

func TestTimeAndGoroutinesHaveOneHome(t *testing.T) {
	for _, s := range sources(t) {
		if s.test || strings.HasPrefix(s.dir, "test") {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GoStmt:
				if !within(s.dir, mayStartGoroutines) {
					t.Errorf("%s: a go statement outside %v", s.set.Position(n.Pos()),
						mayStartGoroutines)
				}
			case *ast.SelectorExpr:
				pkg, ok := n.X.(*ast.Ident)
				if ok && pkg.Name == "time" && n.Sel.Name == "Now" && !within(s.dir, mayAskTime) {
					t.Errorf("%s: time.Now outside %v", s.set.Position(n.Pos()), mayAskTime)
				}
			}
			return true
		})
	}
}

func TestEveryDependencyIsArgued(t *testing.T) {
	mod, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	architecture, err := os.ReadFile("ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	require := regexp.MustCompile(`^\s*(?:require )?(\S+\.\S+/\S+|\S+\.\S+) v\S+$`)
	found := 0
	scan := bufio.NewScanner(bytes.NewReader(mod))
	for scan.Scan() {
		m := require.FindStringSubmatch(scan.Text())
		if m == nil {
			continue // indirect ones carry a comment and do not match
		}
		found++
		if !bytes.Contains(architecture, []byte(fmt.Sprintf("`%s`", m[1]))) {
			t.Errorf("ARCHITECTURE.md does not argue for the dependency %s", m[1])
		}
	}
	if found == 0 {
		t.Error("no direct dependency was found in go.mod: the pattern is wrong")
	}
}

// leftovers are marks of unfinished work. They are written in two halves so that this file
// does not find itself.
var leftovers = []string{"TO" + "DO", "FIX" + "ME", "XX" + "X ", "PLACE" + "HOLDER"}

func TestNothingIsLeftForLater(t *testing.T) {
	for _, s := range sources(t) {
		for _, word := range leftovers {
			if bytes.Contains(s.text, []byte(word)) {
				t.Errorf("%s contains %q: finish it now", s.path, word)
			}
		}
	}
}

// Package report keeps what a benchmark found: it writes, reads, draws and compares reports.
//
// Receives: a result.Report, or the file of one.
// Hands on: files (JSON, HTML), CSV, the comparison of two reports.
// Never does: measure, or ask the network for anything.
package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/synapdb/synap/internal/benchmark/result"
)

// ErrNotReport is the error of files that hold something else, or only part of a report.
var ErrNotReport = errors.New("no report of synap-benchmark")

// largest is how many bytes of a file are read: a report of a day with 100 tests has 1 % of it.
const largest = 1 << 30

// Write puts a report into a file, as HTML if the name ends in .html and otherwise as JSON. The
// file is there in whole or as it was before. Figures that JSON cannot say (NaN, infinite) become 0
// in r.
func Write(path string, r *result.Report) error {
	var text bytes.Buffer
	encode := JSON
	if strings.HasSuffix(path, ".html") {
		encode = HTML
	}
	err := encode(&text, r)
	if err == nil {
		err = replace(path, text.Bytes())
	}
	if err != nil {
		return fmt.Errorf("the report %s was not written: %w", path, err)
	}
	return nil
}

// JSON writes a report as one indented JSON document.
func JSON(w io.Writer, r *result.Report) error {
	makeFinite(reflect.ValueOf(r).Elem())
	e := json.NewEncoder(w)
	e.SetIndent("", " ")
	return e.Encode(r)
}

// Writable says why a report could not be written to a file, before a long run ends with that.
func Writable(path string) error {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return fmt.Errorf("%s is a directory: give the name of a file in it", path)
	}
	file, err := beside(path)
	if err != nil {
		return explain(path, err)
	}
	return errors.Join(file.Close(), os.Remove(file.Name()))
}

func explain(path string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the directory %s does not exist: make it first", filepath.Dir(path))
	}
	return err
}

// beside makes a new file in the folder of another, with the permissions of an ordinary one.
func beside(path string) (*os.File, error) {
	name := fmt.Sprintf(".%s.%08x", filepath.Base(path), rand.Uint32())
	return os.OpenFile(filepath.Join(filepath.Dir(path), name),
		os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
}

// replace writes a file through another one, which takes its name once it is on the disk.
func replace(path string, text []byte) error {
	file, err := beside(path)
	if err != nil {
		return explain(path, err)
	}
	_, err = file.Write(text)
	if err == nil {
		err = file.Sync()
	}
	err = errors.Join(err, file.Close())
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		err = errors.Join(err, os.Remove(file.Name()))
	}
	return err
}

// makeFinite sets every float that is not a number, or infinite, to 0.
func makeFinite(v reflect.Value) {
	switch v.Kind() {
	case reflect.Float64:
		if f := v.Float(); math.IsNaN(f) || math.IsInf(f, 0) {
			v.SetFloat(0)
		}
	case reflect.Slice:
		for i := range v.Len() {
			makeFinite(v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				makeFinite(v.Field(i))
			}
		}
	default:
	}
}

// Read returns the report of a file, JSON or HTML: the latter has the former inside. Errors say
// what the file is instead; they are ErrNotReport unless it could not be read at all.
func Read(path string) (*result.Report, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(file, largest+1))
	if err = errors.Join(err, file.Close()); err != nil {
		return nil, err
	}
	r, err := Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}

// refuse is the error of a text that is no report, or none that can be read here.
func refuse(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrNotReport, fmt.Sprintf(format, args...))
}

// Parse is Read for the content of a file.
func Parse(text []byte) (*result.Report, error) {
	if len(text) > largest {
		return nil, refuse("it is larger than %d bytes", largest)
	}
	text = bytes.TrimSpace(text)
	if bytes.HasPrefix(text, []byte("<")) {
		_, inside, found := bytes.Cut(text, []byte(embedded))
		inside, _, whole := bytes.Cut(inside, []byte("</script>"))
		if !found || !whole {
			return nil, refuse("it is HTML without the data of one, or cut off")
		}
		text = bytes.TrimSpace(inside)
	}
	if len(text) == 0 {
		return nil, refuse("it is empty")
	}
	// The version alone first: fields of a newer document may have other types.
	var head struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal(text, &head); err != nil {
		return nil, unreadable(err, text)
	}
	switch {
	case head.Version < 1:
		return nil, refuse("it is JSON, but has no version")
	case head.Version > result.Version:
		return nil, refuse("its version is %d, and this program knows those up to %d: use a newer "+
			"synap-benchmark", head.Version, result.Version)
	}
	r := new(result.Report)
	if err := json.Unmarshal(text, r); err != nil {
		return nil, unreadable(err, text)
	}
	return r, nil
}

// unreadable says in words why JSON was not understood.
func unreadable(err error, text []byte) error {
	var whole json.RawMessage
	if end := json.NewDecoder(bytes.NewReader(text)).Decode(&whole); errors.Is(end,
		io.ErrUnexpectedEOF) {
		return refuse("it is cut off: it ends in the middle, after %d bytes", len(text))
	}
	var kind *json.UnmarshalTypeError
	switch {
	case !errors.As(err, &kind):
		return refuse("it is no JSON: %v", err)
	case kind.Field == "":
		return refuse("it is JSON, but no object (%s)", kind.Value)
	}
	return refuse("%q holds a %s", kind.Field, kind.Value)
}

// Package listing answers the names of what a store holds.
//
// Receives: a store's names in byte order, and where to go on.
// Hands on: replies of both dialects.
// Never does: know what has the names.
package listing

import (
	"encoding/base64"
	"math"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/command/lines"
	"github.com/synapdb/synap/internal/errs"
)

// most is how many names one answer of a dotted row has, and one look at the store takes. It is
// many, since clients of the reference server know no cursor.
const most = 10_000

var (
	errLimit  = errs.Value("limit must be at least 1")
	errCursor = errs.Request("Invalid cursor: give the one of the answer before, as it is")
)

// Source is a store: up to limit names that begin with prefix and come after after, sorted.
type Source interface {
	Names(prefix, after string, limit int) []string
}

// Query is what the fields of a dotted row ask for.
type Query struct {
	Prefix []byte
	Limit  int64
	Cursor []byte // of the answer before; empty to begin
	Paging bool   // a cursor was given, if an empty one
}

// Ask reads a query from the fields at these positions.
func Ask(a *command.Args, prefix, limit, cursor int) Query {
	return Query{Prefix: a.Bytes(prefix), Limit: a.Int(limit, most), Cursor: a.Bytes(cursor),
		Paging: a.Has(cursor)}
}

// Page answers {what: names}, with their count if counted, and with a cursor: to go on with when
// there are more, or null when one was given.
func (q Query) Page(r command.Reply, s Source, what string, counted bool) error {
	if q.Limit < 1 {
		return errLimit
	}
	limit := int(min(q.Limit, most))
	after, err := base64.RawURLEncoding.AppendDecode(nil, q.Cursor)
	if err != nil {
		return errCursor
	}
	names := s.Names(string(q.Prefix), string(after), limit+1)
	more := len(names) > limit
	names = names[:min(len(names), limit)]
	pairs := 1
	if counted {
		pairs++
	}
	if more || q.Paging {
		pairs++
	}
	r.Map(pairs)
	r.Str(what)
	Reply(r, names)
	if counted {
		r.Str("count")
		r.Int(int64(len(names)))
	}
	switch {
	case more:
		r.Str("cursor")
		r.Str(base64.RawURLEncoding.EncodeToString([]byte(names[limit-1])))
	case q.Paging:
		r.Str("cursor")
		r.Null()
	}
	return nil
}

// LineUsage is the words of Line.
const LineUsage = "[PREFIX prefix] [AFTER name] [COUNT count]"

// Line answers the names that the words of a line ask for; row is the command.
func Line(r command.Reply, s Source, words [][]byte, row string) error {
	l := lines.Reader{Words: words, Row: row, Usage: LineUsage}
	var prefix, after []byte
	limit := int64(math.MaxInt64)
	for l.More() {
		switch {
		case l.Is("PREFIX"):
			prefix = l.Word()
		case l.Is("AFTER"):
			after = l.Word()
		case l.Is("COUNT"):
			limit = l.Count("COUNT")
		default:
			l.Bad()
		}
	}
	if l.Err != nil {
		return l.Err
	}
	Reply(r, all(s, string(prefix), string(after), limit))
	return nil
}

// All answers every name.
func All(r command.Reply, s Source) { Reply(r, all(s, "", "", math.MaxInt64)) }

// all gathers names piece by piece: between them the store serves others.
func all(s Source, prefix, after string, limit int64) (names []string) {
	for limit > 0 {
		piece := s.Names(prefix, after, int(min(limit, most)))
		if len(piece) == 0 {
			break
		}
		names = append(names, piece...)
		limit -= int64(len(piece))
		after = piece[len(piece)-1]
	}
	return names
}

// Reply answers an array of names.
func Reply(r command.Reply, names []string) {
	r.Array(len(names))
	for _, name := range names {
		r.Text([]byte(name))
	}
}

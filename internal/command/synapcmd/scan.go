package synapcmd

import (
	"bytes"
	"encoding/base64"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/errs"
	"github.com/synapdb/synap/internal/glob"
	"github.com/synapdb/synap/internal/store/kv"
)

// Bounds of a scan.
const (
	defaultLimit = 100
	// fullValueBytes ends a scan with values early: the cursor goes on where it stopped.
	fullValueBytes = 8 << 20
)

func scanRows() []*command.Row {
	return []*command.Row{{
		Name: "kv.scan", Flags: sweeps,
		Summary: "Returns keys in byte order, with a cursor for the rest.",
		Fields: []command.Field{
			{Name: "prefix", Aliases: []string{"key"}, Type: command.StringField,
				Doc: "Only keys that begin so."},
			{Name: "start", Type: command.StringField, Doc: "Only keys from here on."},
			{Name: "end", Type: command.StringField, Doc: "Only keys before this one."},
			{Name: "cursor", Type: command.StringField, Doc: "The cursor of the reply before."},
			{Name: "limit", Type: command.IntField, Doc: "At most so many keys; 100 when absent."},
			flag("values", "Return the values too."),
			flag("reverse", "From the end down."),
		},
		Call:   scan,
		Routes: []command.Route{{Method: "GET", Path: "/kv"}},
	}, {
		Name: "kv.keys", Flags: sweeps,
		Summary: "Returns every key, or those that match.",
		Fields: []command.Field{
			{Name: "pattern", Type: command.StringField, Doc: "A glob, as in Redis."},
			{Name: "prefix", Type: command.StringField, Doc: "Only keys that begin so."},
		},
		Call: keys,
	}}
}

// Positions of the fields of kv.scan.
const (
	scanPrefix = iota
	scanStart
	scanEnd
	scanCursor
	scanLimit
	scanValues
	scanReverse
)

func scan(c *command.Ctx, a *command.Args) error {
	limit := a.Int(scanLimit, defaultLimit)
	if limit < 1 {
		return errs.Value("limit must be at least 1")
	}
	r, err := scanRange(a)
	if err != nil {
		return err
	}
	withValues := a.Bool(scanValues)
	lsn := uint64(0)
	if p := c.Engine.Persistence; p != nil {
		lsn = p.Last()
	}
	var found []kv.Entry
	more, size := false, 0
	c.Tx.Scan(c.DB, r, func(e kv.Entry) bool {
		if int64(len(found)) == limit || withValues && size > fullValueBytes {
			more = true
			return false
		}
		found = append(found, e)
		size += e.Len()
		return true
	})
	replyScan(c, found, withValues, more, lsn)
	return nil
}

func scanRange(a *command.Args) (kv.Range, error) {
	r := kv.Range{Prefix: a.Bytes(scanPrefix), Reverse: a.Bool(scanReverse)}
	if a.Has(scanStart) {
		r.Start = a.Bytes(scanStart)
	}
	if a.Has(scanEnd) {
		r.End = a.Bytes(scanEnd)
	}
	var err error
	r.After, err = afterCursor(a.Bytes(scanCursor), r.Prefix)
	return r, err
}

// emptyKeyCursor stands at the empty key, whose base64 would read as no cursor at all.
const emptyKeyCursor = "."

// cursorAt is the cursor for what comes after key.
func cursorAt(key []byte) string {
	if len(key) == 0 {
		return emptyKeyCursor
	}
	return base64.RawURLEncoding.EncodeToString(key)
}

// afterCursor is the key that a cursor stands at; nil without a cursor.
func afterCursor(cursor, prefix []byte) ([]byte, error) {
	if len(cursor) == 0 {
		return nil, nil
	}
	if string(cursor) == emptyKeyCursor && len(prefix) == 0 {
		return []byte{}, nil
	}
	key, err := base64.RawURLEncoding.AppendDecode(nil, cursor)
	if err != nil || len(key) > kv.MaxKeyBytes || !bytes.HasPrefix(key, prefix) {
		return nil, errCursor
	}
	return key, nil
}

// replyScan writes {keys, values?, count, cursor, lsn?}. The cursor is the last key; null at the
// end. The lsn is that of the last record before the scan: a watch from there on misses nothing. As
// a scan in parts is of several moments, it is that of the first part that counts.
func replyScan(c *command.Ctx, found []kv.Entry, withValues, more bool, lsn uint64) {
	pairs := 3
	for _, there := range []bool{withValues, c.Engine.Persistence != nil} {
		if there {
			pairs++
		}
	}
	c.Reply.Map(pairs)
	c.Reply.Str("keys")
	c.Reply.Array(len(found))
	for _, e := range found {
		c.Reply.Text(e.Key())
	}
	if withValues {
		c.Reply.Str("values")
		c.Reply.Array(len(found))
		for _, e := range found {
			typed(c.Reply, e)
		}
	}
	pairInt(c.Reply, "count", int64(len(found)))
	c.Reply.Str("cursor")
	if more {
		c.Reply.Str(cursorAt(found[len(found)-1].Key()))
	} else {
		c.Reply.Null()
	}
	if c.Engine.Persistence != nil {
		pairInt(c.Reply, "lsn", int64(lsn))
	}
}

func keys(c *command.Ctx, a *command.Args) error {
	prefix, pattern := a.Bytes(1), a.Bytes(0)
	r := kv.Range{Prefix: prefix}
	if a.Has(0) {
		literal := glob.LiteralPrefix(pattern)
		if len(literal) > len(prefix) && bytes.HasPrefix(literal, prefix) {
			r.Prefix = literal
		}
	}
	var found [][]byte
	c.Tx.Scan(c.DB, r, func(e kv.Entry) bool {
		if !a.Has(0) || glob.Match(pattern, e.Key(), false) {
			found = append(found, e.Key())
		}
		return true
	})
	c.Reply.Map(2)
	c.Reply.Str("keys")
	c.Reply.Array(len(found))
	for _, key := range found {
		c.Reply.Text(key)
	}
	pairInt(c.Reply, "count", int64(len(found)))
	return nil
}

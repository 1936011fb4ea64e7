package rediscmd

import (
	"strconv"
	"strings"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/command/lines"
	"github.com/synapdb/synap/internal/glob"
	"github.com/synapdb/synap/internal/store/kv"
)

func scanRows(t *cursors) []*command.Row {
	return []*command.Row{{
		Name: "KEYS", Arity: 2, Flags: reads | command.AllKeys,
		Group: "generic", Words: "pattern",
		Summary: "Returns every key that matches a pattern, in byte order.",
		Run:     keys,
	}, {
		Name: "RANDOMKEY", Arity: 1, Flags: reads | command.AllKeys,
		Group:   "generic",
		Summary: "Returns a random key.",
		Run:     randomKey,
	}, {
		Name: "SCAN", Arity: -2, Flags: reads | command.AllKeys,
		Group:   "generic",
		Words:   "cursor [MATCH pattern] [COUNT count] [TYPE type]",
		Summary: "Returns keys piece by piece, in byte order.",
		Run:     t.scan,
	}}
}

func keys(c *command.Ctx, argv [][]byte) error {
	var found [][]byte
	pattern := argv[1]
	c.Tx.Scan(c.DB, kv.Range{Prefix: glob.LiteralPrefix(pattern)}, func(e kv.Entry) bool {
		if glob.Match(pattern, e.Key(), false) {
			found = append(found, e.Key())
		}
		return true
	})
	replyKeys(c, found)
	return nil
}

func replyKeys(c *command.Ctx, keys [][]byte) {
	c.Reply.Array(len(keys))
	for _, key := range keys {
		c.Reply.Text(key)
	}
}

func randomKey(c *command.Ctx, _ [][]byte) error {
	if e, found := c.Tx.Random(c.DB); found {
		c.Reply.Text(e.Key())
	} else {
		c.Reply.Null()
	}
	return nil
}

const optMatch, optCount, optType flags = 1, 2, 4

var scanOptions = []option{
	{word: "MATCH", sets: optMatch, arg: textArg},
	{word: "COUNT", sets: optCount, arg: countArg},
	{word: "TYPE", sets: optType, arg: typeArg},
}

// defaultCount is how many keys a SCAN without COUNT looks at.
const defaultCount = 10

// scan looks at COUNT keys after the cursor's. A MATCH that begins with literal bytes narrows the
// range itself, so only keys with that beginning are looked at, and counted.
func (t *cursors) scan(c *command.Ctx, argv [][]byte) error {
	id, ok := parseCursor(argv[1])
	if !ok {
		return errCursor
	}
	o, err := parseOptions(argv[2:], scanOptions)
	if err != nil {
		return err
	}
	var r kv.Range
	if id != 0 {
		if r.After, ok = t.resume(id, c.DB); !ok {
			return errCursor
		}
	}
	if o.has(optMatch) {
		r.Prefix = glob.LiteralPrefix(o.text)
	}
	if !o.has(optCount) {
		o.num = defaultCount
	}
	found, last := o.look(c, r)
	next := "0"
	if last != nil {
		next = strconv.FormatUint(t.handOut(id, c.DB, last, c.Now), 10)
	}
	c.Reply.Array(2)
	c.Reply.Str(next)
	replyKeys(c, found)
	return nil
}

// look finds the wanted ones among the first o.num keys of r. last is the last key looked at if
// there are more, else nil.
func (o *options) look(c *command.Ctx, r kv.Range) (found [][]byte, last []byte) {
	wantedType := !o.has(optType) || lines.Is(o.typ, strings.ToUpper(typeString))
	looked, more := int64(0), false
	c.Tx.Scan(c.DB, r, func(e kv.Entry) bool {
		if looked == o.num {
			more = true
			return false
		}
		looked++
		last = e.Key()
		if wantedType && (!o.has(optMatch) || glob.Match(o.text, last, false)) {
			found = append(found, last)
		}
		return true
	})
	if !more {
		last = nil
	}
	return found, last
}

// parseCursor reads an unsigned number as C's strtoul does, which Redis uses: an empty word is 0,
// a sign is allowed and a minus wraps around.
func parseCursor(word []byte) (id uint64, ok bool) {
	digits := string(word)
	negative := strings.HasPrefix(digits, "-")
	if negative || strings.HasPrefix(digits, "+") {
		digits = digits[1:]
	} else if digits == "" {
		return 0, true
	}
	id, err := strconv.ParseUint(digits, 10, 64)
	if negative {
		id = -id
	}
	return id, err == nil
}

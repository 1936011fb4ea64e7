package conncmd_test

import (
	"bytes"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/wire"
)

// value cuts one RESP value off b; ok is false if b does not start with one.
func value(b []byte) (rest []byte, ok bool) {
	line, rest, found := bytes.Cut(b, []byte("\r\n"))
	if !found || len(line) == 0 {
		return nil, false
	}
	n, err := strconv.Atoi(string(line[1:]))
	switch line[0] {
	case '+', '-', '_', ',':
		return rest, true
	case ':':
		return rest, err == nil
	case '$', '=':
		if n == -1 {
			return rest, true
		}
		if err != nil || len(rest) < n+2 || string(rest[n:n+2]) != "\r\n" {
			return nil, false
		}
		return rest[n+2:], true
	case '%':
		n *= 2
	case '*', '~', '>':
	default:
		return nil, false
	}
	for ok = err == nil; ok && n > 0; n-- {
		rest, ok = value(rest)
	}
	return rest, ok
}

// Whatever the arguments, a command line gets exactly one well-formed reply, in both versions of
// the protocol, and in MULTI.
func TestEveryLineGetsOneReply(t *testing.T) {
	words := []string{"", "0", "1", "-1", "2", "3", "x", "k", "*", "[", "a:1", "ID", "ADDR", "TYPE",
		"NORMAL", "USER", "default", "SKIPME", "YES", "NO", "ON", "OFF", "LIB-NAME", "AUTH",
		"SETNAME", "maxmemory", "port", "FILTERBY", "PATTERN", "ACLCAT", "get",
		"mset", "client|list", "nope",
		"SAMPLES", "ASYNC", "everything", "cpu", "bad\r\n+OK", "99999999999999999999"}
	f := newFixture(t)
	c := f.connect("a:1")
	var rows []*command.Row
	for _, row := range f.e.Table.Rows() {
		if row.Call == nil {
			rows = append(rows, row)
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	pick := func() string { return words[random.IntN(len(words))] }
	for range 20_000 {
		row := rows[random.IntN(len(rows))]
		line := []string{row.Name}
		if n := len(row.Subcommands); n > 0 && random.IntN(9) > 0 {
			line = append(line, row.Subcommands[random.IntN(n)].Name)
		}
		for range random.IntN(5) {
			line = append(line, pick())
		}
		in := []byte("*" + strconv.Itoa(len(line)) + "\r\n")
		for _, word := range line {
			in = append(in, "$"+strconv.Itoa(len(word))+"\r\n"+word+"\r\n"...)
		}
		var out wire.Output
		switch _, _, v := c.conn.Feed(in, &out); v {
		case wire.Close:
			c = f.connect("a:1")
		case wire.Wait:
			c.conn.Wait(&out)
		}
		if c.session.Mute != command.MuteOff {
			c.session.Mute = command.MuteOff
			continue
		}
		if rest, ok := value(out.Buf); !ok || len(rest) > 0 {
			t.Fatalf("%q got %q", line, out.Buf)
		}
	}
}

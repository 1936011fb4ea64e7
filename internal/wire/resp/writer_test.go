package resp_test

import (
	"errors"
	"math"
	"testing"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/errs"
	"github.com/synapdb/synap/internal/wire"
	"github.com/synapdb/synap/internal/wire/resp"
)

func TestWriter(t *testing.T) {
	for name, c := range map[string]struct {
		write        func(command.Reply)
		resp2, resp3 string // resp3 empty: the same
	}{
		"null":       {func(r command.Reply) { r.Null() }, "$-1\r\n", "_\r\n"},
		"null array": {func(r command.Reply) { r.NullArray() }, "*-1\r\n", "_\r\n"},
		"true":       {func(r command.Reply) { r.Bool(true) }, ":1\r\n", ""},
		"false":      {func(r command.Reply) { r.Bool(false) }, ":0\r\n", ""},
		"int": {func(r command.Reply) { r.Int(math.MinInt64) },
			":-9223372036854775808\r\n", ""},
		"float": {func(r command.Reply) { r.Float(1.5) }, "$3\r\n1.5\r\n", ",1.5\r\n"},
		"float 0.1": {func(r command.Reply) { r.Float(0.1) },
			"$19\r\n0.10000000000000001\r\n", ",0.10000000000000001\r\n"},
		"float e16": {func(r command.Reply) { r.Float(1e16) }, "$17\r\n10000000000000000\r\n",
			",10000000000000000\r\n"},
		"float e17": {func(r command.Reply) { r.Float(1e17) }, "$5\r\n1e+17\r\n", ",1e+17\r\n"},
		"float small": {func(r command.Reply) { r.Float(1e-5) },
			"$22\r\n1.0000000000000001e-05\r\n", ",1.0000000000000001e-05\r\n"},
		"inf": {func(r command.Reply) { r.Float(math.Inf(1)) }, "$3\r\ninf\r\n", ",inf\r\n"},
		"-inf": {func(r command.Reply) { r.Float(math.Inf(-1)) },
			"$4\r\n-inf\r\n", ",-inf\r\n"},
		"nan":      {func(r command.Reply) { r.Float(math.NaN()) }, "$3\r\nnan\r\n", ",nan\r\n"},
		"status":   {func(r command.Reply) { r.Status("PONG") }, "+PONG\r\n", ""},
		"injected": {func(r command.Reply) { r.Status("a\r\n+OK") }, "+a  +OK\r\n", ""},
		"str":      {func(r command.Reply) { r.Str("a\r\nb") }, "$4\r\na\r\nb\r\n", ""},
		"empty":    {func(r command.Reply) { r.Text(nil) }, "$0\r\n\r\n", ""},
		"bytes":    {func(r command.Reply) { r.Bytes([]byte{0, 255}) }, "$2\r\n\x00\xff\r\n", ""},
		"json": {func(r command.Reply) { r.JSON([]byte(`{"a":1}`)) },
			"$7\r\n{\"a\":1}\r\n", ""},
		"array": {func(r command.Reply) { r.Array(12) }, "*12\r\n", ""},
		"map":   {func(r command.Reply) { r.Map(6) }, "*12\r\n", "%6\r\n"},
		"set":   {func(r command.Reply) { r.Set(2) }, "*2\r\n", "~2\r\n"},
		"push":  {func(r command.Reply) { r.Push(3) }, "*3\r\n", ">3\r\n"},
		"verbatim": {func(r command.Reply) { r.Verbatim("txt", "hi") }, "$2\r\nhi\r\n",
			"=6\r\ntxt:hi\r\n"},
		"redis error": {func(r command.Reply) { r.Error(errs.New(errs.Redis, "WRONGTYPE no")) },
			"-WRONGTYPE no\r\n", ""},
		"synap error": {func(r command.Reply) { r.Error(errs.Value("bad")) },
			"-ERR Invalid value: bad\r\n", ""},
		"foreign error, injected": {func(r command.Reply) { r.Error(errors.New("x\r\n$-1")) },
			"-ERR x  $-1\r\n", ""},
		"rewind": {func(r command.Reply) {
			r.Int(1)
			m := r.Mark()
			r.Array(2)
			r.Str("gone")
			r.Rewind(m)
			r.Int(2)
		}, ":1\r\n:2\r\n", ""},
	} {
		if c.resp3 == "" {
			c.resp3 = c.resp2
		}
		for version, want := range map[int]string{2: c.resp2, 3: c.resp3, 0: c.resp2} {
			var out wire.Output
			c.write(resp.NewWriter(&command.Session{Resp: version}, &out))
			if got := string(out.Buf); got != want {
				t.Errorf("%s, version %d: got %q, want %q", name, version, got, want)
			}
		}
	}
}

package synap

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net"
	"reflect"
	"runtime"
	"strings"
	"testing"
)

// deaf takes whatever is written.
type deaf struct{ net.Conn }

func (deaf) Write(b []byte) (int, error) { return len(b), nil }

func reading(data []byte) link {
	return link{Conn: deaf{}, in: bufio.NewReaderSize(bytes.NewReader(data), longestLine)}
}

// readers read all answers in data over each wire, and say how many there were.
var readers = map[string]func(data []byte) int{
	"resp": func(data []byte) (n int) {
		c := &respConn{link: reading(data)}
		for {
			if _, err := c.receive(); err != nil {
				if _, refused := err.(respError); !refused { //nolint:errorlint // not wrapped
					return n
				}
			}
			n++
		}
	},
	"http": func(data []byte) (n int) {
		c := &httpConn{link: reading(data)}
		for {
			status, body, err := c.receive()
			if err != nil {
				return n
			}
			for _, f := range []Format{JSON, MessagePack} {
				_, _ = readEnvelope(body, f, getRequest(nil))
			}
			_ = statusError("", status, body)
			n++
		}
	},
	"websocket": func(data []byte) (n int) {
		c := &wsConn{link: reading(data)}
		for {
			_, text, err := c.message()
			if err != nil {
				return n
			}
			var e envelope
			for _, f := range []Format{JSON, MessagePack} {
				if e.read(text, f) == nil {
					_, _ = e.result(f, getRequest(nil))
				}
			}
			_ = failure(text)
			for _, decode := range []func(pushed){
				func(p pushed) { _, _, _ = new(Stream).decoder()(p) },
				func(p pushed) { _, _, _ = decodeKeyEvent(p) },
				func(p pushed) { _, _, _ = decodeTopic(p) },
			} {
				decode(pushed{text: text})
				decode(pushed{words: []any{"message", "t", text}})
			}
			n++
		}
	},
}

// allocated is how many bytes f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// frugal fails when reading data allocates more than what came warrants.
func frugal(t *testing.T, wire string, data []byte) {
	t.Helper()
	got := allocated(func() { readers[wire](data) })
	if most := uint64(1<<20 + 400*len(data)); got > most {
		t.Errorf("%s: %d bytes allocated for %d: %.100q", wire, got, len(data), data)
	}
}

func TestDeclaredLengthsAreNotBelieved(t *testing.T) {
	for wire, all := range map[string][]string{
		"resp": {"$1000000000\r\nabc", "*1000000000\r\n", "%1000000000\r\n+a\r\n",
			strings.Repeat("*1000000\r\n", 40), "=999999999\r\ntxt:", "$99999999999999\r\n"},
		"http": {"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\nabc",
			"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3fffffff\r\nabc",
			"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n\xdd\xff\xff\xff\xff",
			"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n\xdf\xff\xff\xff\xff"},
		"websocket": {"\x82\x7f\x00\x00\x00\x00\x3f\xff\xff\xffabc",
			"\x82\x05\xdd\xff\xff\xff\xff"},
	} {
		for _, data := range all {
			frugal(t, wire, []byte(data))
		}
	}
}

func TestAnswersInPieces(t *testing.T) {
	for wire, data := range map[string]string{
		"resp": "+OK\r\n-ERR x\r\n$3\r\na\r\n\r\n*2\r\n:1\r\n_\r\n>1\r\n#t\r\n%1\r\n+a\r\n,1.5\r\n",
		"http": "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}HTTP/1.1 400 Bad\r\n" +
			"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n2;x=y\r\nbc\r\n0\r\n\r\n",
		"websocket": "\x81\x02{}\x01\x01{\x89\x01p\x80\x01}\x82\x01\xc0",
	} {
		want := map[string]int{"resp": 6, "http": 2, "websocket": 3}[wire]
		if got := readers[wire]([]byte(data)); got != want {
			t.Errorf("%s: %d answers, want %d", wire, got, want)
		}
	}
}

func fuzz(f *testing.F, wire string, seeds ...string) {
	for _, seed := range seeds {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) { frugal(t, wire, data) })
}

func FuzzRESP(f *testing.F) {
	fuzz(f, "resp", "*2\r\n$1\r\na\r\n:1\r\n", "%1\r\n+a\r\n_\r\n", ">2\r\n+x\r\n,inf\r\n",
		"!3\r\nERR\r\n=5\r\ntxt:a\r\n(123\r\n~0\r\n")
}

func FuzzHTTP(f *testing.F) {
	fuzz(f, "http", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
		"HTTP/1.1 404 x\r\nContent-Length: 13\r\n\r\n{\"error\":\"x\"}")
}

func FuzzWebSocket(f *testing.F) {
	fuzz(f, "websocket", "\x81\x02{}", "\x82\x03\x81\xa1a", "\x89\x00\x88\x02\x03\xe8",
		"\x81\x1a{\"type\":\"gap\",\"from\":1,\"to\":")
}

// Whatever encoding/json takes for an object, members takes, too, and finds the same.
func FuzzMembers(f *testing.F) {
	for _, seed := range []string{`{}`, `{"a":1}`, ` { "a" : [1,{"b":"}"}] , "c":"\"\\" }`,
		`{"a":-1.5e3,"b":true,"c":null,"d":"é\u00e9"}`, `{"a\"b":{}}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, count := map[string]json.RawMessage{}, 0
		err := members([]byte(text), func(name, value []byte) {
			count++
			got[unescaped(name)] = append(json.RawMessage{}, value...)
		})
		var want map[string]json.RawMessage
		if json.Unmarshal([]byte(text), &want) != nil || want == nil {
			return // whatever it finds: the values are judged by those who read them
		}
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		for name, value := range want {
			if len(name) != len(strings.ToValidUTF8(name, "")) || strings.Contains(name, "\uFFFD") {
				return // encoding/json replaces what is not UTF-8
			}
			if !reflect.DeepEqual(got[name], value) {
				t.Fatalf("%q: %q is %q, want %q", text, name, got[name], value)
			}
		}
		if len(got) != len(want) {
			t.Fatalf("%q: %q, want %q", text, got, want)
		}
		if count != len(got) {
			return // msgp has a bound that several empty names break
		}
		packed := appendJSONAsPack(nil, []byte(text))
		back, err := readValue(packed, MessagePack)
		if m, ok := back.(map[string]any); err != nil || !ok || len(m) != len(want) {
			t.Fatalf("%q as MessagePack: %v %v", text, back, err)
		}
	})
}

package assembly

import (
	"strconv"
	"strings"
	"testing"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/wire"
)

// anyWords are what the arguments of command lines are drawn from.
var anyWords = []string{
	"", "0", "1", "-1", "2", "3", "8", "15", "16", "-9223372036854775808", "9223372036854775807",
	"99999999999999999999", "-2147483649", "536870911", "4294967295", "1.5", "1e400", "0x1p-9999",
	"nan", "k", "k", "n", "json", "large", "soon", "late", "new", "\xff\x00", "bad\r\n+OK", "*",
	"[", "k*", "\\", strings.Repeat("x", 70_000), strings.Repeat("*?", 300), "a:1",
	"ID", "ADDR", "TYPE", "NORMAL", "USER", "default", "SKIPME", "YES", "NO", "ON", "OFF",
	"LIB-NAME", "AUTH", "SETNAME", "maxmemory-policy", "port", "save", "FILTERBY", "PATTERN",
	"ACLCAT", "get", "mset", "client|list", "SAMPLES", "ASYNC", "everything", "cpu",
	"NX", "XX", "GT", "LT", "GET", "KEEPTTL", "PERSIST", "EX", "PX", "EXAT", "PXAT", "REPLACE",
	"DB", "MATCH", "COUNT", "LEN", "IDX", "MINMATCHLEN", "WITHMATCHLEN", "AND", "OR", "XOR", "NOT",
	"BIT", "BYTE", "SET", "INCRBY", "OVERFLOW", "SAT", "FAIL", "u8", "i64", "u63", "#1",
	"#67108863", "string", "q", "q", "full", "PRIORITY", "RETRIES", "DELAY", "AT", "TTL", "DEDUP",
	"HEADERS", "{}", "IFVERSION", "DEADLINE", "FULL", "TOKEN", "REQUEUE", "true", "STATE", "leased",
	"dead", "AFTER", "PREFIX", "ALL", "LIMIT", "DRYRUN", "DELAYED", "max_depth", "backoff_jitter",
	"r", "r", "r", "small", "KEEP", "FROM", "LAST", "SINCE", "TO", "EVENT", "BYTES", "max_events",
	"retention_ms", "GROUP", "STREAMS", "STREAMS", "NOACK", ">", "$", "+", "(1", "1-0", "$",
}

// respValue cuts one RESP value off b; ok is false if b does not start with one.
func respValue(b string) (rest string, ok bool) {
	line, rest, found := strings.Cut(b, "\r\n")
	if !found || line == "" {
		return "", false
	}
	n, err := strconv.Atoi(line[1:])
	switch line[0] {
	case '+', '-', '_', ',':
		return rest, true
	case ':':
		return rest, err == nil
	case '$', '=':
		if n == -1 {
			return rest, true
		}
		if err != nil || len(rest) < n+2 || rest[n:n+2] != "\r\n" {
			return "", false
		}
		return rest[n+2:], true
	case '%':
		n *= 2
	case '*', '~', '>':
	default:
		return "", false
	}
	for ok = err == nil; ok && n > 0; n-- {
		rest, ok = respValue(rest)
	}
	return rest, ok
}

// say sends one command line, and fails unless exactly one well-formed reply comes back.
func (r *rig) say(line []string) (reply string) {
	r.Helper()
	var in strings.Builder
	in.WriteString("*" + strconv.Itoa(len(line)) + "\r\n")
	for _, word := range line {
		in.WriteString("$" + strconv.Itoa(len(word)) + "\r\n" + word + "\r\n")
	}
	var verdict wire.Verdict
	r.guard(line, func() { reply, verdict = feed(r.line, in.String()) })
	muted := r.session.Mute != command.MuteOff
	r.session.Mute = command.MuteOff
	if verdict == wire.Close {
		r.connect()
	}
	if muted {
		return reply
	}
	if rest, ok := respValue(reply); !ok || rest != "" {
		r.Fatalf("%.300q got %.300q", line, reply)
	}
	return reply
}

// lineRows are the rows that a command line can name, subcommands included.
func (r *rig) lineRows() (rows [][]string, byName map[string]*command.Row) {
	byName = map[string]*command.Row{}
	for _, row := range r.Table.Rows() {
		if row.Call != nil {
			continue
		}
		rows, byName[row.Name] = append(rows, []string{row.Name}), row
		for _, sub := range row.Subcommands {
			rows = append(rows, []string{row.Name, sub.Name})
			byName[row.Name+" "+sub.Name] = sub
		}
	}
	return rows, byName
}

// arguments adds words to a name: mostly so many as the row wants, and a few more if it may.
func (r *rig) arguments(name []string, row *command.Row, wrong bool) []string {
	line := append([]string(nil), name...)
	n := row.Arity - len(name)
	if row.Arity < 0 {
		n = -row.Arity - len(name) + r.random.IntN(5)
	}
	if wrong {
		n = r.random.IntN(6)
	}
	if row.Has(command.WhileListening) && row.Group == "pubsub" {
		n = min(n, 1) // each word is acknowledged by itself
	}
	for range n {
		line = append(line, r.word())
	}
	// A queue that is there, mostly: any word is hardly ever one.
	if at := row.Queue; at > 0 && at < len(line) && r.random.IntN(4) > 0 {
		line[at] = r.pick([]string{"q", "q", "q", "k", "full", "bad\r\n+OK"})
	}
	if at := row.RoomAt(words(line)); at > 0 && at < len(line) && r.random.IntN(4) > 0 {
		line[at] = r.pick([]string{"r", "r", "r", "k", "small"})
	}
	return line
}

func words(line []string) (argv [][]byte) {
	for _, word := range line {
		argv = append(argv, []byte(word))
	}
	return argv
}

func TestEveryLineGetsOneReply(t *testing.T) {
	r := newRig(t)
	rows, byName := r.lineRows()
	for range 40 {
		for _, name := range rows {
			r.round()
			if r.random.IntN(8) == 0 {
				r.fill()
			}
			line := r.arguments(name, byName[strings.Join(name, " ")], r.random.IntN(8) == 0)
			r.say(line)
		}
		r.free("a round of lines")
	}
}

// Transactions hold what the rows' own descriptions let in.
func TestEveryRowRunsInsideExec(t *testing.T) {
	r := newRig(t)
	rows, byName := r.lineRows()
	for range 250 {
		r.round()
		r.fill()
		r.connect()
		if r.random.IntN(4) == 0 {
			r.say([]string{"WATCH", r.pick(anyWords), "k"})
		}
		r.say([]string{"MULTI"})
		lines := [][]string{}
		for len(lines) < 4 {
			name := rows[r.random.IntN(len(rows))]
			row := byName[strings.Join(name, " ")]
			if row.Has(command.NoQueue) || row.Subcommands != nil && row.Run == nil {
				continue
			}
			line := r.arguments(name, row, false)
			reply := r.say(line)
			if row.Has(command.SelfLocking) && !row.Has(command.AllKeys) {
				if reply[0] != '-' {
					t.Fatalf("%.300q in MULTI got %q", line, reply)
				}
				lines = nil
				break
			}
			lines = append(lines, line)
		}
		reply := r.say([]string{"EXEC"})
		if want := "*" + strconv.Itoa(len(lines)) + "\r\n"; len(lines) > 0 &&
			!strings.HasPrefix(reply, want) && !excused(reply) {
			t.Fatalf("EXEC of %.300q got %.300q", lines, reply)
		}
		r.say([]string{"COPY", "k", "copied", "REPLACE"})
		r.free(lines)
	}
}

// excused says whether an EXEC may answer so for reasons of its own: memory is full, lines were
// refused by their number of words, a watched key changed, or nobody wants a reply.
func excused(reply string) bool {
	for _, start := range []string{"-EXECABORT", "*-1", "_", "-ERR the reply would be"} {
		if strings.HasPrefix(reply, start) {
			return true
		}
	}
	return reply == ""
}

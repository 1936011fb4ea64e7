package live

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/synapdb/synap/test/harness"
)

// resp speaks to the RESP door in a protocol version. Events of rooms are asked for again and
// again: RESP2 has no pushes of them.
type resp struct {
	silent
	*harness.RESP
	addr     string
	protocol int
}

func newRESP(addr string, protocol int) *resp {
	r := &resp{RESP: harness.NewRESP(addr, protocol, 2*patience), addr: addr, protocol: protocol}
	r.silent = silent{r}
	return r
}

// lines make a command line of a command's fields.
var lines = map[string]func(f fields) []any{
	"stream.create":        func(f fields) []any { return settingWords("SCREATE", f) },
	"stream.get_or_create": func(f fields) []any { return settingWords("SGETORCREATE", f) },
	"stream.update":        func(f fields) []any { return settingWords("SUPDATE", f) },
	"stream.delete":        func(f fields) []any { return []any{"SDELETE", f["room"]} },
	"stream.stats":         func(f fields) []any { return []any{"SSTATS", f["room"]} },
	"stream.info":          func(f fields) []any { return []any{"SINFO", f["room"]} },
	"stream.trim": func(f fields) []any {
		if keep := f["keep"]; keep != nil {
			return []any{"STRIM", f["room"], "KEEP", keep}
		}
		return []any{"STRIM", f["room"], f["before_offset"]}
	},
	"stream.list": func(f fields) []any {
		return harness.OptionWords([]any{"SLIST"}, f, "prefix", "PREFIX", "limit", "COUNT")
	},
	"stream.publish": func(f fields) []any {
		if at := f["expected_offset"]; at != nil {
			return []any{"XADD", f["room"], at, f["event"], jsonText(f["data"])}
		}
		return []any{"SPUBLISH", f["room"], f["event"], jsonText(f["data"])}
	},
	"stream.publish_batch": func(f fields) []any {
		argv := []any{"SMPUBLISH", f["room"]}
		for _, e := range f["events"].([]any) {
			argv = append(argv, e.(fields)["event"], jsonText(e.(fields)["data"]))
		}
		return argv
	},
	"stream.consume": func(f fields) []any {
		argv := []any{"SCONSUME", f["room"], f["subscriber_id"], 0}
		if from := f["from_offset"]; from != nil {
			argv[3] = from
		}
		return harness.OptionWords(argv, f, "limit", "COUNT", "wait_ms", "BLOCK")
	},
	"stream.history": func(f fields) []any {
		argv := harness.OptionWords([]any{"SHISTORY", f["room"]}, f, "last", "LAST",
			"from_time", "SINCE", "to_offset", "TO", "event", "EVENT", "limit", "COUNT",
			"max_bytes", "BYTES")
		switch from := f["from_offset"].(type) {
		case nil:
		case int:
			if from < 0 {
				return append(argv, "LAST", -from)
			}
			return append(argv, "FROM", from)
		default:
			return append(argv, "FROM", from)
		}
		return argv
	},
	"stream.commit": func(f fields) []any {
		return []any{"SCOMMIT", f["room"], f["consumer"], f["offset"]}
	},
	"stream.cursor": func(f fields) []any { return []any{"SCURSOR", f["room"], f["consumer"]} },
	"stream.forget": func(f fields) []any { return []any{"SFORGET", f["room"], f["consumer"]} },

	"pubsub.publish": func(f fields) []any {
		return []any{"PPUBLISH", f["topic"], jsonText(f["payload"])}
	},
	"pubsub.topics": func(f fields) []any {
		return append([]any{"TOPICS"}, f["match"])
	},
	"pubsub.stats": func(fields) []any { return []any{"PSTATS"} },
	"pubsub.info":  func(f fields) []any { return []any{"PUBSUB", "NUMSUB", f["topic"]} },

	"kv.set": func(f fields) []any {
		return harness.OptionWords([]any{"SET", f["key"], f["value"]}, f, "ttl", "EX")
	},
	"kv.get":     func(f fields) []any { return []any{"GET", f["key"]} },
	"kv.del":     func(f fields) []any { return []any{"DEL", f["key"]} },
	"kv.incr":    func(f fields) []any { return []any{"INCRBY", f["key"], f["amount"]} },
	"kv.decr":    func(f fields) []any { return []any{"DECRBY", f["key"], f["amount"]} },
	"kv.append":  func(f fields) []any { return []any{"APPEND", f["key"], f["value"]} },
	"kv.expire":  func(f fields) []any { return []any{"EXPIRE", f["key"], f["ttl"]} },
	"kv.persist": func(f fields) []any { return []any{"PERSIST", f["key"]} },
	"kv.setrange": func(f fields) []any {
		return []any{"SETRANGE", f["key"], f["offset"], f["value"]}
	},
	"kv.flushdb": func(fields) []any { return []any{"FLUSHDB"} },
}

func settingWords(name string, f fields) []any {
	argv := []any{name, f["room"]}
	config, _ := f["config"].(fields)
	for setting, v := range config {
		argv = append(argv, setting, v)
	}
	return argv
}

// Call runs a command.
func (r *resp) Call(command string, f fields) (any, error) {
	line, ok := lines[command]
	if !ok {
		return nil, fmt.Errorf("%s has no command line", command)
	}
	v, err := r.Words(line(f)...)
	if err != nil {
		return nil, err
	}
	switch v = harness.PlainReply(v); command {
	case "stream.create", "stream.update", "stream.delete", "stream.commit":
		return fields{"success": v == "OK"}, nil
	case "stream.get_or_create":
		return fields{"success": true, "created": v == "CREATED"}, nil
	case "stream.publish", "stream.trim", "stream.cursor":
		n := map[string]string{"stream.publish": "offset", "stream.trim": "trimmed",
			"stream.cursor": "offset"}[command]
		if text, ok := v.(string); ok { // XADD answers text
			v = json.Number(text)
		}
		return harness.OwnShapes(map[string]any{n: v}, ""), nil
	case "stream.publish_batch":
		return fields{"offsets": v}, nil
	case "stream.forget":
		return fields{"forgotten": v == true || v == int64(1)}, nil
	case "stream.list":
		return fields{"rooms": v}, nil
	case "pubsub.topics":
		return fields{"topics": v}, nil
	case "pubsub.publish":
		return fields{"subscribers_matched": v, "topic": f["topic"]}, nil
	case "pubsub.info":
		return fields{"topic": v.([]any)[0], "subscriber_count": v.([]any)[1]}, nil
	case "stream.stats", "pubsub.stats":
		return harness.AsFields(v)
	case "stream.info":
		return infoOf(v)
	case "stream.consume", "stream.history":
		return pageOf(v)
	}
	return fields{"value": v}, nil
}

// infoOf is what SINFO answers, whose members are maps and lists of maps too.
func infoOf(v any) (fields, error) {
	out, err := harness.AsFields(v)
	for name, item := range out {
		list, many := item.([]any)
		switch {
		case err != nil:
			return nil, err
		case !many:
		case name == "config" || name == "stats":
			out[name], err = harness.AsFields(list)
		default:
			for i := range list {
				if list[i], err = harness.AsFields(list[i]); err != nil {
					return nil, err
				}
			}
		}
	}
	return out, err
}

// pageOf is a page of events. Their data are JSON text, or bytes that are none.
func pageOf(v any) (fields, error) {
	page, err := harness.AsFields(v)
	if err != nil {
		return nil, err
	}
	list, _ := page["events"].([]any)
	for i := range list {
		e, err := harness.AsFields(list[i])
		if err != nil {
			return nil, err
		}
		data, _ := e["data"].(string)
		e["data"] = []byte(data)
		if e["value"], err = harness.ReadJSON([]byte(data), ""); err != nil {
			e["value"] = data
		}
		list[i] = e
	}
	if n, ok := page["more"].(int64); ok {
		page["more"] = n == 1
	}
	return page, nil
}

// resp3 is pushed events of rooms too.
type resp3 struct{ *resp }

func newRESP3(addr string) *resp3 { return &resp3{newRESP(addr, 3)} }

func (r *resp3) follow(room string, f fields) (*feed, error) {
	argv := []string{"SFOLLOW", room}
	for field, word := range map[string]string{"from_offset": "FROM", "last": "LAST",
		"since": "SINCE"} {
		if v := f[field]; v != nil {
			argv = append(argv, word, fmt.Sprint(v))
		}
	}
	if f["new"] == true {
		argv = append(argv, "NEW")
	}
	l, first, err := r.begin(argv...)
	if err != nil {
		return nil, err
	}
	return feeding(first, func() { _ = l.Close() }, func() (fields, error) {
		parts, err := r.pushed(l)
		switch {
		case err != nil:
			return nil, err
		case len(parts) == 3 && parts[0] == "ended" && parts[1] == first["subscriber_id"]:
			return nil, &failure{Text: fmt.Sprint(parts[2])}
		case len(parts) != 3 || parts[0] != "event" || parts[1] != room:
			return nil, fmt.Errorf("%v is pushed", parts)
		}
		v, err := harness.ReadJSON([]byte(fmt.Sprint(parts[2])), "")
		out, _ := v.(fields)
		return out, err
	}), nil
}

// begin sends a command line on a connection of its own, and reads the map that it answers.
func (r *resp) begin(argv ...string) (*harness.Line, fields, error) {
	l, err := harness.DialLine(r.addr, r.protocol, 4*patience)
	if err != nil {
		return nil, nil, err
	}
	var v any
	if err = l.Send(argv...); err == nil {
		v, err = l.Value()
	}
	if why, no := v.(*failure); no && err == nil {
		why.Text = strings.TrimPrefix(why.Text, "ERR ")
		err = why
	}
	var first fields
	if err == nil {
		first, err = harness.AsFields(v)
	}
	if err != nil {
		_ = l.Close()
		return nil, nil, err
	}
	return l, first, nil
}

// hear subscribes to topics by their names: patterns of segments there are none over RESP.
func (r *resp) hear(topics ...string) (*feed, error) {
	if strings.ContainsAny(strings.Join(topics, ""), "*#") {
		return nil, errNotHere
	}
	return r.listen("subscribe", topics)
}

// listen subscribes by SUBSCRIBE or PSUBSCRIBE.
func (r *resp) listen(command string, names []string) (*feed, error) {
	l, err := harness.DialLine(r.addr, r.protocol, 4*patience)
	if err != nil {
		return nil, err
	}
	err = l.Send(append([]string{command}, names...)...)
	for i := 0; i < len(names) && err == nil; i++ {
		var parts []any
		if parts, err = r.pushed(l); err == nil && (len(parts) != 3 || parts[0] != command) {
			err = fmt.Errorf("%s answers %v", command, parts)
		}
	}
	if err != nil {
		_ = l.Close()
		return nil, err
	}
	return r.messages(l, fields{"subscription_count": len(names)}), nil
}

// pushed reads a push. In RESP2 it is an array.
func (r *resp) pushed(l *harness.Line) ([]any, error) {
	v, err := l.Value()
	if err != nil {
		return nil, err
	}
	switch v := v.(type) {
	case harness.Push:
		if r.protocol == 3 {
			return v, nil
		}
	case []any:
		if r.protocol == 2 {
			return v, nil
		}
	case *failure:
		return nil, v
	}
	return nil, fmt.Errorf("%v (%T) is pushed", v, v)
}

// messages are those of topics: their payloads are text.
func (r *resp) messages(l *harness.Line, first fields) *feed {
	return feeding(first, func() { _ = l.Close() }, func() (fields, error) {
		parts, err := r.pushed(l)
		if err != nil {
			return nil, err
		}
		if len(parts) == 4 && parts[0] == "pmessage" {
			parts = append([]any{"message"}, parts[2:]...)
		}
		if len(parts) != 3 || parts[0] != "message" {
			return nil, fmt.Errorf("%v is pushed", parts)
		}
		return fields{"type": "message", "topic": parts[1], "payload": parts[2]}, nil
	})
}

// watch asks for each pattern on one connection. Payloads are the text of events.
func (r *resp) watch(f fields, patterns ...string) (*feed, error) {
	argvs := make([][]string, len(patterns))
	for i, pattern := range patterns {
		argvs[i] = []string{"KV.WATCH", pattern}
		if mode, ok := f["mode"].(string); ok {
			argvs[i] = append(argvs[i], mode)
		}
		if from := f["from_lsn"]; from != nil {
			argvs[i] = append(argvs[i], "FROM", fmt.Sprint(from))
		}
	}
	l, first, err := r.begin(argvs[0]...)
	if err != nil {
		return nil, err
	}
	var early []fields
	for _, argv := range argvs[1:] {
		if err = l.Send(argv...); err != nil {
			break
		}
		for answered := false; !answered && err == nil; {
			var v any
			if v, err = l.Value(); err != nil {
				break
			}
			var one fields
			if one, err = watchEvent(v); err == nil {
				early = append(early, one)
			} else {
				answered, err = true, nil
			}
		}
	}
	if err != nil {
		_ = l.Close()
		return nil, err
	}
	return feeding(first, func() { _ = l.Close() }, func() (fields, error) {
		if len(early) > 0 {
			one := early[0]
			early = early[1:]
			return one, nil
		}
		v, err := l.Value()
		if err != nil {
			return nil, err
		}
		return watchEvent(v)
	}), nil
}

// watchEvent is a push of KV.WATCH.
func watchEvent(v any) (fields, error) {
	parts, ok := v.([]any)
	if push, is := v.(harness.Push); is {
		parts, ok = push, true
	}
	if !ok || len(parts) != 3 || parts[0] != "message" {
		return nil, fmt.Errorf("%v is pushed", v)
	}
	event, err := harness.ReadJSON([]byte(fmt.Sprint(parts[2])), "")
	return fields{"type": "message", "topic": parts[1], "payload": event}, err
}

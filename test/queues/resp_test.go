package queues

import (
	"fmt"

	"github.com/synapdb/synap/test/harness"
)

// resp speaks to the RESP door in a protocol version.
type resp struct{ *harness.RESP }

func newRESP(addr string, protocol int) *resp {
	return &resp{harness.NewRESP(addr, protocol, 2*patience)}
}

// lines make a command line of a command's fields.
var lines = map[string]func(f fields) []any{
	"queue.create": func(f fields) []any { return settingWords("QCREATE", f) },
	"queue.update": func(f fields) []any { return settingWords("QUPDATE", f) },
	"queue.delete": queueWords("QDELETE"),
	"queue.pause":  queueWords("QPAUSE"),
	"queue.resume": queueWords("QRESUME"),
	"queue.purge":  queueWords("QPURGE"),
	"queue.stats":  queueWords("QSTATS"),
	"queue.info":   queueWords("QINFO"),
	"queue.peek":   queueWords("QPEEK"),
	"queue.list": func(f fields) []any {
		return harness.OptionWords([]any{"QLIST"}, f, "prefix", "PREFIX", "cursor", "AFTER",
			"limit", "COUNT")
	},
	"queue.publish": func(f fields) []any {
		argv := harness.OptionWords([]any{"QPUBLISH", f["queue"], f["payload"]}, f,
			"priority", "PRIORITY", "max_retries", "RETRIES", "delay_ms", "DELAY",
			"deliver_at", "AT", "ttl_ms", "TTL", "dedup_id", "DEDUP", "headers", "HEADERS")
		if guard, ok := f["if_version"].(fields); ok {
			argv = append(argv, "IFVERSION", guard["key"], guard["version"])
		}
		return argv
	},
	"queue.consume": func(f fields) []any {
		return append(harness.OptionWords([]any{"QCONSUME", f["queue"], f["consumer_id"]}, f,
			"count", "COUNT", "wait_ms", "WAIT", "ack_deadline_ms", "DEADLINE"), "FULL")
	},
	"queue.ack": func(f fields) []any {
		return harness.OptionWords(idWords([]any{"QACK", f["queue"]}, f), f, "token", "TOKEN")
	},
	"queue.nack": func(f fields) []any {
		argv := idWords([]any{"QNACK", f["queue"]}, f)
		if requeue, given := f["requeue"].(bool); given {
			argv = append(argv, map[bool]any{true: "1", false: "0"}[requeue])
		}
		return harness.OptionWords(argv, f, "delay_ms", "DELAY", "token", "TOKEN")
	},
	"queue.extend": func(f fields) []any {
		argv := append(idWords([]any{"QEXTEND", f["queue"]}, f), 0)
		if ms := f["ack_deadline_ms"]; ms != nil {
			argv[len(argv)-1] = ms
		}
		return harness.OptionWords(argv, f, "token", "TOKEN")
	},
	"queue.dlq.list":  func(f fields) []any { return []any{"QDLQ", "LIST", f["queue"]} },
	"queue.dlq.retry": func(f fields) []any { return deadWords("RETRY", f) },
	"queue.dlq.purge": func(f fields) []any { return deadWords("PURGE", f) },
	"kv.set":          func(f fields) []any { return []any{"SET", f["key"], f["value"]} },
	"kv.get":          func(f fields) []any { return []any{"GET", f["key"]} },
}

func queueWords(name string) func(fields) []any {
	return func(f fields) []any { return []any{name, f["queue"]} }
}

func settingWords(name string, f fields) []any {
	argv := []any{name, f["queue"]}
	config, _ := f["config"].(fields)
	for setting, v := range config {
		argv = append(argv, setting, v)
	}
	return argv
}

func idWords(argv []any, f fields) []any {
	if many, ok := f["message_ids"].([]any); ok {
		return append(argv, many...)
	}
	return append(argv, f["message_id"])
}

func deadWords(name string, f fields) []any {
	argv := []any{"QDLQ", name, f["queue"]}
	switch {
	case f["all"] == true:
		argv = append(argv, "ALL")
	case f["limit"] != nil:
		argv = append(argv, "LIMIT", f["limit"])
	default:
		argv = idWords(argv, f)
	}
	if f["dry_run"] == true {
		argv = append(argv, "DRYRUN")
	}
	return argv
}

func (r *resp) Call(command string, f fields) (any, error) {
	line, ok := lines[command]
	if !ok {
		return nil, fmt.Errorf("%s has no command line", command)
	}
	v, err := r.Words(line(f)...)
	if err != nil {
		return nil, err
	}
	v = harness.PlainReply(v)
	switch command {
	case "queue.create", "queue.update", "queue.pause", "queue.resume", "queue.nack":
		return fields{"success": v == "OK"}, nil
	case "queue.ack":
		return fields{"success": v == "OK" || v == int64(len(idWords(nil, f)))}, nil
	case "queue.delete":
		return fields{"deleted": v == int64(1)}, nil
	case "queue.purge":
		return fields{"purged": v}, nil
	case "queue.publish":
		return fields{"message_id": v}, nil
	case "queue.extend":
		return fields{"success": true, "deadline": v}, nil
	case "queue.dlq.retry", "queue.dlq.purge":
		return fields{"retried": v, "purged": v, "count": v}, nil
	case "queue.list":
		return namesPage(v, f)
	case "queue.stats", "queue.info":
		return asFields(v)
	case "queue.peek", "queue.dlq.list":
		return messagesOf("messages", v)
	case "queue.consume":
		if f["count"] != nil {
			return messagesOf("messages", v)
		}
		return messagesOf("message", v)
	}
	return v, nil
}

// namesPage is a page of queues; its cursor is the last name, unless the page is not full.
func namesPage(v any, f fields) (any, error) {
	list, ok := v.([]any)
	if !ok {
		return nil, fmt.Errorf("QLIST answers %v", v)
	}
	page := fields{"queues": list}
	if limit, ok := f["limit"].(int); ok && len(list) == limit {
		page["cursor"] = list[limit-1]
	}
	return page, nil
}

// messagesOf is one message, or a list of them, under a name. Null is no message.
func messagesOf(name string, v any) (any, error) {
	if v == nil {
		return fields{name: nil}, nil
	}
	list, many := v.([]any)
	if name == "message" {
		list, many = []any{v}, true
	}
	if !many {
		return nil, fmt.Errorf("messages are %v", v)
	}
	out := make([]any, len(list))
	for i := range list {
		m, err := asFields(list[i])
		if err != nil {
			return nil, err
		}
		payload, _ := m["payload"].(string)
		m["payload"] = []byte(payload)
		if text, ok := m["headers"].(string); ok {
			headers, err := harness.ReadJSON([]byte(text), "")
			if err != nil {
				return nil, err
			}
			m["headers"] = headers
		}
		out[i] = m
	}
	if name == "message" {
		return fields{name: out[0]}, nil
	}
	return fields{name: out}, nil
}

// asFields is a map, as may be some of its members in QINFO.
func asFields(v any) (fields, error) {
	out, err := harness.AsFields(v)
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"config", "stats"} {
		if inner, ok := out[name].([]any); ok {
			if out[name], err = asFields(inner); err != nil {
				return nil, err
			}
		}
	}
	if consumers, ok := out["consumers"].([]any); ok {
		for i := range consumers {
			if consumers[i], err = asFields(consumers[i]); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

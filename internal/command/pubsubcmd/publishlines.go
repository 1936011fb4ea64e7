package pubsubcmd

import (
	"bytes"
	"encoding/json"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/store/pubsub"
)

func publishLines() []*command.Row {
	return []*command.Row{{
		Name: "PUBLISH", Arity: 3, Flags: line | command.Fast, Words: "channel message",
		Summary: "Sends a message to all who are subscribed to its topic; returns how many.",
		Run: func(c *command.Ctx, argv [][]byte) error {
			c.Reply.Int(int64(send(c, message(c, argv[1], argv[2], nil))))
			return nil
		},
	}, {
		Name: "PPUBLISH", Arity: 3, Flags: line | command.Fast, Words: "topic json",
		Summary: "Is PUBLISH of a message that is JSON.",
		Run: func(c *command.Ctx, argv [][]byte) error {
			m := message(c, argv[1], argv[2], nil)
			if m.Form == effect.TextForm && json.Valid(m.Payload) {
				fromJSON(m)
			}
			c.Reply.Int(int64(send(c, m)))
			return nil
		},
	}}
}

// fromJSON makes a payload that is JSON text what a dotted command would have made of it: a string
// is its text, and other values are compact.
func fromJSON(m *pubsub.Message) {
	var text *string // nil for null, which can be read as any type
	if json.Unmarshal(m.Payload, &text) == nil && text != nil {
		m.Payload = []byte(*text)
		return
	}
	var b bytes.Buffer
	_ = json.Compact(&b, m.Payload) // it is valid
	m.Payload, m.Form = b.Bytes(), effect.JSONForm
}

package pubsubcmd

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"strconv"
	"unicode/utf8"

	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/store/pubsub"
)

const hexDigits = "0123456789abcdef"

// longestHead is the length of a frame's head at most, and of one of 64 KiB and more.
const longestHead = 10

// TextFrame is the message as a text frame of a WebSocket server. It is an encoder
// for pubsub.Message.Frame.
func TextFrame(m *pubsub.Message) []byte {
	// What lies between is 133 bytes long. Text that must be escaped, or is base64, grows b once; a
	// reserve in all messages would be garbage.
	const between = 144
	b := make([]byte, longestHead,
		longestHead+between+len(m.Topic)+len(m.Payload)+len(m.Metadata))
	b = appendMessage(b, m)
	n := len(b) - longestHead
	const finText = 0x81
	head := b[:longestHead]
	switch {
	case n < 126:
		head = head[8:]
		head[1] = byte(n)
	case n < 1<<16:
		head = head[6:]
		head[1] = 126
		binary.BigEndian.PutUint16(head[2:], uint16(n))
	default:
		head[1] = 127
		binary.BigEndian.PutUint64(head[2:], uint64(n))
	}
	head[0] = finText
	return b[longestHead-len(head):]
}

// appendMessage appends the message as JSON text.
func appendMessage(b []byte, m *pubsub.Message) []byte {
	b = append(b, `{"type":"message","message_id":"`...)
	b = m.AppendID(b)
	b = append(b, `","topic":`...)
	b = AppendText(b, m.Topic)
	b = append(b, `,"payload":`...)
	switch m.Form {
	case effect.JSONForm:
		b = append(b, m.Payload...)
	case effect.TextForm:
		b = AppendText(b, m.Payload)
	default:
		b = append(b, '"')
		b = base64.StdEncoding.AppendEncode(b, m.Payload)
		b = append(b, `","encoding":"base64"`...)
	}
	b = append(b, `,"metadata":`...)
	if m.Metadata == nil {
		b = append(b, `null`...)
	} else {
		b = append(b, m.Metadata...)
	}
	b = append(b, `,"timestamp":`...)
	b = strconv.AppendInt(b, m.Time/1000, 10)
	return append(b, '}')
}

// AppendText appends text as a JSON string. What is not UTF-8 in it is replaced.
func AppendText(dst, text []byte) []byte {
	if !utf8.Valid(text) {
		text = bytes.ToValidUTF8(text, []byte("\uFFFD"))
	}
	dst = append(dst, '"')
	from := 0
	for i, c := range text {
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, text[from:i]...)
		from = i + 1
		if c < ' ' {
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		} else {
			dst = append(dst, '\\', c)
		}
	}
	return append(append(dst, text[from:]...), '"')
}

package synap

import (
	"context"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // as RFC 6455 has it
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	fastrand "math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// wsConn is a WebSocket, the side of the client (RFC 6455). One goroutine may read, any may write.
type wsConn struct {
	link
	writing sync.Mutex
	got     []byte // the present message
	heard   time.Time
}

// Kinds of frames.
const (
	opText   = 0x1
	opBinary = 0x2
	opClose  = 0x8
	opPing   = 0x9
	opPong   = 0xA
)

const (
	// silence is after how long without a word the server is asked whether it is there.
	silence = 25 * time.Second
	// patience is after how long without a word the connection is given up.
	patience = 3 * silence
)

// dialWS opens a WebSocket at a path. protocol is the subprotocol wanted; "" = none.
func dialWS(ctx context.Context, o *options, path, protocol string) (*wsConn, error) {
	l, err := dial(ctx, o)
	if err != nil {
		return nil, err
	}
	c := &wsConn{link: l}
	stop := c.bound(ctx)
	defer stop()
	if err := c.handshake(o, path, protocol); err != nil {
		_ = c.Close() // of no use
		return nil, ended(ctx, err)
	}
	c.heard = time.Now()
	return c, nil
}

func (c *wsConn) handshake(o *options, path, protocol string) error {
	var raw [16]byte
	_, _ = rand.Read(raw[:]) // never fails: see crypto/rand
	key := base64.StdEncoding.EncodeToString(raw[:])
	head := fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\n"+
		"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n",
		path, o.url.Host, key)
	if protocol != "" {
		head = fmt.Appendf(head, "Sec-WebSocket-Protocol: %s\r\n", protocol)
	}
	if o.token != "" {
		head = fmt.Appendf(head, "Authorization: Bearer %s\r\n", o.token)
	}
	if _, err := c.Write(append(head, "\r\n"...)); err != nil {
		return err
	}
	answer, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusSwitchingProtocols {
		text, _ := io.ReadAll(io.LimitReader(answer.Body, longestLine)) // what there is of it
		_ = answer.Body.Close()                                         // it was read
		return statusError("", answer.StatusCode, text)
	}
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) //nolint:gosec // likewise
	if answer.Header.Get("Sec-WebSocket-Accept") != base64.StdEncoding.EncodeToString(sum[:]) ||
		answer.Header.Get("Sec-WebSocket-Protocol") != protocol {
		return errors.New("what answers is no Synap server: its WebSocket handshake is wrong")
	}
	return nil
}

// appendFrame appends a whole message, or a control frame, masked.
//
//	fin+op | 1+length, 1, 3 or 9 bytes | mask, 4 bytes | payload
func appendFrame(dst []byte, op byte, payload []byte) []byte {
	dst = append(dst, 0x80|op)
	switch n := len(payload); {
	case n < 126:
		dst = append(dst, 0x80|byte(n))
	case n < 1<<16:
		dst = binary.BigEndian.AppendUint16(append(dst, 0x80|126), uint16(n))
	default:
		dst = binary.BigEndian.AppendUint64(append(dst, 0x80|127), uint64(n))
	}
	mask := fastrand.Uint32()
	dst = binary.LittleEndian.AppendUint32(dst, mask)
	from := len(dst)
	dst = append(dst, payload...)
	toggle(dst[from:], mask)
	return dst
}

// toggle masks, or unmasks.
func toggle(b []byte, mask uint32) {
	wide := uint64(mask)<<32 | uint64(mask)
	for ; len(b) >= 8; b = b[8:] {
		binary.LittleEndian.PutUint64(b, binary.LittleEndian.Uint64(b)^wide)
	}
	for i := range b {
		b[i] ^= byte(mask >> (8 * (i % 4)))
	}
}

// send writes one message.
func (c *wsConn) send(op byte, payload []byte) error {
	frame := appendFrame(nil, op, payload)
	c.writing.Lock()
	defer c.writing.Unlock()
	_, err := c.Write(frame)
	return err
}

// farewell is the server's reason to end.
type farewell struct {
	code uint16
	text string
}

func (f *farewell) Error() string {
	if f.text != "" {
		return "the server ends the connection: " + f.text
	}
	return fmt.Sprintf("the server ends the connection (code %d)", f.code)
}

var errFrame = errors.New("the server's answer is no WebSocket frame")

// message reads the next message, which is valid until the one after it, and answers pings.
func (c *wsConn) message() (op byte, payload []byte, err error) {
	c.got = c.got[:0]
	if cap(c.got) > keepBuffer {
		c.got = nil
	}
	for {
		fin, kind, size, err := c.frameHead()
		if err != nil {
			return 0, nil, err
		}
		if kind >= opClose {
			if err := c.control(kind, size); err != nil {
				return 0, nil, err
			}
			continue
		}
		if (kind == 0) != (op != 0) || kind > opBinary || len(c.got)+size > maxReply {
			return 0, nil, errFrame
		}
		if kind != 0 {
			op = kind
		}
		if c.got, err = c.readInto(c.got, size); err != nil {
			return 0, nil, err
		}
		if fin {
			return op, c.got, nil
		}
	}
}

func (c *wsConn) frameHead() (fin bool, kind byte, size int, err error) {
	head, err := c.in.Peek(2)
	if err != nil {
		return false, 0, 0, err
	}
	fin, kind = head[0]&0x80 != 0, head[0]&0x0F
	n, wide := uint64(head[1]), 0
	switch {
	case head[0]&0x70 != 0, head[1]&0x80 != 0, kind >= opClose && (!fin || n > 125):
		return false, 0, 0, errFrame
	case n == 126:
		wide = 2
	case n == 127:
		wide = 8
	}
	if head, err = c.in.Peek(2 + wide); err != nil {
		return false, 0, 0, err
	}
	switch wide {
	case 2:
		n = uint64(binary.BigEndian.Uint16(head[2:]))
	case 8:
		n = binary.BigEndian.Uint64(head[2:])
	}
	if n > maxReply {
		return false, 0, 0, errFrame
	}
	_, err = c.in.Discard(2 + wide)
	return fin, kind, int(n), err
}

// control takes a control frame.
func (c *wsConn) control(kind byte, size int) error {
	var b [125]byte
	if _, err := io.ReadFull(c.in, b[:size]); err != nil {
		return err
	}
	switch kind {
	case opClose:
		f := &farewell{}
		if size >= 2 {
			f.code, f.text = binary.BigEndian.Uint16(b[:]), string(b[2:size])
		}
		return f
	case opPing:
		return c.send(opPong, b[:size])
	case opPong:
		return nil
	}
	return errFrame
}

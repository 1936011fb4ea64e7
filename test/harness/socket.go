package harness

import (
	"bufio"
	"context"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/coder/websocket"
	frames "github.com/gobwas/ws"
)

// ReadFrame reads a text message of a WebSocket, an object; binary is as in Envelope.
func ReadFrame(ctx context.Context, c *websocket.Conn, binary string) (Fields, error) {
	kind, text, err := c.Read(ctx)
	if err != nil {
		return nil, err
	}
	v, err := ReadJSON(text, binary)
	frame, ok := v.(Fields)
	if err != nil || !ok || kind != websocket.MessageText {
		return nil, fmt.Errorf("a message of kind %v is %.300q: %w", kind, text, err)
	}
	return frame, nil
}

// Bare is a WebSocket without a reader of its own: nothing is read unless its owner does.
type Bare struct {
	net.Conn
	In *bufio.Reader
}

// DialBare opens a WebSocket, whose reads and writes all end within patience, and reads the answer
// to its handshake. receive, unless 0, is the size of the socket's receive buffer in bytes.
func DialBare(addr, path string, receive int, patience time.Duration) (*Bare, error) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	if receive > 0 {
		_ = c.(*net.TCPConn).SetReadBuffer(receive)
	}
	_ = c.SetDeadline(time.Now().Add(patience))
	b := &Bare{c, bufio.NewReader(c)}
	key := base64.StdEncoding.EncodeToString([]byte("0123456789abcdef"))
	_, err = fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"+
		"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n\r\n",
		path, key)
	if err == nil {
		var reply *http.Response
		if reply, err = http.ReadResponse(b.In, nil); err == nil {
			_ = reply.Body.Close()
			if reply.StatusCode != http.StatusSwitchingProtocols {
				err = fmt.Errorf("the handshake is answered by %s", reply.Status)
			}
		}
	}
	if err != nil {
		_ = c.Close()
		return nil, err
	}
	return b, nil
}

// Next reads one frame.
func (b *Bare) Next() (frames.Frame, error) { return frames.ReadFrame(b.In) }

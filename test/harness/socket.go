package harness

import (
	"context"
	"fmt"

	"github.com/coder/websocket"
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

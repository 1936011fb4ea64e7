package crash

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
)

// peer speaks the Redis protocol, so that the tests know which reply belongs to which command
// when a connection breaks in the middle.
type peer struct {
	net.Conn
	r   *bufio.Reader
	out bytes.Buffer
}

func newPeer(c net.Conn) *peer { return &peer{Conn: c, r: bufio.NewReader(c)} }

// put queues a command.
func (p *peer) put(words ...string) {
	fmt.Fprintf(&p.out, "*%d\r\n", len(words))
	for _, w := range words {
		fmt.Fprintf(&p.out, "$%d\r\n%s\r\n", len(w), w)
	}
}

// flush sends what is queued.
func (p *peer) flush() error {
	_, err := p.Write(p.out.Bytes())
	p.out.Reset()
	return err
}

// reply reads one reply; of an array its elements joined by spaces. An error reply keeps its "-".
func (p *peer) reply() (string, error) {
	line, err := p.r.ReadString('\n')
	if err != nil {
		return "", err
	}
	line = strings.TrimSuffix(line, "\r\n")
	switch line[0] {
	case '$':
		n, err := strconv.Atoi(line[1:])
		if err != nil || n < 0 {
			return "(nil)", err
		}
		text := make([]byte, n+2)
		_, err = io.ReadFull(p.r, text)
		return string(text[:n]), err
	case '*':
		n, err := strconv.Atoi(line[1:])
		if err != nil || n < 0 {
			return "(nil)", err
		}
		parts := make([]string, n)
		for i := range parts {
			if parts[i], err = p.reply(); err != nil {
				return "", err
			}
		}
		return strings.Join(parts, " "), nil
	case '-':
		return line, nil
	default:
		return line[1:], nil
	}
}

// do sends one command and reads its reply.
func (p *peer) do(words ...string) (string, error) {
	p.put(words...)
	if err := p.flush(); err != nil {
		return "", err
	}
	return p.reply()
}

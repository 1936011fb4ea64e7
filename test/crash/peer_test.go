package crash

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
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

// await is what the answer to a command is for, or that it was lost.
type await func(reply string, lost bool) error

// converse sends a random number of commands at a time and hands each its answer, until the
// connection is lost or the test has failed. line queues a command; nil: it had none to send.
func (p *peer) converse(t *testing.T, intN func(int) int, line func(*peer) await) {
	for {
		var answers []await
		for range 1 + intN(20) {
			if next := line(p); next != nil {
				answers = append(answers, next)
			}
		}
		failed := p.flush()
		for _, answer := range answers {
			reply := ""
			if failed == nil {
				reply, failed = p.reply()
			}
			if err := answer(reply, failed != nil); err != nil {
				t.Error(err)
			}
		}
		if failed != nil || t.Failed() {
			return
		}
	}
}

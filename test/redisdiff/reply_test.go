package redisdiff

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"slices"
	"strconv"
)

// reply is one RESP value: as it was sent, and taken apart.
type reply struct {
	raw  []byte
	kind byte // the type byte
	text string
	list []reply // elements; keys and values in turn for a map
}

func (r reply) String() string { return fmt.Sprintf("%q", r.raw) }

// failed says whether r is an error.
func (r reply) failed() bool { return r.kind == '-' || r.kind == '!' }

// null says whether r is an absent string or list.
func (r reply) null() bool {
	return slices.Contains([]string{"_\r\n", "$-1\r\n", "*-1\r\n"}, string(r.raw))
}

// integer is the number of an integer reply.
func (r reply) integer() (int64, bool) {
	n, err := strconv.ParseInt(r.text, 10, 64)
	return n, err == nil && r.kind == ':'
}

// readReply reads one whole value.
func readReply(in *bufio.Reader) (reply, error) {
	line, err := in.ReadBytes('\n')
	if err != nil {
		return reply{}, err
	}
	if len(line) < 3 || line[len(line)-2] != '\r' {
		return reply{}, fmt.Errorf("malformed line %q", line)
	}
	r := reply{raw: line, kind: line[0], text: string(line[1 : len(line)-2])}
	switch r.kind {
	case '$', '=', '!':
		return readBulk(in, r)
	case '*', '~', '>':
		return readList(in, r, 1)
	case '%':
		return readList(in, r, 2)
	}
	return r, nil
}

func readBulk(in *bufio.Reader, r reply) (reply, error) {
	n, err := strconv.Atoi(r.text)
	if err != nil || n < 0 {
		return r, err
	}
	body := make([]byte, n+2)
	if _, err := io.ReadFull(in, body); err != nil {
		return r, err
	}
	if !bytes.HasSuffix(body, []byte("\r\n")) {
		return r, fmt.Errorf("bulk %q does not end in CRLF", body)
	}
	r.raw, r.text = append(r.raw, body...), string(body[:n])
	return r, nil
}

func readList(in *bufio.Reader, r reply, each int) (reply, error) {
	n, err := strconv.Atoi(r.text)
	if err != nil || n < 0 {
		return r, err
	}
	for range n * each {
		element, err := readReply(in)
		if err != nil {
			return r, err
		}
		r.raw = append(r.raw, element.raw...)
		r.list = append(r.list, element)
	}
	return r, nil
}

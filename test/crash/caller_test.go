package crash

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// caller sends commands over HTTP.
type caller struct {
	url string
	http.Client
}

func (c *child) caller() *caller {
	return &caller{url: fmt.Sprintf("http://127.0.0.1:%d/api/v1/", c.HTTP),
		Client: http.Client{Transport: &http.Transport{}, Timeout: patient}}
}

// refusal is an answer that says no.
type refusal struct{ text string }

func (r refusal) Error() string { return r.text }

// post sends a body and decodes the answer.
func (c *caller) post(path string, body object, answer any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	reply, err := c.Post(c.url+path, "application/json", bytes.NewReader(text))
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	if reply.StatusCode != 200 {
		return fmt.Errorf("%s: status %d", text, reply.StatusCode)
	}
	return json.NewDecoder(reply.Body).Decode(answer)
}

// call runs a command and decodes its payload. A refusal is an error of that type; any other error
// means that nobody knows what became of it.
func (c *caller) call(command string, payload object, answer any) error {
	var reply struct {
		Success bool
		Error   string
		Payload json.RawMessage
	}
	err := c.post("command", object{"command": command, "request_id": "1", "payload": payload},
		&reply)
	if err != nil {
		return err
	}
	if !reply.Success {
		return refusal{reply.Error}
	}
	return json.Unmarshal(reply.Payload, answer)
}

// late is err unless it says that a lease has ended: then it is nil.
func late(err error) error {
	if err != nil && (strings.Contains(err.Error(), "Stale lease") ||
		strings.Contains(err.Error(), "Message not found")) {
		return nil
	}
	return err
}

// delivery is a message in a worker's hands.
type delivery struct {
	queue, id, token, payload string
	retries                   int
}

// answered is a message as answers have it. The payload comes as an array of numbers.
type answered struct {
	ID         string
	Token      string
	State      string
	Payload    []int
	RetryCount int `json:"retry_count"`
}

func (a *answered) text() string {
	b := make([]byte, len(a.Payload))
	for i, n := range a.Payload {
		b[i] = byte(n)
	}
	return string(b)
}

// look lists all messages of a queue in a state, page by page.
func (c *caller) look(queue, state string, found map[string]sighting) error {
	for after := ""; ; {
		ask := object{"queue": queue, "state": state, "limit": 1000}
		if after != "" {
			ask["after"] = after
		}
		var page struct {
			Messages []answered
			More     bool
		}
		if err := c.call("queue.peek", ask, &page); err != nil {
			return fmt.Errorf("peek %s: %w", state, err)
		}
		for i := range page.Messages {
			m := &page.Messages[i]
			if s, twice := found[m.text()]; twice {
				return fmt.Errorf("%q is there twice, %+v and %s", m.text(), s, state)
			}
			found[m.text()] = sighting{queue, state, m.RetryCount}
			after = m.ID
		}
		if !page.More { // to ask behind the last one fails if it has moved meanwhile
			return nil
		}
	}
}

// take is one message over RESP, nil when there is none.
func take(reply, queue string) (*delivery, error) {
	words := strings.Split(reply, " ")
	if reply == "(nil)" {
		return nil, nil
	}
	if len(words) < 4 {
		return nil, errors.New("a consumer got " + reply)
	}
	retries, err := strconv.Atoi(words[3])
	return &delivery{queue: queue, id: words[0], payload: words[1], retries: retries}, err
}

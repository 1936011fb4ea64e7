package harness

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// Events is a stream of server-sent events.
type Events struct {
	body io.ReadCloser
	in   *bufio.Scanner
	stop context.CancelFunc
}

// Event is one of them, as it was sent.
type Event struct{ ID, Name, Data string }

// OpenEvents asks for a stream, behind the event of an id unless that is empty. What is refused
// with a text is a *Failure.
func OpenEvents(url, id string) (*Events, error) {
	ctx, stop := context.WithCancel(context.Background())
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		stop()
		return nil, err
	}
	request.Header.Set("Accept", "text/event-stream")
	request.Close = true
	if id != "" {
		request.Header.Set("Last-Event-ID", id)
	}
	reply, err := http.DefaultClient.Do(request)
	if err != nil {
		stop()
		return nil, err
	}
	if reply.StatusCode != http.StatusOK {
		defer stop()
		text, _ := io.ReadAll(reply.Body)
		_ = reply.Body.Close()
		answer, err := ReadJSON(text, "")
		f, _ := answer.(Fields)
		if why, ok := f["error"].(string); ok && err == nil {
			return nil, &Failure{why}
		}
		return nil, fmt.Errorf("status %d with %.300q", reply.StatusCode, text)
	}
	e := &Events{reply.Body, bufio.NewScanner(reply.Body), stop}
	e.in.Buffer(nil, 64<<20)
	return e, nil
}

// Close cuts the connection.
func (e *Events) Close() {
	e.stop()
	_ = e.body.Close()
}

// Next waits for an event.
func (e *Events) Next() (v Event, err error) {
	for e.in.Scan() {
		name, text, _ := strings.Cut(e.in.Text(), ":")
		text = strings.TrimPrefix(text, " ")
		switch {
		case e.in.Text() == "" && v != Event{}:
			return v, nil
		case name == "id":
			v.ID = text
		case name == "event":
			v.Name = text
		case name == "data":
			v.Data += text
		}
	}
	if err = e.in.Err(); err == nil {
		err = errors.New("the stream is over")
	}
	return v, err
}

package crash

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
)

// speaker publishes. What it does not know it learns after the kill.
type speaker struct {
	*storm
	*halls
	*rand.Rand
	name   string
	serial int
}

func (s *speaker) invent() (room, text string) {
	s.serial++
	text = fmt.Sprintf("%s-%d", s.name, s.serial)
	if s.IntN(200) == 0 { // large ones have memory of their own
		text += ":" + string(make([]byte, 40_000))
	}
	return lasting[s.IntN(len(lasting))], text
}

// lines works over the Redis protocol, a random number of commands at a time.
func (s *speaker) lines(c *child) {
	p := c.dial()
	s.ended.Go(func() { p.converse(s.t, s.IntN, s.line) })
}

// line queues a command and says what to do with its answer.
func (s *speaker) line(p *peer) await {
	if s.IntN(6) == 0 {
		room, offset := lasting[s.IntN(len(lasting))], uint64(s.IntN(100_000))
		s.moving(room, s.name, offset)
		p.put("SCOMMIT", room, s.name, fmt.Sprint(offset))
		return func(reply string, lost bool) error {
			if lost {
				return nil
			}
			if reply != "OK" {
				return errors.New("SCOMMIT: " + reply)
			}
			s.moved(room, s.name, offset)
			s.acks.Add(1)
			return nil
		}
	}
	room, text := s.invent()
	s.saying(room, text, "")
	p.put("SPUBLISH", room, "said", text)
	return func(reply string, lost bool) error {
		if lost {
			return nil
		}
		offset, err := strconv.ParseUint(reply, 10, 64)
		if err != nil {
			return errors.New("SPUBLISH: " + reply)
		}
		s.acks.Add(1)
		return s.said(room, text, offset)
	}
}

// web works over HTTP, a command at a time.
func (s *speaker) web(c *child) {
	call := c.caller()
	s.ended.Go(func() {
		defer call.CloseIdleConnections()
		for !s.t.Failed() {
			err := s.ask(call)
			if no := (refusal{}); errors.As(err, &no) {
				s.t.Error(err)
			} else if err != nil {
				return
			}
		}
	})
}

// ask sends one command. The error is a refusal if it should not have been refused.
func (s *speaker) ask(c *caller) error {
	switch {
	case s.IntN(4) == 0:
		return s.batch(c)
	case s.IntN(4) == 0 && s.name == "s4": // one alone makes a room anew
		return s.remake(c)
	}
	room, text := s.invent()
	s.saying(room, text, "")
	var reply struct{ Offset uint64 }
	err := c.call("stream.publish", object{"room": room, "event": "said", "data": text}, &reply)
	if err != nil {
		return err
	}
	s.acks.Add(1)
	return s.said(room, text, reply.Offset)
}

// batch sets a key and publishes twice: all of it happens, or nothing.
func (s *speaker) batch(c *caller) error {
	room, first := s.invent()
	_, second := s.invent()
	key := "deal:" + first[:min(len(first), 20)]
	s.saying(room, first, key)
	s.saying(room, second, key)
	publish := func(text string) object {
		return object{"command": "stream.publish",
			"payload": object{"room": room, "event": "said", "data": text}}
	}
	var reply struct {
		Results []struct {
			Success bool
			Error   string
			Payload struct{ Offset uint64 }
		}
	}
	err := c.call("batch", object{"atomic": true, "commands": []object{publish(first),
		{"command": "kv.set", "payload": object{"key": key, "value": "x"}}, publish(second),
	}}, &reply)
	if err != nil {
		return err
	}
	for _, r := range reply.Results {
		if !r.Success {
			return refusal{r.Error}
		}
	}
	s.acks.Add(1)
	s.dealt(key)
	return errors.Join(s.said(room, first, reply.Results[0].Payload.Offset),
		s.said(room, second, reply.Results[2].Payload.Offset))
}

// remake deletes a room and makes it again.
func (s *speaker) remake(c *caller) error {
	err := c.call("stream.delete", object{"room": fleeting}, &struct{}{})
	if no := (refusal{}); err != nil && !errors.As(err, &no) { // it may be absent
		return err
	}
	if err := c.call("stream.create", object{"room": fleeting}, &struct{}{}); err != nil {
		return err
	}
	var stats struct{ Generation uint64 }
	if err := c.call("stream.stats", object{"room": fleeting}, &stats); err != nil {
		return err
	}
	s.acks.Add(1)
	return s.born(stats.Generation)
}

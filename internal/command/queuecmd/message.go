package queuecmd

import (
	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/store/queue"
)

var stateNames = [...]string{
	effect.Ready: "ready", effect.Delayed: "delayed", effect.Leased: "leased",
	effect.DeadLetter: "dead",
}

// parseState reads the name of a state; it is ready without one.
func parseState(name []byte) (effect.MessageState, error) {
	if len(name) == 0 {
		return effect.Ready, nil
	}
	for state, known := range stateNames {
		if string(name) == known {
			return effect.MessageState(state), nil
		}
	}
	return 0, errState
}

// hasValue says whether an answer repeats the payload as the JSON value it was given as.
func hasValue(v *queue.View) bool { return v.Form != effect.BytesForm }

func pairValue(r command.Reply, v *queue.View) {
	switch v.Form {
	case effect.TextForm:
		pairText(r, "value", v.Payload)
	case effect.JSONForm:
		r.Str("value")
		r.JSON(v.Payload)
	}
}

func pairPayload(r command.Reply, v *queue.View) {
	r.Str("payload")
	r.Bytes(v.Payload)
}

var noHeaders = []byte("{}")

func pairHeaders(r command.Reply, v *queue.View) {
	r.Str("headers")
	if len(v.Headers) == 0 {
		r.JSON(noHeaders)
	} else {
		r.JSON(v.Headers)
	}
}

// names are how an answer calls the id of a message, by the contract.
const (
	commandID = "id"
	routeID   = "message_id"
)

// delivered writes a message that was leased. The contract has retries as a second name of
// retry_count, for one of its clients.
func (s *scratch) delivered(r command.Reply, id string, v *queue.View) {
	pairs := 10
	if hasValue(v) {
		pairs++
	}
	r.Map(pairs)
	r.Str(id)
	s.replyID(r, v.ID)
	pairPayload(r, v)
	pairInt(r, "priority", int64(v.Priority))
	pairInt(r, "retry_count", int64(v.Retries))
	pairInt(r, "max_retries", int64(v.MaxRetries))
	pairHeaders(r, v)
	pairInt(r, "timestamp", v.Created/1000)
	pairInt(r, "retries", int64(v.Retries))
	r.Str("token")
	s.replyToken(r, v.Token)
	pairInt(r, "deadline", v.Due)
	pairValue(r, v)
}

// seen writes a message that somebody only looks at: with all that is known, the token excepted.
func (s *scratch) seen(r command.Reply, id string, v *queue.View) {
	pairs := 9
	leased, dead := v.State == effect.Leased, v.State == effect.DeadLetter
	for _, more := range []bool{hasValue(v), leased, v.Due != 0, v.Expires != 0,
		v.Reason != effect.NoReason} {
		if more {
			pairs++
		}
	}
	r.Map(pairs)
	r.Str(id)
	s.replyID(r, v.ID)
	pairStr(r, "state", stateNames[v.State])
	pairPayload(r, v)
	pairInt(r, "priority", int64(v.Priority))
	pairInt(r, "retry_count", int64(v.Retries))
	pairInt(r, "max_retries", int64(v.MaxRetries))
	pairHeaders(r, v)
	pairInt(r, "timestamp", v.Created/1000)
	pairInt(r, "created_ms", v.Created)
	if leased {
		pairStr(r, "consumer_id", v.Consumer)
	}
	if v.Due != 0 {
		name := "deliver_at"
		if leased {
			name = "deadline"
		}
		pairInt(r, name, v.Due)
	}
	if v.Expires != 0 {
		pairInt(r, "expires_at", v.Expires)
	}
	if v.Reason != effect.NoReason {
		name := "last_return"
		if dead {
			name = "reason"
		}
		pairStr(r, name, v.Reason.String())
	}
	pairValue(r, v)
}

// fitting is how many of the views may be answered at once, at least one if there are some.
func fitting(views []queue.View) int {
	bytes := 0
	for i := range views {
		bytes += len(views[i].Payload) + len(views[i].Headers)
		if i > 0 && bytes > maxAnswerBytes {
			return i
		}
	}
	return len(views)
}

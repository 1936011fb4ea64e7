package queuecmd

import (
	"strings"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/errs"
	"github.com/synapdb/synap/internal/store/queue"
)

var (
	errMemory = errs.New(errs.MemoryLimit, "Memory limit exceeded")
	errToken  = errs.Value("token must be the 16 hex digits that came with the delivery")
	errTTLs   = errs.Request("ttl and ttl_ms exclude each other: give one of them")
	errDelay  = errs.Request("delay_ms and deliver_at exclude each other: give one of them")
	errFar    = errs.Value("the moment is too far away: times may reach ten years ahead")
	errWait   = errs.Newf(errs.BadValue,
		"Invalid value: a wait may be %d ms at most, an hour; ask again after that", maxWait)
	errCount     = errs.Value("count must be at least 1; leave it out for a single message")
	errLimit     = errs.Value("limit must be at least 1")
	errDeadlines = errs.Request("ack_deadline_secs and ack_deadline_ms exclude each other: " +
		"give one of them")
	errLongLease = errs.Value("an ack deadline may be 30 days at most; extend it while you work")
	errWindow    = errs.Newf(errs.BadValue, "Invalid value: prefetch must be 1 to %d", maxWindow)
	errHeaders   = errs.Value("headers must be a JSON object whose values are strings, numbers, " +
		"booleans or null")
	errOneOf = errs.Request("message_id, message_ids and acks exclude each other: " +
		"give one of them")
	errTokens = errs.Request("a token belongs to one message: give acks " +
		`[{"message_id", "token"}] for many`)
	errTokenOfOne = errs.New(errs.Redis,
		"ERR TOKEN belongs to one message: acknowledge each of them by a line of its own")
	errNackDelay = errs.Request("delay_ms has no meaning with requeue false: " +
		"the message is not delivered again")
	errAfter     = errs.Value("after must be the id of a message of the answer before")
	errState     = errs.Value("state must be ready, delayed, leased or dead")
	errConfigs   = errs.Request("config must be one object of settings")
	errNoSetting = errs.Request("no setting is given: name at least one of " + settingNames())
	errNoRoom    = errs.New(errs.TooLarge, "Invalid request: the answer has no room left for "+
		"messages; consume them by a request of its own")
	errWhich       = errs.Missing("message_id")
	errChoice      = errs.Request("say which dead letters: message_id, message_ids or all: true")
	errChoiceLimit = errs.Request("say which dead letters: message_id, message_ids, limit or " +
		"all: true")
	errChoices = errs.Request("message_id, message_ids, all, and limit where there is one, " +
		"exclude each other: give one of them")
)

// noMessage says that a message is not there. An id that cannot be one is not repeated whole.
func noMessage(id []byte) error {
	const most = 128
	return errs.New(errs.MessageNotFound, "Message not found: "+
		strings.ToValidUTF8(string(id[:min(len(id), most)]), "?"))
}

// checkConsumer refuses names that no consumer can have.
func checkConsumer(name []byte) error {
	switch {
	case len(name) == 0:
		return errs.Request("consumer_id must not be empty: name the worker")
	case len(name) > queue.MaxNameBytes:
		return errs.Newf(errs.TooLarge,
			"Invalid request: consumer_id is %d bytes long; the limit is %d", len(name),
			queue.MaxNameBytes)
	}
	return nil
}

// mostPayload bounds a message.
func mostPayload(c *command.Ctx) int {
	if limit := c.Engine.Limits.ValueBytes; limit > 0 {
		return min(maxPayloadBytes, limit)
	}
	return maxPayloadBytes
}

// checkPayload refuses a message that could not be answered.
func checkPayload(c *command.Ctx, payload []byte) error {
	most := mostPayload(c)
	if len(payload) <= most {
		return nil
	}
	return errs.Newf(errs.TooLarge, "Invalid request: payload is %d bytes long; the limit is %d; "+
		"store it under a key and publish the key", len(payload), most)
}

package roomcmd

import (
	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/errs"
	"github.com/synapdb/synap/internal/store/room"
)

var (
	errMemory = errs.New(errs.MemoryLimit, "Memory limit exceeded")
	errWait   = errs.Newf(errs.BadValue,
		"Invalid value: wait_ms must be at most %d, an hour; ask again after that", maxWait)
	errRetentions = errs.Request("retention_secs and retention_ms exclude each other: " +
		"give one of them")
	errConfigs = errs.Request("config must be one object of settings")
	errStarts  = errs.Request("from_offset, last and from_time exclude each other: " +
		"give one of them")
	errFollow = errs.Request("from_offset, last, since and new exclude each other: " +
		"give one of them")
	errEventID = errs.Request("Last-Event-ID must be the id of an event, or an offset")
	errTrims   = errs.Request("before_offset and keep exclude each other: give one of them")
	errTrim    = errs.Missing("before_offset")
	errEnd     = errs.Value("to_offset is too large")

	errID = errs.New(errs.Redis, "ERR Invalid stream ID specified as stream command argument")
)

// errDeleted tells a follower that nothing more comes.
func errDeleted(name []byte) error {
	return errs.Newf(errs.RoomNotFound, "Invalid request: Room '%s' was deleted", name)
}

// checkSubscriber refuses names that no subscriber can have.
func checkSubscriber(name []byte) error {
	switch {
	case len(name) == 0:
		return errs.Request("subscriber_id must not be empty: name the reader")
	case len(name) > room.MaxNameBytes:
		return errs.Newf(errs.TooLarge,
			"Invalid request: subscriber_id is %d bytes long; the limit is %d", len(name),
			room.MaxNameBytes)
	}
	return nil
}

// checkData refuses what is too large for an event.
func checkData(c *command.Ctx, data []byte) error {
	most := room.MaxDataBytes
	if limit := c.Engine.Limits.ValueBytes; limit > 0 {
		most = min(most, limit)
	}
	if len(data) <= most {
		return nil
	}
	return errs.Newf(errs.TooLarge, "Invalid request: data is %d bytes long; the limit is %d; "+
		"store it under a key and publish the key", len(data), most)
}

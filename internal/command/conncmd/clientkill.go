package conncmd

import (
	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/command/lines"
	"github.com/synapdb/synap/internal/errs"
)

var (
	errNoClient     = errs.New(errs.Redis, "ERR No such client")
	errKillClientID = errs.New(errs.Redis, "ERR client-id should be greater than 0")
)

// killFilter says which connections CLIENT KILL means; zero fields mean any.
type killFilter struct {
	id          int64
	addr, local string
	ofType      func(*command.Session) bool // nil: any
	skipMe      bool
}

func (f *killFilter) matches(s, me *command.Session) bool {
	return (f.ofType == nil || f.ofType(s)) && (f.id == 0 || f.id == s.ID) &&
		(f.addr == "" || f.addr == s.Info.Addr) &&
		(f.local == "" || f.local == s.Info.LocalAddr) && (!f.skipMe || s != me)
}

func clientKill(c *command.Ctx, argv [][]byte) error {
	old := len(argv) == 3
	filter := killFilter{addr: string(argv[2])}
	if !old {
		var err error
		if filter, err = readKillFilter(argv[2:]); err != nil {
			return err
		}
	}
	// The registry's lock is not held while killing: a killed session leaves the registry.
	me := c.Session
	victims := sessions(c.Engine, func(s *command.Session) bool { return filter.matches(s, me) })
	for _, s := range victims {
		switch {
		case s == me:
			me.Closing = true // after the reply
		case s.Info.Kill != nil:
			s.Info.Kill()
		}
	}
	if !old {
		c.Reply.Int(int64(len(victims)))
		return nil
	}
	if len(victims) == 0 {
		return errNoClient
	}
	return ok(c)
}

func readKillFilter(words [][]byte) (killFilter, error) {
	f := killFilter{skipMe: true}
	if len(words)%2 != 0 {
		return f, errSyntax
	}
	for ; len(words) > 0; words = words[2:] {
		option, value := words[0], words[1]
		switch {
		case lines.Is(option, "ID"):
			id, isInt := integer(value)
			if !isInt || id < 1 {
				return f, errKillClientID
			}
			f.id = id
		case lines.Is(option, "ADDR"):
			f.addr = string(value)
		case lines.Is(option, "LADDR"):
			f.local = string(value)
		case lines.Is(option, "TYPE"):
			ofType, err := clientType(value)
			if err != nil {
				return f, err
			}
			f.ofType = ofType
		case lines.Is(option, "USER"):
			if string(value) != "default" {
				return f, errs.Newf(errs.Redis, "ERR No such user '%s'", value)
			}
		case lines.Is(option, "SKIPME") && (lines.Is(value, "YES") || lines.Is(value, "NO")):
			f.skipMe = lines.Is(value, "YES")
		default:
			return f, errSyntax
		}
	}
	return f, nil
}

package conncmd

import (
	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/command/lines"
	"github.com/synapdb/synap/internal/errs"
	"github.com/synapdb/synap/internal/store/kv"
)

var (
	errNoPassword = errs.New(errs.Redis, "ERR AUTH <password> called without any password "+
		"configured for the default user. Are you sure your configuration is correct?")
	errWrongPass = errs.New(errs.Redis,
		"WRONGPASS invalid username-password pair or user is disabled.")
	errNoProto  = errs.New(errs.Redis, "NOPROTO unsupported protocol version")
	errProtoInt = errs.New(errs.Redis,
		"ERR Protocol version is not an integer or out of range")
	errDBIndex = errs.New(errs.Redis, "ERR DB index is out of range")
	errInt32   = errs.New(errs.Redis,
		"ERR value is out of range, value must between -2147483648 and 2147483647")
)

func connectionRows() []*command.Row {
	rows := []*command.Row{
		{Name: "PING", Arity: -1, Words: "[message]",
			Flags: quick | command.WhileListening, Run: ping,
			Summary: "Answers PONG, or the message."},
		{Name: "ECHO", Arity: 2, Words: "message", Flags: quick, Run: echo,
			Summary: "Answers the message."},
		{Name: "QUIT", Arity: -1, Run: quit,
			Flags:   quick | command.NoQueue | command.WhileListening,
			Summary: "Closes the connection."},
		{Name: "RESET", Arity: 1, Run: reset,
			Flags:   quick | command.NoQueue | command.WhileListening,
			Summary: "Makes the connection as good as new."},
		{Name: "HELLO", Arity: -1, Flags: quick,
			Words: "[protover [AUTH username password] [SETNAME clientname]]",
			Run:   hello, Summary: "Chooses the protocol version."},
		{Name: "AUTH", Arity: -2, Words: "[username] password", Flags: quick, Run: auth,
			Summary: "Authenticates the connection."},
		{Name: "SELECT", Arity: 2, Words: "index", Flags: quick, Run: selectDB,
			Summary: "Chooses the database of the connection."},
	}
	for _, row := range rows {
		row.Group, row.Since = "connection", "0.1.0"
	}
	return rows
}

func ping(c *command.Ctx, argv [][]byte) error {
	if s := c.Session; len(argv) <= 2 && s.Resp != 3 && s.Listens() {
		// There, all answers are lists.
		c.Reply.Array(2)
		c.Reply.Str("pong")
		if len(argv) == 2 {
			c.Reply.Bytes(argv[1])
		} else {
			c.Reply.Str("")
		}
		return nil
	}
	switch len(argv) {
	case 1:
		c.Reply.Status("PONG")
	case 2:
		c.Reply.Bytes(argv[1])
	default:
		return wrongArity("ping")
	}
	return nil
}

func echo(c *command.Ctx, argv [][]byte) error {
	c.Reply.Bytes(argv[1])
	return nil
}

func quit(c *command.Ctx, _ [][]byte) error {
	c.Session.Closing = true
	return ok(c)
}

func reset(c *command.Ctx, _ [][]byte) error {
	s := c.Session
	c.Engine.EndMulti(s)
	c.Engine.EndListening(s)
	useDB(s, 0)
	useProtocol(s, 2)
	s.Info.Name.Store(nil)
	s.Level = command.DefaultLevel
	if s.Mute != command.MuteThis {
		s.Mute = command.MuteOff
	}
	c.Reply.Status("RESET")
	return nil
}

func selectDB(c *command.Ctx, argv [][]byte) error {
	n, isInt := integer(argv[1])
	if !isInt {
		return errNotInteger
	}
	if int64(int32(n)) != n {
		return errInt32
	}
	if n < 0 || n >= kv.Databases {
		return errDBIndex
	}
	useDB(c.Session, uint8(n))
	return ok(c)
}

func useDB(s *command.Session, db uint8) {
	s.DB = db
	s.Info.DB.Store(int32(db))
}

func useProtocol(s *command.Session, version int) {
	s.Resp = version
	s.Info.Resp.Store(int32(version))
}

func auth(c *command.Ctx, argv [][]byte) error {
	switch len(argv) {
	case 2:
		return errNoPassword
	case 3:
		if err := checkUser(argv[1]); err != nil {
			return err
		}
		return ok(c)
	}
	return errSyntax
}

// checkUser lets the one user in who exists while authentication is off: default, who needs no
// password and so is let in with any, as in Redis.
func checkUser(name []byte) error {
	if string(name) != "default" {
		return errWrongPass
	}
	return nil
}

func hello(c *command.Ctx, argv [][]byte) error {
	s := c.Session
	version := int64(s.Resp)
	if len(argv) > 1 {
		var isInt bool
		if version, isInt = integer(argv[1]); !isInt {
			return errProtoInt
		}
		if version != 2 && version != 3 {
			return errNoProto
		}
	}
	var name []byte
	named := false
	for i := 2; i < len(argv); i++ {
		switch left := len(argv) - i - 1; {
		case lines.Is(argv[i], "AUTH") && left >= 2:
			if err := checkUser(argv[i+1]); err != nil {
				return err
			}
			i += 2
		case lines.Is(argv[i], "SETNAME") && left >= 1:
			name, named = argv[i+1], true
			i++
		default:
			return errs.Newf(errs.Redis, "ERR Syntax error in HELLO option '%s'", argv[i])
		}
	}
	if named {
		if err := setName(s, name); err != nil {
			return err
		}
	}
	useProtocol(s, int(version))
	writeHello(c)
	return nil
}

func writeHello(c *command.Ctx) {
	r := c.Reply
	r.Map(7)
	r.Str("server")
	r.Str("synap")
	r.Str("version")
	r.Str(c.Engine.Server.Version)
	r.Str("proto")
	r.Int(int64(c.Session.Resp))
	r.Str("id")
	r.Int(c.Session.ID)
	r.Str("mode")
	r.Str("standalone")
	r.Str("role")
	r.Str("master")
	r.Str("modules")
	r.Array(0)
}

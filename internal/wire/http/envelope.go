package httpwire

import "github.com/synapdb/synap/internal/command"

// call is what an envelope or an item of a batch said.
type call struct {
	hasName, hasID, hasPayload bool
	wrongKind                  string // a member whose value is of the wrong kind
	name                       []byte
	id                         []byte // the request_id's meaning
	idText                     []byte // its JSON text, quotes included; nil in MessagePack
	echo                       []byte // the request_id in the language of the answer, unless nil
	row                        *command.Row
	decoded                    bool // the payload was decoded for row
	idAt, idEnd                int  // of the request_id, of any kind, in the body
	payloadAt, payloadEnd      int  // likewise, if hasPayload
	hasLevel                   bool
	level                      []byte // the wanted durability, nil if it is not a string
}

// call reads {command, request_id, payload, durability}. When the command stands before the
// payload, as every client writes it, the payload is decoded in passing; otherwise it is read a
// second time.
func (d *decoder) call(src source, a *command.Args) (c call, err error) {
	n, err := src.enter()
	if err != nil {
		return c, err
	}
	for i := 0; ; i++ {
		key, more, err := src.key(i, n)
		if err != nil {
			return c, err
		}
		if !more {
			break
		}
		switch string(key) {
		case "command":
			err = d.callName(src, &c)
		case "request_id":
			err = callID(src, &c)
		case "payload":
			c.hasPayload, c.payloadAt = true, src.pos()
			if c.decoded = c.row != nil && !d.nested(c.row); c.decoded {
				err = d.payload(src, a, c.row)
			} else {
				err = src.skip()
			}
			c.payloadEnd = src.pos()
		case "durability":
			err = callLevel(src, &c)
		default:
			err = src.skip()
		}
		if err != nil {
			return c, err
		}
	}
	if c.hasPayload && c.row != nil && !c.decoded && !d.nested(c.row) {
		end := src.pos()
		src.seek(c.payloadAt)
		err = d.payload(src, a, c.row)
		src.seek(end)
		c.decoded = true
	}
	return c, err
}

// nested says whether row would open a batch inside a batch: those are not decoded.
func (d *decoder) nested(row *command.Row) bool { return d.batch && isBatch(row) }

func (d *decoder) callName(src source, c *call) error {
	k, err := src.kind()
	if err != nil {
		return err
	}
	c.hasName = k == kindString
	if !c.hasName {
		c.wrongKind = "command"
		return src.skip()
	}
	if c.wrongKind == "command" {
		c.wrongKind = ""
	}
	if c.name, err = src.str(); err != nil {
		return err
	}
	if row := d.table.Synap(c.name); row != c.row {
		c.row, c.decoded = row, false
	}
	return nil
}

func callLevel(src source, c *call) error {
	k, err := src.kind()
	if err != nil {
		return err
	}
	c.level, c.hasLevel = nil, k != kindNull
	if k != kindString {
		return src.skip()
	}
	c.level, err = src.str()
	return err
}

func callID(src source, c *call) error {
	k, err := src.kind()
	if err != nil {
		return err
	}
	start := src.pos() // kind skipped the white space
	if c.hasID = k == kindString; !c.hasID {
		c.wrongKind = "request_id"
		err = src.skip()
	} else {
		if c.wrongKind == "request_id" {
			c.wrongKind = ""
		}
		c.id, err = src.str()
	}
	if err != nil {
		return err
	}
	c.idAt, c.idEnd = start, src.pos()
	if j, ok := src.(*jsonSource); ok && c.hasID {
		c.idText = j.buf[c.idAt:c.idEnd]
	}
	return nil
}

package synap

import "context"

// Pipe is a connection of its own on which one goroutine sends many requests at once: append them,
// then Exec. Nothing is tried again.
type Pipe struct {
	conn pipeConn
	n    int
	err  error
}

// Pipe opens one. Close it in the end.
func (c *Client) Pipe(ctx context.Context) (*Pipe, error) {
	conn, err := c.wire.pipe(ctx)
	if err != nil {
		return nil, err
	}
	return &Pipe{conn: conn}, nil
}

// Get appends the request for a key's value.
func (p *Pipe) Get(key []byte) { p.note(p.conn.get(key)) }

// Set appends the request to store a value.
func (p *Pipe) Set(key, value []byte) { p.note(p.conn.set(key, value)) }

// Add appends any other command.
func (p *Pipe) Add(c Command) { p.note(p.conn.put(c.r)) }

func (p *Pipe) note(err error) {
	if p.n++; err != nil && p.err == nil {
		p.err = err
	}
}

// Exec sends what was appended and hands each answer to f, in order, as it comes. After an error
// the pipe is of no use.
func (p *Pipe) Exec(ctx context.Context, f func(i int, r *Reply)) error {
	n := p.n
	p.n = 0
	if p.err != nil {
		return p.err
	}
	if p.err = p.conn.exchange(ctx, n, f); p.err != nil {
		return p.err
	}
	return nil
}

// Close closes the connection.
func (p *Pipe) Close() error { return p.conn.Close() }

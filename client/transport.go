package synap

import (
	"context"
	"io"
)

// transport carries requests to one server. Its methods may be called from any goroutine.
type transport interface {
	// do sends requests, together where the wire can, and returns the payloads of their answers in
	// order. errs has the refusal of each that was refused, nil if none was; err is a failure of
	// the network, which is one of all.
	do(ctx context.Context, reqs []*request) (payloads []any, errs []error, err error)
	// pipe opens a connection of its own for a Pipe.
	pipe(ctx context.Context) (pipeConn, error)
	io.Closer
}

// pipeConn is a connection on which one goroutine pipelines.
type pipeConn interface {
	// get, set and put (any other request) append a request to what is sent by exchange.
	get(key []byte) error
	set(key, value []byte) error
	put(r *request) error
	// exchange sends what was appended, reads n answers and hands each to f as it comes. After an
	// error the connection is of no use.
	exchange(ctx context.Context, n int, f func(i int, r *Reply)) error
	io.Closer
}

package synap

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"time"
)

// Format is how requests are encoded over HTTP and WebSocket.
type Format uint8

// The formats.
const (
	// MessagePack carries any bytes. It is the default.
	MessagePack Format = iota
	// JSON carries values that are UTF-8.
	JSON
)

func (f Format) mediaType() string {
	if f == JSON {
		return "application/json"
	}
	return "application/msgpack"
}

// Defaults.
const (
	DefaultURL      = "http://localhost:15500"
	DefaultTimeout  = 5 * time.Second
	DefaultPoolSize = 10
	// DefaultReconnect is that of WithReconnect.
	DefaultReconnect = time.Minute
)

// options are what New was given.
type options struct {
	url      *url.URL
	token    string
	poolSize int
	timeout  time.Duration
	format   Format
	retry    Retry
	// reconnect is for how long a subscription whose connection broke tries to get another.
	reconnect time.Duration
	tls       *tls.Config
	dial      Dialer
	err       error
}

// Dialer makes a connection to an address, as net.Dialer's DialContext does.
type Dialer func(ctx context.Context, network, address string) (net.Conn, error)

// Option is a setting of New.
type Option func(*options)

// WithURL names the server: http://, https://, ws:// or resp:// (also redis://), host and port. The
// default is SYNAP_URL, or else http://localhost:15500.
func WithURL(text string) Option {
	return func(o *options) {
		u, err := url.Parse(text)
		if err == nil && ports[u.Scheme] == "" {
			err = errors.New("it must begin with http://, https://, ws://, wss:// or resp://")
		}
		if err == nil && u.Hostname() == "" {
			err = errors.New("it names no host")
		}
		if err != nil {
			o.err = errors.Join(o.err, fmt.Errorf("URL %q: %w", text, err))
			return
		}
		o.url = u
		if password, ok := u.User.Password(); ok {
			o.token = password
		}
	}
}

// ports are those of the schemes.
var ports = map[string]string{"http": "15500", "https": "443", "ws": "15500", "wss": "443",
	"resp": "6379", "redis": "6379"}

// address is host and port.
func (o *options) address() string {
	port := o.url.Port()
	if port == "" {
		port = ports[o.url.Scheme]
	}
	return net.JoinHostPort(o.url.Hostname(), port)
}

// WithToken gives an API key; the default is SYNAP_TOKEN.
func WithToken(token string) Option { return func(o *options) { o.token = token } }

// WithPoolSize bounds the connections for commands, at least 1; subscriptions and consumers have
// their own. The default is 10.
func WithPoolSize(n int) Option {
	return func(o *options) {
		if n < 1 {
			o.err = errors.Join(o.err,
				fmt.Errorf("the pool must have 1 connection or more, not %d", n))
		}
		o.poolSize = n
	}
}

// WithTimeout bounds every call, all its attempts together; 5 s by default, 0 = only the context
// does.
func WithTimeout(d time.Duration) Option { return func(o *options) { o.timeout = d } }

// WithDialer has connections made otherwise than by TCP from here, such as through a Unix socket
// or a tunnel.
func WithDialer(d Dialer) Option { return func(o *options) { o.dial = d } }

// WithFormat chooses the encoding over HTTP and WebSocket.
func WithFormat(f Format) Option { return func(o *options) { o.format = f } }

// WithRetry chooses what is tried again.
func WithRetry(r Retry) Option { return func(o *options) { o.retry = r } }

// WithReconnect bounds for how long subscriptions and consumers whose connection broke try to get
// another one before they end with an error: 1 min by default, negative = until their context ends.
func WithReconnect(d time.Duration) Option { return func(o *options) { o.reconnect = d } }

// WithTLS says how https:// and wss:// are spoken, such as whom to trust.
func WithTLS(c *tls.Config) Option { return func(o *options) { o.tls = c } }

func newOptions(list []Option) (*options, error) {
	o := &options{poolSize: DefaultPoolSize, timeout: DefaultTimeout, retry: DefaultRetry,
		reconnect: DefaultReconnect, dial: new(net.Dialer).DialContext,
		token: os.Getenv("SYNAP_TOKEN")}
	text := os.Getenv("SYNAP_URL")
	if text == "" {
		text = DefaultURL
	}
	WithURL(text)(o)
	for _, set := range list {
		set(o)
	}
	return o, o.err
}

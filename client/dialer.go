package synap

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
)

// encrypted says whether the server is spoken to over TLS.
func (o *options) encrypted() bool { return o.url.Scheme == "https" || o.url.Scheme == "wss" }

// proxy is the proxy that the environment names for the server, as net/http reads it (HTTP_PROXY,
// HTTPS_PROXY, NO_PROXY); nil: none. RESP goes through none.
func (o *options) proxy() (*url.URL, error) {
	scheme := "http"
	switch o.url.Scheme {
	case "resp", "redis":
		return nil, nil //nolint:nilnil // none
	case "https", "wss":
		scheme = "https"
	}
	return http.ProxyFromEnvironment(&http.Request{
		URL: &url.URL{Scheme: scheme, Host: o.address()}})
}

// dialThrough connects to the server, through a proxy if there is one, and with TLS if wanted.
func dialThrough(ctx context.Context, o *options) (net.Conn, error) {
	proxy, err := o.proxy()
	if err != nil {
		return nil, err
	}
	to := o.address()
	if proxy != nil {
		if proxy.Scheme != "http" {
			return nil, fmt.Errorf("the proxy %s: only http:// proxies are possible here",
				proxy.Redacted())
		}
		if to = proxy.Host; proxy.Port() == "" {
			to = net.JoinHostPort(proxy.Hostname(), "80")
		}
	}
	c, err := o.dial(ctx, "tcp", to)
	if err != nil {
		return nil, err
	}
	if proxy != nil {
		if err := tunnel(ctx, c, proxy, o.address()); err != nil {
			_ = c.Close() // of no use
			return nil, err
		}
	}
	if !o.encrypted() {
		return c, nil
	}
	secure := tls.Client(c, o.secured())
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = c.Close() // likewise
		return nil, err
	}
	return secure, nil
}

// secured is how TLS is spoken on connections of our own.
func (o *options) secured() *tls.Config {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if o.tls != nil {
		c = o.tls.Clone()
	}
	if c.ServerName == "" {
		c.ServerName = o.url.Hostname()
	}
	c.NextProtos = []string{"http/1.1"}
	return c
}

// tunnel asks a proxy for a connection to the server.
func tunnel(ctx context.Context, c net.Conn, proxy *url.URL, to string) error {
	l := link{Conn: c, in: bufio.NewReaderSize(io.LimitReader(c, longestLine), 1)}
	defer l.bound(ctx)()
	head := fmt.Sprintf("CONNECT %s HTTP/1.1\r\nHost: %s\r\n", to, to)
	if u := proxy.User; u != nil {
		password, _ := u.Password()
		head += "Proxy-Authorization: Basic " + base64.StdEncoding.EncodeToString(
			[]byte(u.Username()+":"+password)) + "\r\n"
	}
	if _, err := io.WriteString(c, head+"\r\n"); err != nil {
		return ended(ctx, err)
	}
	// What follows the answer belongs to the server, who says nothing before we do.
	answer, err := http.ReadResponse(l.in, &http.Request{Method: http.MethodConnect})
	if err != nil {
		return ended(ctx, err)
	}
	_ = answer.Body.Close() // there is none
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("the proxy %s answers %s", proxy.Redacted(), answer.Status)
	}
	return nil
}

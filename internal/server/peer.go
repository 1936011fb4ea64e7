package server

import (
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
)

// refusal is what a peer reads instead of service.
type refusal struct {
	resp   string // the line after '-'
	status string // of the HTTP reply
	code   string // machine-readable
	text   string // for people
}

var tooMany = refusal{
	resp:   "ERR max number of clients reached",
	status: "503 Service Unavailable",
	code:   "too_many_connections",
	text:   "max number of clients reached; raise server.max_connections or close idle ones",
}

var tooManyOfPeer = refusal{
	resp:   "ERR max number of clients of this address reached",
	status: "429 Too Many Requests",
	code:   "too_many_connections_of_address",
	text: "max number of clients of this address reached; close idle ones, or raise " +
		"server.max_connections_per_address",
}

const remoteText = "Synap runs without credentials and serves only loopback peers. " +
	"Connect from the same machine (127.0.0.1), through an SSH tunnel or a reverse proxy on it; " +
	"or, on a network where everybody may read and write everything, start synap-server " +
	"with --allow-insecure (server.allow_insecure: true, SYNAP_SERVER_ALLOW_INSECURE=true)."

var notLocal = refusal{
	resp: "DENIED " + remoteText, status: "403 Forbidden", code: "forbidden", text: remoteText,
}

// bytes words the refusal for a door.
func (r *refusal) bytes(d Dialect) []byte {
	if d == RESPDoor {
		return []byte("-" + r.resp + "\r\n")
	}
	// Both fields are constants of this file: Marshal can't fail.
	body, _ := json.Marshal(struct { //nolint:errchkjson
		Error string `json:"error"`
		Code  string `json:"code"`
	}{r.text, r.code})
	return fmt.Appendf(nil, "HTTP/1.1 %s\r\nContent-Type: application/json\r\n"+
		"Content-Length: %d\r\nConnection: close\r\n\r\n%s", r.status, len(body), body)
}

// isLocal says whether a peer speaks from this machine over loopback.
func isLocal(a net.Addr) bool {
	ap, err := netip.ParseAddrPort(a.String())
	return err == nil && ap.Addr().Unmap().IsLoopback()
}

package server

import (
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
)

// addresses counts open connections by the peer's address. It is asked when a connection is
// admitted and told when it ends, never in between. Connections are counted without a limit too,
// so that one that is set later holds for those already there.
type addresses struct {
	limit atomic.Int64 // connections per address; 0 = none
	mu    struct {
		sync.Mutex
		open map[netip.Addr]*address // none without connections, so the map is bounded as they are
	}
}

// address is one peer's; its connections point to it.
type address struct {
	addr netip.Addr
	open int64 // guarded by addresses.mu
}

// enter counts a connection of the peer, or returns nil: it has as many as it may.
func (a *addresses) enter(peer net.Addr) *address {
	addr := hostOf(peer)
	a.mu.Lock()
	defer a.mu.Unlock()
	at := a.mu.open[addr]
	if limit := a.limit.Load(); limit > 0 && at != nil && at.open >= limit {
		return nil
	}
	if at == nil {
		if a.mu.open == nil {
			a.mu.open = map[netip.Addr]*address{}
		}
		at = &address{addr: addr}
		a.mu.open[addr] = at
	}
	at.open++
	return at
}

// leave forgets a connection that entered.
func (a *addresses) leave(at *address) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if at.open--; at.open == 0 {
		delete(a.mu.open, at.addr)
	}
}

// hostOf is the address without its port. An IPv4 peer is the same through an IPv6 socket.
func hostOf(peer net.Addr) netip.Addr {
	tcp, ok := peer.(*net.TCPAddr)
	if !ok {
		return netip.Addr{} // peers without an address share one count
	}
	return tcp.AddrPort().Addr().Unmap()
}

package assembly

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	nethttp "net/http"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/synapdb/synap/internal/clock"
	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/command/synapcmd"
	"github.com/synapdb/synap/internal/config"
	"github.com/synapdb/synap/internal/persist"
	"github.com/synapdb/synap/internal/run"
	"github.com/synapdb/synap/internal/server"
	"github.com/synapdb/synap/internal/store"
	"github.com/synapdb/synap/internal/store/pubsub"
	"github.com/synapdb/synap/internal/wire"
	httpwire "github.com/synapdb/synap/internal/wire/http"
	"github.com/synapdb/synap/internal/wire/resp"
)

// Build names the program.
type Build struct {
	Version, Commit string
	ConfigFile      string // "" = none
}

// Instance is a server with everything behind its doors. Open it, Start it, Close it.
type Instance struct {
	config *config.Config
	engine *command.Engine
	server *server.Server
	log    *slog.Logger
	level  *slog.LevelVar
	upkeep *run.Group
	data   *persist.Manager // nil: in memory only
	stores store.Stores
	// What comes due in queues (leases, delays, messages that expire, waiters), in rooms (events
	// that are too old), and for commands that wait for events.
	queueTimers, roomTimers, waitTimers *timers
	ops                                 rate
	mu                                  struct {
		sync.Mutex
		counters []*command.Counters
		baseline server.Stats // at the last CONFIG RESETSTAT
	}
}

const mebibyte = 1 << 20

// Open locks the data directory, makes the stores and opens the doors, without admitting anybody
// yet. level is what CONFIG SET loglevel changes.
func Open(c *config.Config, b Build, log *slog.Logger, level *slog.LevelVar) (*Instance, error) {
	in := &Instance{config: c, log: log, level: level, upkeep: run.New(),
		queueTimers: newTimers(), roomTimers: newTimers(), waitTimers: newTimers()}
	var err error
	if in.data, err = in.openData(); err != nil {
		return nil, err
	}
	if err := in.openStores(); err != nil {
		return nil, errors.Join(err, in.closeData())
	}
	in.server, err = server.Listen(serverOptions(c, log))
	if err != nil {
		return nil, errors.Join(err, in.closeStores(), in.closeData())
	}
	in.engine = &command.Engine{
		Table: Table(synapcmd.Options{AllowFlush: c.KVStore.AllowFlushCommands}),
		Store: in.stores.Keys, Queues: in.stores.Queues, Rooms: in.stores.Rooms,
		Topics: command.NewTopics(pubsub.Options{
			Bytes: int64(c.Server.OutputBufferMB) * mebibyte}),
		AutoCreate: c.Stream.AutoCreate,
		Clock:      clock.Real{}, Sessions: command.NewRegistry(),
		Limits: command.Limits{
			BatchItems: c.Protocol.BatchMaxItems, BatchBytes: c.Protocol.BatchMaxBytes,
			ValueBytes: c.KVStore.MaxValueBytes,
		},
	}
	in.engine.Watches = command.NewWatches(in.stores.Keys, in.engine.Topics)
	// The configuration has checked the letters.
	_ = in.engine.Watches.SetKeyspaceEvents(c.KVStore.NotifyKeyspaceEvents)
	in.engine.Waits.Alarm = in.waitTimers.kick
	in.queueTimers.maintain = in.stores.Queues.Maintain
	in.roomTimers.maintain = in.stores.Rooms.Maintain
	in.waitTimers.maintain = in.engine.Waits.Maintain
	if in.data != nil {
		in.engine.Persistence = durability{in.data}
		in.engine.Loading.Store(true)
	}
	in.engine.Server = in.describe(c, b)
	in.engine.Settings = in.settings()
	return in, nil
}

func serverOptions(c *config.Config, log *slog.Logger) server.Options {
	s := &c.Server
	return server.Options{
		Doors: []server.Door{
			{Name: "HTTP", Host: s.Host, Port: s.Port, Dialect: server.HTTPDoor,
				Choose: "--port"},
			{Name: "RESP", Host: s.RESPHost, Port: s.RESPPort, Dialect: server.RESPDoor,
				Choose: "--resp-port"},
		},
		Loops:             s.Loops,
		MaxConnections:    s.MaxConnections,
		MaxPerAddress:     s.MaxConnectionsPerAddress,
		ConnectionTimeout: time.Duration(s.ConnectionTimeoutSecs) * time.Second,
		IdleTimeout:       time.Duration(s.IdleTimeoutSecs) * time.Second,
		OutputBytes:       s.OutputBufferMB * mebibyte,
		InputBytes:        requestBytes + mebibyte,
		AllowRemote:       s.AllowInsecure,
		HTTP2: server.HTTP2{
			Enabled:    c.Protocol.HTTP2,
			MaxStreams: c.Protocol.HTTP2MaxConcurrentStreams,
			Window:     c.Protocol.HTTP2InitialWindowSize,
		},
		Log: log,
	}
}

// pingEvery is server.websocket_ping_secs as the HTTP handler wants it.
func pingEvery(secs int) time.Duration {
	if secs == 0 {
		return httpwire.NeverPing
	}
	return time.Duration(secs) * time.Second
}

// requestBytes bounds one RESP command: a MSET may carry several large values.
const requestBytes = 1 << 30

func (in *Instance) describe(c *config.Config, b Build) command.ServerInfo {
	var id [20]byte
	_, _ = rand.Read(id[:]) // never fails: see crypto/rand
	executable, _ := os.Executable()
	doors := in.server.Doors()
	return command.ServerInfo{
		Version: b.Version, Commit: b.Commit, RunID: hex.EncodeToString(id[:]),
		Executable: executable, ConfigFile: b.ConfigFile, Started: clock.Real{}.Now(),
		HTTPPort: doors[0].Port, RESPPort: doors[1].Port, Loops: in.server.Loops(),
		Refused:     func() int64 { return in.traffic().Refused },
		RefusedPeer: func() int64 { return in.traffic().RefusedPeer },
		MaxClients:  c.Server.MaxConnections,
		Process:     in.process,
		Counters:    in.allCounters,
		ResetStats:  in.resetStats,
		OpsPerSec:   in.ops.perSecond.Load,
	}
}

// Start opens the doors, recovers the data and begins to serve. While it recovers, /readyz says
// how far it is and commands over data are refused. It returns when recovery is done, has failed,
// or ctx ends.
func (in *Instance) Start(ctx context.Context) error {
	if err := in.openDoors(); err != nil {
		return err
	}
	return in.serve(ctx)
}

func (in *Instance) serve(ctx context.Context) error {
	if err := in.recoverData(ctx); err != nil {
		return err
	}
	in.upkeep.Loop("store upkeep", in.maintain)
	in.upkeep.Loop("queue timers", in.queueTimers.run)
	in.upkeep.Loop("room timers", in.roomTimers.run)
	in.upkeep.Loop("wait timers", in.waitTimers.run)
	in.engine.Loading.Store(false)
	return nil
}

func (in *Instance) openDoors() error {
	c := &in.config.Protocol
	handler := httpwire.NewHandler(in.engine, httpwire.Options{
		MaxBody:              c.MaxBodyMB * mebibyte,
		MessagePack:          c.Format == "msgpack",
		Compression:          c.Compression,
		CompressionThreshold: c.CompressionThreshold,
		SocketCompression:    in.config.Server.WebSocketCompression,
		Ready:                in.ready,
		Extra:                map[string]nethttp.Handler{"/metrics": in.metricsHandler()},
		PingEvery:            pingEvery(in.config.Server.WebSocketPingSecs),
		Counters:             in.newCounters(),
	})
	limits := resp.Limits{
		BulkBytes: in.config.KVStore.MaxValueBytes, RequestBytes: requestBytes,
	}
	return in.server.Start(server.Protocols{
		RESP: func(s *command.Session) wire.Conn {
			return resp.NewConn(in.engine, s, limits)
		},
		HTTP:     func(s *command.Session) wire.Conn { return handler.NewConn(s) },
		General:  handler,
		Sessions: in.engine.Sessions,
		Counters: in.newCounters,
		Group:    in.engine.Topics.LoopGroup,
		Commit:   in.engine.Commit,
		Rows:     len(command.NewCounters(in.engine.Table).Calls),
	})
}

// Failed yields the first error of a task that ended by itself.
func (in *Instance) Failed() <-chan error { return in.server.Failed() }

// HTTPPort is the open HTTP port.
func (in *Instance) HTTPPort() int { return in.engine.Server.HTTPPort }

// RESPPort is the open Redis protocol port.
func (in *Instance) RESPPort() int { return in.engine.Server.RESPPort }

// Loops is the number of event loops.
func (in *Instance) Loops() int { return in.server.Loops() }

// Close answers what has arrived, closes all connections, makes a last snapshot if anything
// changed and gives the memory back. What is not answered when ctx ends is cut off, and Close says
// so. If something goes on even then, the memory stays: it may be in use.
func (in *Instance) Close(ctx context.Context) error {
	err := in.server.Drain(ctx)
	end, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if running := in.upkeep.Close(end); running != nil || errors.Is(err, server.ErrStillRunning) {
		return errors.Join(err, running, in.closeData())
	}
	return errors.Join(err, in.closeData(), in.closeStores())
}

func (in *Instance) ready() error {
	switch {
	case in.server.Draining():
		return errors.New("shutting down")
	case in.engine.Loading.Load():
		return fmt.Errorf("recovering, %d %%", int(in.data.Percent()))
	}
	return nil
}

func (in *Instance) newCounters() *command.Counters {
	c := command.NewCounters(in.engine.Table)
	in.mu.Lock()
	defer in.mu.Unlock()
	in.mu.counters = append(in.mu.counters, c)
	return c
}

func (in *Instance) allCounters() []*command.Counters {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.mu.counters[:len(in.mu.counters):len(in.mu.counters)]
}

// traffic is what the doors counted since the start or the last RESETSTAT.
func (in *Instance) traffic() server.Stats {
	in.mu.Lock()
	base := in.mu.baseline
	in.mu.Unlock()
	now := in.server.Stats()
	now.Refused -= base.Refused
	now.RefusedPeer -= base.RefusedPeer
	now.BytesIn -= base.BytesIn
	now.BytesOut -= base.BytesOut
	return now
}

// resetStats moves the baseline: the loops' counters themselves only grow, as metrics must.
func (in *Instance) resetStats() {
	now := in.server.Stats()
	in.mu.Lock()
	defer in.mu.Unlock()
	in.mu.baseline = now
}

func (in *Instance) process() command.ProcessStats {
	user, system := cpuMicros()
	t := in.traffic()
	return command.ProcessStats{
		PID: os.Getpid(), RSS: residentBytes(), UserMicros: user, SystemMicros: system,
		NetIn: t.BytesIn, NetOut: t.BytesOut,
	}
}

func goVersion() string { return runtime.Version() }

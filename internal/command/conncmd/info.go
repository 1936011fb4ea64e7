package conncmd

import (
	"fmt"
	"strings"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/command/lines"
	"github.com/synapdb/synap/internal/store/kv"
)

// section is one part of INFO. Those not usual are shown only when asked for by name, all or
// everything.
type section struct {
	name  string // as in its headline
	usual bool
	write func(*report)
}

var sections = []section{
	{"Server", true, infoServer},
	{"Clients", true, infoClients},
	{"Memory", true, infoMemory},
	{"Persistence", true, infoPersistence},
	{"Stats", true, infoStats},
	{"Replication", true, infoReplication},
	{"CPU", true, infoCPU},
	{"Modules", true, func(*report) {}},
	{"Commandstats", false, infoCommandStats},
	{"Errorstats", true, func(*report) {}},
	{"Cluster", true, func(r *report) { r.line("cluster_enabled", 0) }},
	{"Keyspace", true, infoKeyspace},
	{"Queues", true, infoQueues},
	{"Rooms", true, infoRooms},
	{"Topics", true, infoTopics},
}

// report is an INFO being written, with the readings that several sections need.
type report struct {
	text    []byte
	e       *command.Engine
	now     int64 // ms since the Unix epoch
	stats   kv.Stats
	memory  command.Memory
	queues  []command.Figure
	rooms   []command.Figure
	process command.ProcessStats
}

func (r *report) printf(format string, args ...any) {
	r.text = fmt.Appendf(r.text, format, args...)
}

func (r *report) line(name string, value any) { r.printf("%s:%v\r\n", name, value) }

// size writes a number of bytes, and again the way people read it.
func (r *report) size(name string, n int64) {
	r.line(name, n)
	r.line(name+"_human", command.HumanBytes(n))
}

func info(c *command.Ctx, argv [][]byte) error {
	r := &report{e: c.Engine, now: c.Now, stats: c.Store.Stats(),
		memory: c.Engine.Memory(), queues: c.QueueFigures(),
		rooms: c.RoomFigures()}
	if c.Engine.Server.Process != nil {
		r.process = c.Engine.Server.Process()
	}
	for _, s := range sections {
		if !s.wanted(argv[1:]) {
			continue
		}
		if len(r.text) > 0 {
			r.printf("\r\n")
		}
		r.printf("# %s\r\n", s.name)
		s.write(r)
	}
	c.Reply.Verbatim("txt", string(r.text))
	return nil
}

func (s *section) wanted(asked [][]byte) bool {
	if len(asked) == 0 {
		return s.usual
	}
	for _, word := range asked {
		switch name := string(word); {
		case strings.EqualFold(name, s.name), lines.Is(word, "ALL"), lines.Is(word, "EVERYTHING"),
			lines.Is(word, "DEFAULT") && s.usual:
			return true
		}
	}
	return false
}

package command

// Flag is a property of a command.
type Flag uint16

// The properties.
const (
	// Read marks commands that only look.
	Read Flag = 1 << iota
	// Write marks commands that may change data.
	Write
	// Grows marks writes that are refused when memory is full.
	Grows
	// Admin marks commands for administrators.
	Admin
	// AllKeys marks commands over the whole key space: they run with every shard locked.
	AllKeys
	// NoQueue marks commands that run at once even inside MULTI.
	NoQueue
	// NoMulti marks commands refused inside MULTI.
	NoMulti
	// Fast marks commands of constant or logarithmic cost.
	Fast
	// Blocking marks commands that may wait. They are not run on an event loop.
	Blocking
	// SelfLocking marks commands that lock what they need themselves. They are refused in MULTI
	// unless AllKeys is set too: then they find everything locked in EXEC (Ctx.InExec).
	SelfLocking
	// Lockless marks commands that touch no key: they run without locks, also inside EXEC, where
	// other commands' locks are held.
	Lockless
	// Early marks commands that run while the data is still being recovered.
	Early
	// WhileListening marks commands that run in RESP2 while the connection is subscribed.
	WhileListening
)

// KeySpec says which words of a Redis command line are keys: First..Last by Step, 0 = none.
// A negative Last counts from the end.
type KeySpec struct{ First, Last, Step int }

// End is the index behind the last key of a command line of words words: keys are the words at
// First, First+Step … below it. 0 when there are none.
func (k KeySpec) End(words int) int {
	switch {
	case k.First == 0:
		return 0
	case k.Last < 0:
		return k.Last + words + 1
	}
	return min(k.Last+1, words)
}

// Row is one command. A row is either of the Redis dialect (Run; arguments by position) or of
// the Synap dialect (Call; a dotted name and named fields); see ARCHITECTURE.md.
type Row struct {
	Name    string
	Aliases []string
	Summary string
	Since   string
	Group   string // "string", "generic", "bitmap", "connection", "server", "transactions", "kv", …
	Flags   Flag
	// Resource is the pattern permissions are checked against, e.g. "kv:<key>".
	Resource string

	// Redis dialect.

	// Arity counts words, the name included; negative: at least that many.
	Arity int
	Keys  KeySpec
	// Queue is the word that names a queue, which is locked; 0 = none.
	Queue int
	// Room is the word that names a room, which is locked; 0 = none. FindRoom finds it where it
	// depends on other words; it returns 0 for a line with a fault.
	Room     int
	FindRoom func(argv [][]byte) int
	// Guard finds a further key to be locked, or nil: where it stands depends on other words.
	Guard func(argv [][]byte) []byte
	// Words describes the arguments for COMMAND DOCS, e.g. "key value [NX|XX] [EX seconds]".
	Words string
	// Subcommands of a container such as CLIENT. The container's own Run is then unused.
	Subcommands []*Row
	// Run executes the command. A returned error is the reply; nothing may have been written.
	Run func(c *Ctx, argv [][]byte) error

	// Synap dialect.

	// Fields are the named arguments, in the order in which missing ones are reported.
	Fields []Field
	// Call executes the command. A returned error is the reply; nothing may have been written.
	Call func(c *Ctx, a *Args) error
	// Routes are the REST spellings of the command.
	Routes []Route
	// Feed, unless nil, is a live endpoint.
	Feed *Feed

	id   int    // for counters: see ID
	full string // see FullName
}

// Route is one REST spelling of a Synap row.
type Route struct {
	Method string // GET, POST, PUT, DELETE
	Path   string // "/kv/get/{key}": a brace names the field it fills
	// Call replaces the row's Call where the REST reply differs from the command's.
	Call func(c *Ctx, a *Args) error
	// Body names the field that takes the request's body as it is. Empty: the body of a POST or
	// PUT is an object of fields.
	Body string
	// Raw sends the one value that Call writes as the body itself, not as JSON.
	Raw bool
	// Lines, unless nil, answers instead when lines of JSON are wanted (Accept:
	// application/x-ndjson, or format=ndjson): each value of it is a line. It has no paths.
	Lines *Feed
}

// ID is an index for counters, from 0, different for every row and subcommand of a table.
func (r *Row) ID() int { return r.id }

// FullName is the name in lower case, of a subcommand with its container's: "client|list".
func (r *Row) FullName() string { return r.full }

// Has says whether every bit of f is set.
func (r *Row) Has(f Flag) bool { return r.Flags&f == f }

// RoomAt is the word of a command line that names a room, 0 if none does.
func (r *Row) RoomAt(argv [][]byte) int {
	if r.FindRoom != nil {
		return r.FindRoom(argv)
	}
	return r.Room
}

// KeysOf are the words of a command line that are keys.
func (r *Row) KeysOf(argv [][]byte) [][]byte {
	var keys [][]byte
	for i, end := r.Keys.First, r.Keys.End(len(argv)); i < end; i += r.Keys.Step {
		keys = append(keys, argv[i])
	}
	return keys
}

// CheckArity says whether a command line of words words fits the row.
func (r *Row) CheckArity(words int) bool {
	if r.Arity < 0 {
		return words >= -r.Arity
	}
	return words == r.Arity
}

package conncmd

import (
	"strings"
	"sync"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/errs"
	"github.com/synapdb/synap/internal/glob"
)

var errRewrite = errs.New(errs.Redis, "ERR CONFIG REWRITE is not supported: "+
	"CONFIG SET lasts until restart; write lasting changes into the configuration file")

func configRow() *command.Row {
	return container("CONFIG", "server", "Commands about parameters.",
		&command.Row{Name: "GET", Arity: -3, Words: "parameter [parameter ...]",
			Flags: command.Lockless | command.Admin, Run: configGet,
			Summary: "Return parameters matching the glob-like patterns and their values."},
		&command.Row{Name: "SET", Arity: -4, Words: "parameter value [parameter value ...]",
			Flags: command.SelfLocking | command.Admin, Run: configSet,
			Summary: "Set parameters: all of them, or none."},
		&command.Row{Name: "RESETSTAT", Arity: 2,
			Flags: command.SelfLocking | command.Admin, Run: configResetStat,
			Summary: "Reset the statistics reported by INFO."},
		&command.Row{Name: "REWRITE", Arity: 2, Flags: quick | command.Admin,
			Run:     func(*command.Ctx, [][]byte) error { return errRewrite },
			Summary: "Refused: the configuration file is never written."},
	)
}

func configGet(c *command.Ctx, argv [][]byte) error {
	var found []*command.Setting
	list := c.Engine.Settings.List
	for i := range list {
		for _, pattern := range argv[2:] {
			if glob.Match(pattern, []byte(list[i].Name), true) {
				found = append(found, &list[i])
				break
			}
		}
	}
	c.Reply.Map(len(found))
	for _, s := range found {
		c.Reply.Str(s.Name)
		c.Reply.Str(s.Get())
	}
	return nil
}

// change is one parameter of a CONFIG SET, with the value to return to if a later one fails.
type change struct {
	setting     *command.Setting
	value, back string
}

// changing lets one CONFIG SET at a time read what it may have to return to, and change.
var changing sync.Mutex

func configSet(c *command.Ctx, argv [][]byte) error {
	changing.Lock()
	defer changing.Unlock()
	changes, err := readChanges(c.Engine.Settings, argv[2:])
	if err != nil {
		return err
	}
	for i, ch := range changes {
		if err := ch.setting.Set(ch.value); err != nil {
			for j := i - 1; j >= 0; j-- {
				_ = changes[j].setting.Set(changes[j].back) // it was accepted before
			}
			return configFailed(ch.setting.Name, err.Error())
		}
	}
	return ok(c)
}

func readChanges(settings *command.Settings, words [][]byte) ([]change, error) {
	if len(words)%2 != 0 {
		return nil, wrongArity("config|set")
	}
	var changes []change
	seen := map[*command.Setting]bool{}
	for ; len(words) > 0; words = words[2:] {
		name := strings.ToLower(string(words[0]))
		s := settings.Find(name)
		switch {
		case s == nil:
			return nil, errs.Newf(errs.Redis,
				"ERR Unknown option or number of arguments for CONFIG SET - '%s'", words[0])
		case s.Set == nil:
			return nil, configFailed(name, "can't set immutable config")
		case seen[s]:
			return nil, configFailed(name, "duplicate parameter")
		}
		seen[s] = true
		changes = append(changes, change{s, string(words[1]), s.Get()})
	}
	return changes, nil
}

func configFailed(name, why string) error {
	return errs.Newf(errs.Redis,
		"ERR CONFIG SET failed (possibly related to argument '%s') - %s", name, why)
}

func configResetStat(c *command.Ctx, _ [][]byte) error {
	e := c.Engine
	e.Store.ResetStats()
	for _, counters := range allCounters(e) {
		for i := range counters.Calls {
			counters.Calls[i].Store(0)
			counters.Failures[i].Store(0)
		}
	}
	if e.Server.ResetStats != nil {
		e.Server.ResetStats()
	}
	return ok(c)
}

func allCounters(e *command.Engine) []*command.Counters {
	if e.Server.Counters == nil {
		return nil
	}
	return e.Server.Counters()
}

package crash

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"strconv"
)

// entry is what a key should hold.
type entry struct {
	value string
	timed bool // has a deadline, far away
}

// state is what the keys of one writer should hold.
type state map[string]entry

// op is one thing a writer asks for: it happens as a whole or not at all.
type op struct {
	kind string // SET, SETEX, INCR, APPEND, PERSIST, DEL, MULTI
	key  string
	text string
}

// apply is what the op does to the writer's keys.
func (s state) apply(o op) {
	switch e := s[o.key]; o.kind {
	case "SET":
		s[o.key] = entry{value: o.text}
	case "SETEX":
		s[o.key] = entry{value: o.text, timed: true}
	case "INCR":
		n, _ := strconv.Atoi(e.value)
		s[o.key] = entry{strconv.Itoa(n + 1), e.timed}
	case "APPEND":
		s[o.key] = entry{e.value + o.text, e.timed}
	case "PERSIST":
		if e.timed {
			s[o.key] = entry{value: e.value}
		}
	case "DEL":
		delete(s, o.key)
	case "MULTI":
		s[o.key+":left"] = entry{value: o.text}
		s[o.key+":right"] = entry{value: o.text}
	}
}

// equal says whether two states hold the same, and where they differ first.
func (s state) equal(found state) (difference string) {
	for key, want := range s {
		if got, ok := found[key]; !ok || got != want {
			return fmt.Sprintf("%s: found %.60q (there: %v), want %.60q", key, fmt.Sprint(got),
				ok, fmt.Sprint(want))
		}
	}
	for key, got := range found {
		if _, ok := s[key]; !ok {
			return fmt.Sprintf("%s: found %.60q, want nothing", key, fmt.Sprint(got))
		}
	}
	return ""
}

// account is what one writer knows: the state that is settled, and the ops sent since, of which
// the first acked were acknowledged. Its ops run on one connection in order, so what a crash
// leaves must be the settled state and the first n of them, acked <= n <= all.
type account struct {
	name    string
	random  *rand.Rand
	settled state
	ops     []op
	acked   int
	serial  int
}

func newAccount(name string, seed uint64) *account {
	return &account{name: name, settled: state{}, random: rand.New(rand.NewPCG(seed, 0))}
}

// next invents an op. Every text is written once only, so that nothing old looks new.
func (a *account) next(kinds []string) op {
	a.serial++
	o := op{kind: kinds[a.random.IntN(len(kinds))],
		text: fmt.Sprintf("%s-%d;", a.name, a.serial)}
	if a.random.IntN(200) == 0 { // large values have a store of their own
		o.text += string(make([]byte, 20_000))
	}
	o.key = fmt.Sprintf("%s:%d", a.name, a.random.IntN(40))
	if o.kind == "INCR" {
		o.key = fmt.Sprintf("%s:count:%d", a.name, a.random.IntN(5))
	}
	a.ops = append(a.ops, o)
	return o
}

// keys are all keys the writer can have touched.
func (a *account) keys() (keys []string) {
	for i := range 40 {
		key := fmt.Sprintf("%s:%d", a.name, i)
		keys = append(keys, key, key+":left", key+":right")
	}
	for i := range 5 {
		keys = append(keys, fmt.Sprintf("%s:count:%d", a.name, i))
	}
	return keys
}

// settle compares what was found with every state that is allowed, and takes it as the new start.
func (a *account) settle(found state) error {
	s := maps.Clone(a.settled)
	first := ""
	for n := 0; ; n++ {
		if n >= a.acked {
			difference := s.equal(found)
			if difference == "" {
				a.settled, a.ops, a.acked = s, nil, 0
				return nil
			}
			if first == "" {
				first = difference
			}
		}
		if n == len(a.ops) {
			return fmt.Errorf("writer %s: %d of %d ops were acknowledged; after these %s",
				a.name, a.acked, len(a.ops), first)
		}
		s.apply(a.ops[n])
	}
}

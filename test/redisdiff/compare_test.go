package redisdiff

import (
	"bytes"
	"slices"
	"strings"
)

// tolerance is how far two clocks may be apart, in ms.
const tolerance = 2000

// rules say how replies are compared that need not be equal; see Exceptions. A failure is always
// compared byte for byte.
var rules = map[string]func(ours, theirs reply) bool{
	"KEYS":            sameElements,
	"RANDOMKEY":       bothOrNeither,
	"TTL":             near(tolerance / 1000),
	"PTTL":            near(tolerance),
	"EXPIRETIME":      near(tolerance / 1000),
	"PEXPIRETIME":     near(tolerance),
	"OBJECT ENCODING": lessCompact,
	"OBJECT REFCOUNT": func(_, theirs reply) bool { return theirs.text == "1" },
	"OBJECT IDLETIME": near(tolerance / 1000),
	"OBJECT HELP":     func(ours, theirs reply) bool { return ours.kind == theirs.kind },
}

// same says whether two replies to argv agree, to the byte or by an exception.
func same(argv []string, ours, theirs reply) bool {
	if bytes.Equal(ours.raw, theirs.raw) {
		return true
	}
	name := strings.ToUpper(argv[0])
	if name == "OBJECT" && len(argv) > 1 {
		name += " " + strings.ToUpper(argv[1])
	}
	rule := rules[name]
	return rule != nil && !ours.failed() && !theirs.failed() && rule(ours, theirs)
}

// near: -1 and -2 say that there is no deadline or key, and are never near.
func near(most int64) func(ours, theirs reply) bool {
	return func(ours, theirs reply) bool {
		a, ok := ours.integer()
		b, ok2 := theirs.integer()
		return ok && ok2 && a >= 0 && b >= 0 && max(a-b, b-a) <= most
	}
}

func sameElements(ours, theirs reply) bool {
	return slices.Equal(elements(ours), elements(theirs))
}

func elements(r reply) []string {
	var texts []string
	for _, e := range r.list {
		texts = append(texts, e.text)
	}
	slices.Sort(texts)
	return texts
}

func bothOrNeither(ours, theirs reply) bool { return ours.null() == theirs.null() }

// lessCompact: the encodings from the most compact one on.
func lessCompact(ours, theirs reply) bool {
	order := []string{"int", "embstr", "raw"}
	a, b := slices.Index(order, ours.text), slices.Index(order, theirs.text)
	return a >= 0 && a < b
}

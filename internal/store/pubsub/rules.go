package pubsub

import (
	"bytes"

	"github.com/synapdb/synap/internal/errs"
)

// Kind is a kind of subscription.
type Kind uint8

// The kinds.
const (
	Topic   Kind = iota // exactly these bytes
	Pattern             // by segments: see CheckPattern
	Glob                // as Redis does it: see package glob
)

// MaxPatternBytes is how long a Pattern may be. A walk goes as deep as patterns have segments.
const MaxPatternBytes = 4096

// CheckPattern says how Synap's own subscriptions understand topic: as a Topic, or as a Pattern if
// there is a wildcard in it.
//
//   - `*` as a whole segment is exactly one segment, also an empty one;
//   - `*` within a segment is any bytes of that segment, also none;
//   - `#` as the last segment is any number of segments, also none: `a.#` matches `a`.
//
// A `#` anywhere else, an empty topic and a Pattern over MaxPatternBytes are errs.BadValue.
func CheckPattern(topic []byte) (Kind, error) {
	if len(topic) == 0 {
		return Topic, errs.Value("Topic cannot be empty")
	}
	hash := bytes.IndexByte(topic, '#')
	if hash < 0 && bytes.IndexByte(topic, '*') < 0 {
		return Topic, nil
	}
	if hash >= 0 && hash != len(topic)-1 {
		if bytes.IndexByte(topic[hash+1:], '#') >= 0 {
			return Pattern, errs.Value("Only one '#' is allowed in a topic pattern")
		}
		return Pattern, errs.Value("'#' must be the last segment of a topic pattern")
	}
	if hash > 0 && topic[hash-1] != '.' {
		return Pattern, errs.Value("'#' must be a whole segment of a topic pattern")
	}
	if len(topic) > MaxPatternBytes {
		return Pattern, errs.Value("a topic pattern may have at most 4096 bytes")
	}
	return Pattern, nil
}

// cut takes the first segment off a topic; more says that there is another, perhaps empty one.
func cut(topic []byte) (segment, rest []byte, more bool) {
	if i := bytes.IndexByte(topic, '.'); i >= 0 {
		return topic[:i], topic[i+1:], true
	}
	return topic, nil, false
}

// matchStars says whether s matches a pattern in which `*` is any bytes and all else is itself.
func matchStars(pattern, s []byte) bool {
	i := bytes.IndexByte(pattern, '*')
	if i < 0 {
		return bytes.Equal(pattern, s)
	}
	if !bytes.HasPrefix(s, pattern[:i]) {
		return false
	}
	s, pattern = s[i:], pattern[i+1:]
	for {
		i = bytes.IndexByte(pattern, '*')
		if i < 0 {
			return bytes.HasSuffix(s, pattern)
		}
		at := bytes.Index(s, pattern[:i]) // the leftmost place: a later one can't help
		if at < 0 {
			return false
		}
		s, pattern = s[at+i:], pattern[i+1:]
	}
}

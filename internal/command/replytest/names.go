package replytest

import (
	"regexp"
	"strings"
)

// Names remember what a server makes up, ids and tokens, under the names that a test gives them:
// words that begin with a dollar sign.
type Names map[string]string

var name = regexp.MustCompile(`\$[a-z]+[0-9]*`)

// Fill puts what is known in the place of names.
func (n Names) Fill(text string) string {
	return name.ReplaceAllStringFunc(text, func(word string) string {
		if known := n[word]; known != "" {
			return known
		}
		return word
	})
}

// Match says whether got is want. A name not yet known stands for any hexadecimal digits and
// dashes, at least 16, and for the same ones from then on.
func (n Names) Match(got, want string) bool {
	want = n.Fill(want)
	unknown := name.FindAllString(want, -1)
	pattern := name.ReplaceAllLiteralString(want, "\x00")
	pattern = strings.ReplaceAll(regexp.QuoteMeta(pattern), "\x00", "([0-9a-f-]{16,36})")
	found := regexp.MustCompile("^(?s:" + pattern + ")$").FindStringSubmatch(got)
	if found == nil {
		return false
	}
	for i, word := range unknown {
		if known := n[word]; known != "" && known != found[i+1] {
			return false
		}
		n[word] = found[i+1]
	}
	return true
}

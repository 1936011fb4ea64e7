package cli

import (
	"strings"

	"github.com/spf13/pflag"
)

// similar is a hint at the flag that was meant, if the error is about one nobody knows.
func similar(flags *pflag.FlagSet, err error) string {
	_, given, ok := strings.Cut(err.Error(), "unknown flag: --")
	if !ok {
		return ""
	}
	given, _, _ = strings.Cut(given, "=")
	best, least := "", len(given)/2+1
	flags.VisitAll(func(f *pflag.Flag) {
		d := distance(given, f.Name)
		if strings.HasPrefix(f.Name, given) {
			d = 0
		}
		if d < least {
			best, least = f.Name, d
		}
	})
	if best == "" {
		return ""
	}
	return ": did you mean --" + best + "?"
}

// distance is how many letters must be put in, left out or replaced to make b of a.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}

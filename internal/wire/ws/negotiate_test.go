package ws

import (
	"strconv"
	"strings"
	"testing"
)

func TestOffersOfCompression(t *testing.T) {
	const window = "; server_max_window_bits="
	const base = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
	const eight, nine = base + window + "8", base + window + "9"
	const ten, fifteen = base + window + "10", base + window + "15"
	for offers, want := range map[string]string{
		"permessage-deflate":                                                     base,
		"permessage-deflate; client_max_window_bits":                             base,
		"permessage-deflate;client_max_window_bits=9;client_no_context_takeover": base,
		"permessage-deflate ; server_no_context_takeover":                        base,
		"permessage-deflate; server_max_window_bits=10":                          ten,
		`permessage-deflate; server_max_window_bits="8"`:                         eight,
		`permessage-deflate; server_max_window_bits="1\5"`:                       fifteen,
		"x-webkit-deflate-frame, permessage-deflate":                             base,
		"permessage-bzip2; a=b; c=\"d\", , permessage-deflate\t":                 base,
		"permessage-deflate; server_max_window_bits=7, permessage-deflate":       base,
		"permessage-deflate; server_max_window_bits=9, permessage-deflate":       nine,
		"permessage-deflate, permessage-deflate; server_max_window_bits=9":       base,
		"":                             "",
		",":                            "",
		"permessage-deflat":            "",
		"Permessage-Deflate":           "",
		"permessage-deflate; mystery":  "",
		"permessage-deflate; mystery=": "",
		"permessage-deflate; server_max_window_bits":                               "",
		"permessage-deflate; server_max_window_bits=":                              "",
		"permessage-deflate; server_max_window_bits=16":                            "",
		"permessage-deflate; server_max_window_bits=08":                            "",
		"permessage-deflate; server_max_window_bits=1_0":                           "",
		"permessage-deflate; server_max_window_bits=10; server_max_window_bits=10": "",
		"permessage-deflate; client_max_window_bits=7":                             "",
		"permessage-deflate; client_max_window_bits; client_max_window_bits":       "",
		"permessage-deflate; server_no_context_takeover=1":                         "",
		"permessage-deflate; client_no_context_takeover=":                          "",
		// By its grammar no header at all: nothing of it counts.
		"permessage-deflate;":                               "",
		"permessage-deflate, ;":                             "",
		"permessage-deflate, a b":                           "",
		"permessage-deflate, a;b=\"c":                       "",
		"permessage-deflate, a;b=\"\"":                      "",
		"permessage-deflate, a;b=\"c d\"":                   "",
		"permessage-deflate, a;b=\"c\"d":                    "",
		"permessage-deflate, a=b":                           "",
		"permessage-deflate, (a)":                           "",
		"permessage-deflate; server_max_window_bits=\"10":   "",
		"permessage-deflate, a; b=\"\\":                     "",
		"permessage-deflate; server_max_window_bits==10":    "",
		"permessage-deflate; =10":                           "",
		strings.Repeat("permessage-deflate;x, ", 500) + "a": "",
	} {
		answer, bits := Negotiate([]byte(offers))
		if answer != want || (bits == 0) != (want == "") {
			t.Errorf("%q: %q with %d bits, want %q", offers, answer, bits, want)
		}
		named := "15"
		if _, given, found := strings.Cut(answer, window); found {
			named = given
		}
		if answer != "" && strconv.Itoa(int(bits)) != named {
			t.Errorf("%q: %q, but %d bits", offers, answer, bits)
		}
	}
}

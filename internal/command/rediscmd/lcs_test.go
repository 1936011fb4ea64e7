package rediscmd

import "testing"

func TestLCS(t *testing.T) {
	c := newClient(t)
	c.talk(`
		MSET a ohmytext b mynewtext => +OK
		LCS a b => "mytext"
		LCS a b LEN => 6
		LCS a b IDX => {2 "matches" [2 [2 [2 4 7 [2 5 8 [2 [2 2 3 [2 0 1 "len" 6
		LCS a b IDX MINMATCHLEN 4 WITHMATCHLEN => ` +
		`{2 "matches" [1 [3 [2 4 7 [2 5 8 4 "len" 6
		LCS a b MINMATCHLEN -1 IDX => {2 "matches" [2 [2 [2 4 7 [2 5 8 [2 [2 2 3 [2 0 1 "len" 6
		LCS a b IDX LEN => !ERR If you want both the length and indexes, please just use IDX.
		LCS a b MINMATCHLEN x => !ERR value is not an integer or out of range
		LCS a b MINMATCHLEN => !ERR syntax error
		LCS a b FOO => !ERR syntax error
		LCS a nope => ""
		LCS nope a IDX => {2 "matches" [0 "len" 0
		LCS a a => "ohmytext"
		LCS a a IDX WITHMATCHLEN => {2 "matches" [1 [3 [2 0 7 [2 0 7 8 "len" 8
		MSET a 0123456789abcdef0123 b x3x1x5x7x9xbxdx2 => +OK
		LCS a b => "3579bd2"
		SETRANGE a 20000 x => 20001
		SETRANGE b 20000 x => 20001
		LCS a b LEN => ` +
		`!ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len
	`)
}

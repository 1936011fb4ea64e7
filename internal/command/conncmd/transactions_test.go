package conncmd_test

import "testing"

func TestTransactions(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"empty":   {"MULTI\nEXEC", "+OK|*0|"},
		"runs":    {"MULTI\nSET k v\nGET k\nEXEC", "+OK|+QUEUED|+QUEUED|*2|+OK|$1|v|"},
		"discard": {"MULTI\nSET k v\nDISCARD\nGET k", "+OK|+QUEUED|+OK|$-1|"},
		"nested": {"MULTI\nMULTI\nGET k\nEXEC",
			"+OK|-ERR MULTI calls can not be nested|+QUEUED|*1|$-1|"},
		"watch inside": {"MULTI\nWATCH k\nEXEC",
			"+OK|-ERR WATCH inside MULTI is not allowed|*0|"},
		"alone": {"EXEC\nDISCARD", "-ERR EXEC without MULTI|-ERR DISCARD without MULTI|"},
		"unknown command": {"MULTI\nnope\nGET k\nEXEC\nGET k", "+OK|-ERR unknown command 'nope'," +
			" with args beginning with: |+QUEUED|-EXECABORT Transaction discarded because of" +
			" previous errors.|$-1|"},
		"arity": {"MULTI\nGET\nEXEC", "+OK|-ERR wrong number of arguments for 'get' command|" +
			"-EXECABORT Transaction discarded because of previous errors.|"},
		"failure inside": {"MULTI\nSELECT 99\nSET k v\nEXEC",
			"+OK|+QUEUED|+QUEUED|*2|-ERR DB index is out of range|+OK|"},
		"select inside": {"MULTI\nSELECT 3\nSET k v\nEXEC\nSELECT 0\nGET k",
			"+OK|+QUEUED|+QUEUED|*2|+OK|+OK|+OK|$-1|"},
		"keyless inside": {"MULTI\nPING\nECHO a\nUNWATCH\nCLIENT GETNAME\nCONFIG GET no\nEXEC",
			"+OK|+QUEUED|+QUEUED|+QUEUED|+QUEUED|+QUEUED|*5|+PONG|$1|a|+OK|$-1|*0|"},
		"settings inside": {"MULTI\nCONFIG SET maxmemory 1\nEXEC", "+OK|-ERR Command not allowed" +
			" inside a transaction|-EXECABORT Transaction discarded because of previous errors.|"},
		"quit inside": {"MULTI\nQUIT\nPING", "+OK|+OK|"},
		"reset inside": {"MULTI\nGET k\nRESET\nEXEC",
			"+OK|+QUEUED|+RESET|-ERR EXEC without MULTI|"},
		"own change": {"WATCH k\nSET k v\nMULTI\nGET k\nEXEC", "+OK|+OK|+OK|+QUEUED|*-1|"},
		"unwatched":  {"WATCH k\nSET k v\nUNWATCH\nMULTI\nEXEC", "+OK|+OK|+OK|+OK|*0|"},
		"once only":  {"WATCH k\nMULTI\nEXEC\nSET k v\nMULTI\nEXEC", "+OK|+OK|*0|+OK|+OK|*0|"},
		"discard unwatches": {"WATCH k\nSET k v\nMULTI\nDISCARD\nMULTI\nEXEC",
			"+OK|+OK|+OK|+OK|+OK|*0|"},
		"late unwatch": {"WATCH k\nSET k v\nMULTI\nUNWATCH\nEXEC", "+OK|+OK|+OK|+QUEUED|*-1|"},
	} {
		t.Run(name, func(t *testing.T) { newFixture(t).connect("a:1").expect(c.in, c.want) })
	}
}

func TestWatchSeesOtherConnections(t *testing.T) {
	f := newFixture(t)
	a, b := f.connect("a:1"), f.connect("b:1")
	a.expect("WATCH k l\nMULTI\nSET k mine", "+OK|+OK|+QUEUED|")
	b.expect("SET l theirs", "+OK|")
	a.expect("EXEC\nGET k", "*-1|$-1|")
	a.expect("WATCH k\nMULTI\nSET k mine", "+OK|+OK|+QUEUED|")
	b.expect("SELECT 1\nSET k theirs", "+OK|+OK|") // another key: another database
	a.expect("EXEC", "*1|+OK|")
}

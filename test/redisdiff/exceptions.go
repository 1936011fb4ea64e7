package redisdiff

// Exception is a documented difference from Redis 7.0.
type Exception struct {
	// Command is the name, upper case; several are separated by commas.
	Command string
	// Differs says what is not the same.
	Differs string
	// Why says what would be lost by making it the same.
	Why string
	// Compared says how the differential test compares instead, or that it does not.
	Compared string
}

// Exceptions are all the differences there may be. EXCEPTIONS.md shows them.
var Exceptions = []Exception{
	{
		"KEYS", "Keys come in byte order.",
		"Redis answers in hash order, which promises nothing.",
		"as a multiset",
	}, {
		"SCAN", "Keys come in byte order, each once; COUNT counts keys within MATCH's literal " +
			"beginning.",
		"An ordered index finds a prefix at the cost of its results, and Redis promises " +
			"neither order nor singleness.",
		"whole scans, as sets",
	}, {
		"SCAN", "A cursor that was not handed out, or is long forgotten, is `ERR invalid cursor`.",
		"Redis takes any number for a place in its hash table; here a silent restart would " +
			"double or lose keys.",
		"cursor 0 and malformed cursors only",
	}, {
		"RANDOMKEY", "Another key.",
		"It is random.",
		"both absent, or a key that Redis has too",
	}, {
		"TTL, PTTL, EXPIRETIME, PEXPIRETIME", "A little more or less.",
		"Two clocks run while the test does.",
		"within 2 seconds",
	}, {
		"OBJECT ENCODING", "A string is int or embstr here where Redis says embstr or raw after " +
			"APPEND, SETRANGE, SETBIT, BITFIELD, BITOP or INCRBYFLOAT.",
		"Redis tells how a value came to be; Synap stores every string alike and answers from " +
			"its bytes.",
		"Redis may name a less compact encoding",
	}, {
		"OBJECT REFCOUNT", "A number from 0 to 9999 counts as shared here even where Redis " +
			"did not encode it as int.",
		"As for OBJECT ENCODING.",
		"1 in Redis passes",
	}, {
		"OBJECT IDLETIME", "A little more or less.",
		"Two clocks run while the test does.",
		"within 2 seconds",
	}, {
		"OBJECT HELP", "The text.",
		"It is derived from the command table.",
		"both are arrays",
	}, {
		"BITFIELD", "OVERFLOW SAT with a SET far below the lowest value of a signed field stores " +
			"the lowest value.",
		"Redis stores the highest: its subtraction overflows.",
		"such operands are not generated",
	}, {
		"BITFIELD", "#n is refused when n times the width is beyond the largest value, whatever n.",
		"In Redis the product wraps around 2^64, so that some huge n mean bit 0.",
		"such offsets are not generated",
	}, {
		"commands that create keys", "Keys over 65,535 bytes are refused with " +
			"`ERR Invalid request: key is …`.",
		"A bound on keys keeps headers small and cursors bounded.",
		"such keys are not generated",
	}, {
		"SETRANGE, SETBIT, BITFIELD", "An offset beyond the whole memory limit is refused with " +
			"OOM.",
		"Redis lets one short command take any memory up to 512 MB.",
		"no memory limit is set",
	}, {
		"MULTI", "While memory is full, commands that need none are still queued.",
		"Redis refuses them all, because its queue has no bound; here it has.",
		"no memory limit is set",
	}, {
		"unknown commands", "The error repeats arguments with zero bytes whole.",
		"Redis cuts them there, as C strings.",
		"no such arguments are generated",
	}, {
		"DBSIZE", "Expired keys stop counting at different moments.",
		"Both count keys whose deadline has passed until they are collected.",
		"after KEYS * has collected them on both sides",
	}, {
		"SUBSCRIBE, UNSUBSCRIBE, PSUBSCRIBE, PUNSUBSCRIBE, SSUBSCRIBE, SUNSUBSCRIBE",
		"Those without arguments go on in byte order. What is published during an EXEC comes " +
			"behind its array; while CLIENT REPLY is OFF, an EXEC answers nothing.",
		"A message within the array could not be told from a reply.",
		"the lines of messages and acknowledgements as a multiset; no PUBLISH in MULTI",
	}, {
		"PUBLISH", "A RESP3 subscriber that publishes to itself gets the message behind the reply.",
		"As from Redis 7.2 on: a client can tell what its command answered.",
		"subscribers do not publish",
	}, {
		"notify-keyspace-events", "`m` is refused.",
		"Reads change nothing, and only changes are told; INFO counts misses.",
		"m is not generated",
	}, {
		"notify-keyspace-events", "`expired` comes at other moments: WATCH removes an expired " +
			"key; KEYS, SCAN and RANDOMKEY do not.",
		"Both tell of it when the key is removed, which a scan leaves to the upkeep.",
		"without those commands",
	}, {
		"notify-keyspace-events", "What a transaction publishes itself comes before the " +
			"notifications of its changes.",
		"They are told when all of it is in the journal.",
		"PUBLISH is not in MULTI",
	},
}

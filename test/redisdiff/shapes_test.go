package redisdiff

// shape is what may follow a command's name.
type shape struct {
	name string
	args words
}

var none = seq()

// The shapes, by family. Every row of the Redis dialect has one: see TestEveryRowHasAShape.
var (
	stringShapes = []shape{
		{"GET", key}, {"GET", key}, {"GET", key}, {"STRLEN", key}, {"GETDEL", key},
		{"SET", seq(key, value)},
		{"SET", seq(key, value, times(0, 3, setOption))},
		{"SETNX", seq(key, value)},
		{"SETEX", seq(key, soonS, value)},
		{"PSETEX", seq(key, soonMS, value)},
		{"GETSET", seq(key, value)},
		{"GETEX", seq(key, times(0, 2, either(deadline, option("PERSIST"))))},
		{"MGET", times(1, 4, key)},
		{"MSET", times(1, 3, seq(key, value))},
		{"MSETNX", times(1, 3, seq(key, value))},
		{"APPEND", seq(key, value)},
		{"SETRANGE", seq(key, position, value)},
		{"GETRANGE", seq(key, position, position)},
		{"SUBSTR", seq(key, position, position)},
		{"INCR", key}, {"DECR", key},
		{"INCRBY", seq(key, number)},
		{"DECRBY", seq(key, number)},
		{"INCRBYFLOAT", seq(key, float)},
		{"LCS", seq(key, key, times(0, 3, lcsOption))},
	}
	keyShapes = []shape{
		{"SET", seq(key, value)}, {"GET", key},
		{"DEL", times(1, 3, key)}, {"UNLINK", times(1, 3, key)},
		{"EXISTS", times(1, 3, key)}, {"TOUCH", times(1, 3, key)},
		{"TYPE", key}, {"RENAME", seq(key, key)}, {"RENAMENX", seq(key, key)},
		{"EXPIRE", seq(key, soonS, expireOptions)},
		{"PEXPIRE", seq(key, soonMS, expireOptions)},
		{"EXPIREAT", seq(key, atS, expireOptions)},
		{"PEXPIREAT", seq(key, atMS, expireOptions)},
		{"TTL", key}, {"PTTL", key}, {"EXPIRETIME", key}, {"PEXPIRETIME", key},
		{"PERSIST", key},
		{"COPY", seq(key, key, times(0, 2, either(option("REPLACE"),
			seq(option("DB"), database))))},
		{"MOVE", seq(key, database)},
		{"SWAPDB", seq(database, database)},
		{"SELECT", database},
		{"KEYS", pattern}, {"RANDOMKEY", none}, {"DBSIZE", none},
		{"SCAN", seq(one("0 0 0 0 x -0"), times(0, 2, scanOption))},
		{"FLUSHDB", maybe(one("ASYNC sync x"))},
		{"FLUSHALL", maybe(one("async SYNC x"))},
		{"OBJECT", either(
			seq(either(option("ENCODING"), option("REFCOUNT"), option("IDLETIME"),
				option("FREQ")), key),
			one("HELP FOO"))},
		{"NOSUCH", times(0, 3, among([]string{"a", "B", "c\r\nd", "\xff"}))},
	}
	bitShapes = []shape{
		{"SET", seq(key, value)}, {"GET", key},
		{"SETBIT", seq(key, bitAt, one("0 1 1 2 x"))},
		{"GETBIT", seq(key, bitAt)},
		{"BITCOUNT", seq(key, maybe(seq(position, position, maybe(bitUnit))))},
		{"BITPOS", seq(key, one("0 1 2 x"), maybe(seq(position, maybe(
			seq(position, maybe(bitUnit))))))},
		{"BITOP", seq(one("AND or XOR not NAND"), key, times(1, 3, key))},
		{"BITFIELD", seq(key, times(0, 4, fieldClause))},
		{"BITFIELD_RO", seq(key, times(0, 3, fieldGet))},
	}
	multiShapes = []shape{
		{"MULTI", none}, {"EXEC", none}, {"EXEC", none}, {"DISCARD", none}, {"MULTI", none},
		{"WATCH", times(1, 2, key)}, {"WATCH", key}, {"UNWATCH", none},
		{"SET", seq(key, value)}, {"GET", key}, {"INCR", key}, {"DEL", key},
		{"APPEND", seq(key, value)}, {"SETBIT", seq(key, bitAt, one("0 1"))},
		{"SETRANGE", seq(key, one("0 2"), value)}, {"PERSIST", key},
		{"EXPIREAT", seq(key, atS)}, {"GETEX", seq(key, maybe(option("PERSIST")))},
		{"MOVE", seq(key, one("0 1"))}, {"COPY", seq(key, key, maybe(one("REPLACE")))},
		{"RENAME", seq(key, key)}, {"BITFIELD", seq(key, times(0, 2, fieldClause))},
		{"SELECT", one("0 1")}, {"SWAPDB", seq(one("0 1"), one("0 1"))},
		{"FLUSHDB", none}, {"MGET", times(1, 3, key)}, {"NOSUCH", none},
	}
)

var (
	deadline = either(seq(option("EX"), soonS), seq(option("PX"), soonMS),
		seq(option("EXAT"), atS), seq(option("PXAT"), atMS))
	setOption = either(deadline, option("NX"), option("XX"), option("GET"), option("KEEPTTL"))
	lcsOption = either(option("LEN"), option("IDX"), option("WITHMATCHLEN"),
		seq(option("MINMATCHLEN"), one("0 1 2 4 -1 x")))
	expireOptions = times(0, 2, either(option("NX"), option("XX"), option("GT"), option("LT")))
	scanOption    = either(seq(option("MATCH"), pattern), seq(option("TYPE"), one("string list")),
		seq(option("COUNT"), one("1 2 10 1000 0 -1 x")))
	bitUnit  = one("BIT BYTE bit byte x")
	fieldArg = seq(one("u1 u2 u4 u8 u13 u16 u31 u63 i1 i2 i4 i5 i8 i16 i64 u64 i65 u0 x"),
		one("0 1 3 7 8 12 33 #0 #1 #2 #3 -1 #-1 x 4294967296 #4294967296"))
	fieldNumber = one("0 1 -1 2 -2 100 -100 127 128 -128 255 256 65535 4294967296 " +
		"9223372036854775807 -4611686018427387904 x")
	fieldGet    = seq(option("GET"), fieldArg)
	fieldClause = either(fieldGet, seq(option("SET"), fieldArg, fieldNumber),
		seq(option("INCRBY"), fieldArg, fieldNumber),
		seq(option("INCRBY"), fieldArg, fieldNumber),
		seq(option("OVERFLOW"), one("WRAP sat FAIL fail SAT x")))
)

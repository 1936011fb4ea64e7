package rediscmd

import (
	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/errs"
	"github.com/synapdb/synap/internal/store/kv"
)

func lcsRows() []*command.Row {
	return []*command.Row{{
		Name: "LCS", Arity: -3, Keys: twoKeys, Flags: reads,
		Group:   "string",
		Words:   "key1 key2 [LEN] [IDX] [MINMATCHLEN min-match-len] [WITHMATCHLEN]",
		Summary: "Finds the longest common subsequence of two strings.",
		Run:     lcs,
	}}
}

const (
	optLen flags = 1 << iota
	optIdx
	optWithMatchLen
	optMinMatchLen
)

var lcsOptions = []option{
	{word: "LEN", sets: optLen},
	{word: "IDX", sets: optIdx},
	{word: "WITHMATCHLEN", sets: optWithMatchLen},
	{word: "MINMATCHLEN", sets: optMinMatchLen, arg: intArg},
}

var (
	errLCSBoth = errs.New(errs.Redis,
		"ERR If you want both the length and indexes, please just use IDX.")
	errLCSMemory = errs.New(errs.Redis,
		"ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len")
)

func lcs(c *command.Ctx, argv [][]byte) error {
	o, err := parseOptions(argv[3:], lcsOptions)
	if err != nil {
		return err
	}
	if o.has(optLen) && o.has(optIdx) {
		return errLCSBoth
	}
	var a, b []byte
	if e, found := c.Tx.Get(c.DB, argv[1]); found {
		a = e.Value()
	}
	if e, found := c.Tx.Get(c.DB, argv[2]); found {
		b = e.Value()
	}
	if 4*(uint64(len(a))+1)*(uint64(len(b))+1) > kv.MaxValueBytes {
		return errLCSMemory // Redis holds four bytes for each pair of positions
	}
	t := newLCSTable(a, b)
	switch {
	case o.has(optLen):
		c.Reply.Int(int64(t.length))
	case o.has(optIdx):
		t.replyRuns(c.Reply, &o)
	default:
		c.Reply.Text(t.subsequence())
	}
	return nil
}

// lcsTable is what is needed to read the longest common subsequence of a and b from its end.
// Let L(i, j) be its length for the first i bytes of a and the first j of b. The walk only asks
// where L(i-1, j) > L(i, j-1): one bit per pair, while two rows of L are enough to find them all.
type lcsTable struct {
	a, b   []byte
	length int
	longer []uint64 // bit (i-1)*len(b) + j-1
}

func newLCSTable(a, b []byte) *lcsTable {
	t := &lcsTable{a: a, b: b, longer: make([]uint64, (len(a)*len(b)+63)/64)}
	above, row := make([]uint32, len(b)+1), make([]uint32, len(b)+1)
	at := 0
	for _, x := range a {
		for j, y := range b {
			if above[j+1] > row[j] {
				t.longer[at/64] |= 1 << (at % 64)
			}
			at++
			if x == y {
				row[j+1] = above[j] + 1
			} else {
				row[j+1] = max(above[j+1], row[j])
			}
		}
		above, row = row, above
	}
	t.length = int(above[len(b)])
	return t
}

// shortenA says whether the walk goes on with one byte less of a, not of b.
func (t *lcsTable) shortenA(i, j int) bool {
	at := (i-1)*len(t.b) + j - 1
	return t.longer[at/64]>>(at%64)&1 == 1
}

// lcsRun is a part of the subsequence that is contiguous in both strings.
type lcsRun struct{ a, b, length int }

// runs walks from the end and visits the runs, the last one first. Where two ways are equally
// long, it shortens b, as Redis does.
func (t *lcsTable) runs(visit func(lcsRun)) {
	i, j, length := len(t.a), len(t.b), 0
	end := func() {
		if length > 0 {
			visit(lcsRun{i, j, length})
		}
		length = 0
	}
	for i > 0 && j > 0 {
		if t.a[i-1] == t.b[j-1] {
			i, j, length = i-1, j-1, length+1
			continue
		}
		end()
		if t.shortenA(i, j) {
			i--
		} else {
			j--
		}
	}
	end()
}

func (t *lcsTable) subsequence() []byte {
	result := make([]byte, t.length)
	left := t.length
	t.runs(func(r lcsRun) {
		left -= r.length
		copy(result[left:], t.a[r.a:r.a+r.length])
	})
	return result
}

// replyRuns is the reply to IDX.
func (t *lcsTable) replyRuns(r command.Reply, o *options) {
	var runs []lcsRun
	t.runs(func(run lcsRun) {
		if int64(run.length) >= o.num {
			runs = append(runs, run)
		}
	})
	r.Map(2)
	r.Str("matches")
	r.Array(len(runs))
	for _, run := range runs {
		if o.has(optWithMatchLen) {
			r.Array(3)
		} else {
			r.Array(2)
		}
		replyRange(r, run.a, run.length)
		replyRange(r, run.b, run.length)
		if o.has(optWithMatchLen) {
			r.Int(int64(run.length))
		}
	}
	r.Str("len")
	r.Int(int64(t.length))
}

func replyRange(r command.Reply, start, length int) {
	r.Array(2)
	r.Int(int64(start))
	r.Int(int64(start + length - 1))
}

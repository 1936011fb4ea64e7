package kv

import (
	"errors"

	"github.com/synapdb/synap/internal/effect"
)

// recorder is a journal in memory.
type recorder struct {
	t       tester
	records []record
	effects []effect.Effect // of all records
	full    bool
}

type record struct {
	time    int64
	payload []byte
}

var errFull = errors.New("full")

func (r *recorder) Append(timeMillis int64, payload []byte) uint64 {
	own := append([]byte(nil), payload...)
	r.records = append(r.records, record{timeMillis, own})
	for len(own) > 0 {
		e, rest, err := effect.Decode(own)
		if err != nil {
			panic(err) // a Fatalf would leave the shards locked
		}
		r.effects = append(r.effects, e)
		own = rest
	}
	return uint64(len(r.records))
}

func (r *recorder) Admit(int) error {
	if r.full {
		return errFull
	}
	return nil
}

// replay applies the records from number from on, counted from 0.
func (r *recorder) replay(s *Store, from int) {
	for _, rec := range r.records[from:] {
		if _, err := s.ReplayRecord(rec.time, rec.payload); err != nil {
			r.t.Fatalf("%v", err)
		}
	}
}

package persist

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/journal"
	"github.com/synapdb/synap/internal/journal/snapshot"
	"github.com/synapdb/synap/internal/vfs"
)

// DumpOptions choose what Dump prints.
type DumpOptions struct {
	Journal   bool
	Snapshots bool   // the newest one
	From      uint64 // number of the first record
}

// Dump prints a data directory that no server uses as JSON lines: a line per key, queue, message,
// deduplication id, room, event and cursor of the newest snapshot, a line per record of the
// journal. Bytes that are no UTF-8 are printed as base64, in a field called so.
func Dump(files vfs.FS, path string, o DumpOptions, out io.Writer) error {
	d, err := openDir(files, path, false)
	if err != nil {
		return err
	}
	lines := dumper{json.NewEncoder(out), incarnations{}}
	lines.SetEscapeHTML(false)
	if o.Snapshots {
		err = d.dumpSnapshot(lines)
	}
	if err == nil && o.Journal {
		_, err = journal.Scan(d.fs, d.journal(), journal.LSN(o.From),
			func(lsn journal.LSN, timeMillis int64, payload []byte) error {
				effects, err := lines.effectsOf(payload)
				if err != nil {
					return fmt.Errorf("record %d: %w", lsn, err)
				}
				return lines.Encode(dumpedRecord{uint64(lsn), timeMillis, effects})
			})
	}
	return errors.Join(err, d.lock.Close())
}

// dumper writes JSON lines.
type dumper struct {
	*json.Encoder
	queues incarnations
}

func (d *dataDir) dumpSnapshot(lines dumper) error {
	all, err := snapshot.Latest(d.fs, d.snapshots())
	if err != nil || len(all) == 0 {
		return err
	}
	r, err := snapshot.Open(d.fs, all[0].Path)
	if err != nil {
		return err
	}
	defer r.Close() //nolint:errcheck // it was only read
	meta := r.Meta()
	err = lines.Encode(dumpedSnapshot{all[0].Path, meta.Begin, meta.TimeMillis, r.Entries()})
	for block := []byte(nil); err == nil; {
		if block, err = r.Next(block); errors.Is(err, io.EOF) {
			return nil
		}
		var effects []any
		if err == nil {
			effects, err = lines.effectsOf(block)
		}
		for i := 0; i < len(effects) && err == nil; i++ {
			err = lines.Encode(effects[i])
		}
	}
	return err
}

type dumpedSnapshot struct {
	Snapshot string `json:"snapshot"`
	Begin    uint64 `json:"begin"`
	Time     int64  `json:"time_ms"`
	Entries  uint64 `json:"entries"`
}

type dumpedRecord struct {
	LSN     uint64 `json:"lsn"`
	Time    int64  `json:"time_ms"`
	Effects []any  `json:"effects"`
}

type dumpedEffect struct {
	Kind     string  `json:"kind"`
	Cause    string  `json:"cause,omitempty"`
	DB       uint8   `json:"db"`
	Other    *uint8  `json:"other,omitempty"`
	Key      *string `json:"key,omitempty"`
	Key64    string  `json:"key_base64,omitempty"`
	Value    *string `json:"value,omitempty"`
	Value64  string  `json:"value_base64,omitempty"`
	Offset   *int    `json:"offset,omitempty"`
	JSON     bool    `json:"json,omitempty"`
	Version  uint32  `json:"version,omitempty"`
	Deadline int64   `json:"deadline_ms,omitempty"`
}

var kindNames = map[effect.Kind]string{
	effect.Set: "set", effect.Patch: "patch", effect.Delete: "delete", effect.Expire: "expire",
	effect.Evict: "evict", effect.Deadline: "deadline", effect.Flush: "flush",
	effect.FlushAll: "flush_all", effect.Swap: "swap",
}

// effectsOf words the effects of a record or block.
func (d dumper) effectsOf(payload []byte) ([]any, error) {
	list := []any{}
	for rest := payload; len(rest) > 0; {
		var one any
		var err error
		switch {
		case rest[0] < effect.FirstQueue:
			var e effect.Effect
			e, rest, err = effect.Decode(rest)
			one = dumpKey(&e)
		case rest[0] < effect.FirstRoom:
			var e effect.Queue
			e, rest, err = effect.DecodeQueue(rest)
			one = d.queues.dump(&e)
		default:
			var e effect.Room
			e, rest, err = effect.DecodeRoom(rest)
			one = dumpRoom(&e)
		}
		if err != nil {
			return nil, err
		}
		list = append(list, one)
	}
	return list, nil
}

func dumpKey(e *effect.Effect) dumpedEffect {
	d := dumpedEffect{Kind: kindNames[e.Kind], Cause: e.Cause.String(), DB: e.DB,
		JSON: e.Flags&effect.JSON != 0, Version: e.Version, Deadline: e.Deadline}
	if e.Kind < effect.Flush {
		d.Key, d.Key64 = asText(e.Key)
	}
	if e.Kind == effect.Set || e.Kind == effect.Patch {
		d.Value, d.Value64 = asText(e.Value)
	}
	if e.Kind == effect.Patch {
		d.Offset = &e.Offset
	}
	if e.Kind == effect.Swap {
		d.Other = &e.Other
	}
	return d
}

func asText(b []byte) (text *string, encoded string) {
	if !utf8.Valid(b) {
		return nil, base64.StdEncoding.EncodeToString(b)
	}
	s := string(b)
	return &s, ""
}

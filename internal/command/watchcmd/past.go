package watchcmd

import (
	"sync/atomic"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/errs"
	"github.com/synapdb/synap/internal/store/kv"
	"github.com/synapdb/synap/internal/store/pubsub"
)

const (
	// sliceBytes is about how much of the journal is read at a time: others wait meanwhile.
	sliceBytes = 64 << 10
	// nearRecords is how many records may be left to be read when a watch subscribes. What happens
	// meanwhile waits in its outbox.
	nearRecords = 256
	// perEffect is what an effect counts beside its bytes, which may be few.
	perEffect = 16
	// mostHeld bounds the records that all watches keep between two turns, in bytes: else they are
	// read again.
	mostHeld = 64 << 20
)

// held is how many bytes that is at present.
var held atomic.Int64

// past is what a watch reads of the journal.
type past struct {
	of      *KeyWatch
	from    Position
	history command.History
	filter  pubsub.Filter
	record  command.Record // the one being read
	rest    []byte         // its effects that are left
	place   int            // of the first of them
	away    bool           // rest is to be read again: it stands so many bytes behind
	behind  int            // the beginning of the record's effects
	holds   int64          // bytes that count as held
	spent   int            // of the present slice
	done    uint64         // records up to this one were read, or are not wanted
	topic   []byte         // scratch
}

// openPast finds the place in the journal. What was appended so far must be written to be read.
func openPast(e *command.Engine, w *KeyWatch, from Position) (*past, error) {
	if e.Persistence == nil {
		return nil, errNoJournal
	}
	last := e.Persistence.Last()
	if from.LSN > last {
		return nil, errs.Newf(errs.HistoryGone, "the journal has no record %d, it ends at %d: "+
			"list the keys again and watch from there", from.LSN, last)
	}
	if err := flushed(e, last); err != nil {
		return nil, err
	}
	p := &past{of: w, from: from, done: from.first() - 1}
	for _, topic := range w.topics {
		_ = p.filter.Add(topic) // Topic has checked it
	}
	p.history = e.Persistence.History(from.first())
	if _, err := p.history.Advance(0); err != nil { // only to see that it is there
		p.close()
		return nil, err
	}
	p.history.Rest(false)
	return p, nil
}

// flushed has the journal written up to a record.
func flushed(e *command.Engine, upTo uint64) error {
	if err := e.Persistence.Commit(upTo, command.OSLevel); err != nil {
		return errs.New(errs.Storage, err.Error())
	}
	return nil
}

// next takes the next record, if one is written. It may be so far that the slice ends.
func (p *past) next() error {
	there, err := p.history.Advance(sliceBytes)
	if err != nil {
		return err
	}
	if !there {
		p.spent += sliceBytes
		return nil
	}
	r, ok, err := p.history.Next()
	if err != nil || !ok {
		return err
	}
	p.record, p.rest, p.place, p.done = r, r.Effects, 0, r.LSN
	return nil
}

// pause keeps neither a file nor memory between two slices: there may be many watches, of peers
// that read slowly. Only a long record that is not done is kept, while few are.
func (p *past) pause() {
	size := int64(len(p.record.Effects))
	switch {
	case len(p.rest) == 0:
		p.history.Rest(false)
		return
	case p.holds > 0:
		return
	case size > sliceBytes:
		if held.Add(size) <= mostHeld {
			p.holds = size
			return
		}
		held.Add(-size)
	}
	p.away, p.behind = true, len(p.record.Effects)-len(p.rest)
	p.rest, p.record.Effects = nil, nil
	p.history.Rest(true)
}

// proceed goes on behind a pause.
func (p *past) proceed() error {
	p.spent = 0
	if !p.away {
		return nil
	}
	r, ok, err := p.history.Next()
	if err != nil {
		return err
	}
	if !ok || r.LSN != p.record.LSN || len(r.Effects) < p.behind {
		return errs.Newf(errs.IO, "record %d of the journal can't be read again", p.record.LSN)
	}
	p.record, p.rest, p.away = r, r.Effects[p.behind:], false
	return nil
}

// letGo counts nothing as held any more.
func (p *past) letGo() {
	held.Add(-p.holds)
	p.holds = 0
}

// read hands on events of about most bytes, or of a slice of the journal. done: all that the watch
// needs of it was read, and the watch is live.
func (p *past) read(
	e *command.Engine, most int, push func(*pubsub.Message),
) (size int, done bool, err error) {
	if err := p.proceed(); err != nil {
		return 0, false, err
	}
	defer p.pause()
	for p.spent < sliceBytes && size < most {
		if len(p.rest) == 0 {
			p.letGo()
			p.spent += perEffect
			if done, err := p.advance(e); err != nil || done {
				return size, done, err
			}
			continue
		}
		before := len(p.rest)
		m, err := p.effect()
		if err != nil {
			return size, false, err
		}
		p.spent += before - len(p.rest) + perEffect
		if m != nil {
			push(m)
			size += m.Size()
		}
	}
	return size, false, nil
}

// advance goes to the next record, subscribing when not many are left.
func (p *past) advance(e *command.Engine) (done bool, err error) {
	w := p.of
	if !w.live && e.Persistence.Last() <= p.done+nearRecords {
		if err := w.begin(e, e.Clock.Now()); err != nil {
			return false, err
		}
		if err := flushed(e, w.until); err != nil {
			return false, err
		}
	}
	if w.live && p.done >= w.until {
		return true, nil
	}
	at := p.done
	if err := p.next(); err != nil {
		return false, err
	}
	if p.done > at || p.spent >= sliceBytes {
		return false, nil
	}
	if w.live {
		return false, errs.Newf(errs.IO, "record %d of the journal can't be read", at+1)
	}
	return false, flushed(e, e.Persistence.Last())
}

// effect takes the next effect of the record; the message is nil if it is not wanted.
func (p *past) effect() (*pubsub.Message, error) {
	if p.rest[0] >= effect.FirstQueue { // those over keys come first
		p.rest = nil
		return nil, nil
	}
	c := kv.Change{Place: p.place}
	var err error
	if c.Effect, p.rest, err = effect.Decode(p.rest); err != nil {
		return nil, errs.Newf(errs.IO, "record %d of the journal: %s", p.record.LSN, err)
	}
	p.place++
	if p.from.covers(p.record.LSN, c.Place) || !p.wants(&c.Effect) {
		return nil, nil
	}
	if c.Kind == effect.Patch || len(c.Value) > kv.MostObserved {
		c.Value = nil
	} else if c.Kind == effect.Set && c.Value == nil {
		c.Value = []byte{}
	}
	return &pubsub.Message{Topic: append([]byte(nil), p.topic...), Form: effect.JSONForm,
		Time: p.record.Time, Origin: p.record.LSN, Number: uint64(c.Place), Recorded: true,
		Payload: appendEvent(nil, &c, p.record.LSN, p.of.bare)}, nil
}

// wants says whether the watch is told of an effect; its topic is in p.topic then.
func (p *past) wants(e *effect.Effect) bool {
	db := p.of.db
	switch e.Kind {
	case effect.Flush, effect.FlushAll, effect.Swap:
		p.topic = command.AppendWatchedDB(p.topic[:0], db)
		return e.Kind == effect.FlushAll || e.DB == db || e.Kind == effect.Swap && e.Other == db
	}
	if e.DB != db {
		return false
	}
	p.topic = command.AppendWatchTopic(p.topic[:0], db, e.Key)
	return p.filter.Matches(p.topic)
}

func (p *past) close() {
	p.letGo()
	if p.history != nil {
		_ = p.history.Close() // it was only read
		p.history = nil
	}
}

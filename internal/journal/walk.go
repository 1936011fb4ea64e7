package journal

import (
	"errors"
	"fmt"
)

// visitor receives the records that are not markers, in order. The payload is borrowed.
type visitor func(lsn LSN, timeMillis int64, payload []byte) error

// walk goes over the records of a log's files, in order, to the first that is not whole, and
// then judges whether that is the end or damage.
type walk struct {
	*survey
	scanner
	report Report
	from   LSN
	visit  visitor

	segment    int    // of used, in which the walk stands or ended; -1 is before all of them
	off        int64  // the place there
	next       LSN    // the record expected there
	reason     string // why it is not there
	beyond     int64  // the end of the last record found after off in that segment; 0 is none
	lastMillis int64  // of the newest record
	lastMarker bool   // the newest record is a marker
}

// records walks from the segment that holds from; with 0 from the oldest. visit may be nil.
//
// The judgement: let n be the first record that is not whole, and S the newest record that any
// intact record, here or later, knew to be synced. Acknowledgements at level disk are given after
// a sync only, and every later record says how far the syncs had come. So with n > S nothing that
// was synced is missing, and n and what follows is the torn end of a power cut. With n <= S the
// disk has lost what it had promised to keep, and that is for a person to decide.
func (s *survey) records(from LSN, visit visitor) (*walk, error) {
	w := &walk{survey: s, from: from, visit: visit, next: max(from, 1)}
	if len(s.used) == 0 {
		return w, w.judge()
	}
	for i, f := range s.used {
		if f.first <= from {
			w.segment = i
		}
	}
	first := s.used[w.segment].first
	if from > 0 && first > from {
		return w, w.tooNew()
	}
	w.next = first
	for {
		if err := w.walkSegment(); err != nil {
			return w, err
		}
		if w.segment+1 == len(s.used) || s.used[w.segment+1].first != w.next {
			break
		}
		w.segment++
	}
	return w, w.judge()
}

// tooNew judges a log whose oldest record is newer than from: it has been truncated, and then says
// that the older records had been synced, or the power went before anything was.
func (w *walk) tooNew() error {
	w.segment = -1
	w.reason = "the first records are missing"
	if err := w.judge(); err != nil {
		return err
	}
	if w.report.Synced >= w.from {
		return fmt.Errorf("%w: record %d is wanted, the oldest is %d", ErrTrimmed, w.from,
			w.used[0].first)
	}
	return nil
}

func (w *walk) walkSegment() (err error) {
	f := &w.used[w.segment]
	file, err := w.fs.Open(f.path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if err := w.open(file, f.salt()); err != nil {
		return err
	}
	w.report.Segments++
	w.report.Bytes += f.size
	for w.off = recordsAt; ; {
		h, payload, reason, err := w.record(w.off, w.next)
		if err != nil {
			return err
		}
		if w.reason = reason; reason != "" {
			return w.lookBeyond(w.off, w.next-1)
		}
		if err := w.deliver(&h, payload); err != nil {
			return err
		}
		w.off += h.bytes()
		w.next++
	}
}

func (w *walk) deliver(h *head, payload []byte) error {
	r := &w.report
	if r.First == 0 {
		r.First = h.lsn
	}
	r.Last, r.Records = h.lsn, r.Records+1
	r.Synced = max(r.Synced, h.synced)
	w.lastMillis, w.lastMarker = h.timeMillis, h.length == 0
	if h.length == 0 || h.lsn < w.from || w.visit == nil {
		return nil
	}
	r.Replayed++
	return w.visit(h.lsn, h.timeMillis, payload)
}

// lookBeyond searches the rest of the segment, which is open, for what later records say.
func (w *walk) lookBeyond(off int64, after LSN) error {
	// The end of a segment that has a successor in order is no place to wonder about.
	if i := w.segment + 1; i < len(w.used) && w.used[i].first == after+1 {
		return nil
	}
	synced, end, err := w.search(off, after)
	w.report.Synced = max(w.report.Synced, synced)
	w.beyond = end
	return err
}

// judge decides what the place is at which the walk ended.
func (w *walk) judge() error {
	if len(w.used) == 0 {
		w.report.Damage = w.headerDamage(w)
		return nil
	}
	for _, f := range w.used[w.segment+1:] {
		if err := w.searchSegment(f); err != nil {
			return err
		}
	}
	d := &Damage{File: w.used[max(w.segment, 0)].path, Offset: w.off, LSN: w.next,
		Synced: w.report.Synced, Reason: w.reason}
	if w.segment+1 < len(w.used) {
		d.Reason = fmt.Sprintf("%s, and the next segment begins at record %d", w.reason,
			w.used[w.segment+1].first)
	}
	switch header := w.headerDamage(w); {
	case header != nil:
		w.report.Damage = header
	case w.next <= w.report.Synced:
		w.report.Damage = d
	case w.beyond > 0 || w.segment+1 < len(w.used):
		w.report.Torn = d
	}
	return nil
}

func (w *walk) searchSegment(f found) (err error) {
	file, err := w.fs.Open(f.path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if err := w.open(file, f.salt()); err != nil {
		return err
	}
	synced, _, err := w.search(recordsAt, f.first-1)
	w.report.Synced = max(w.report.Synced, synced)
	return err
}

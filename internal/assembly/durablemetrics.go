package assembly

import "github.com/prometheus/client_golang/prometheus"

var (
	descJournalBytes = describe("journal_bytes", "Bytes of the journal's files.")
	descJournalOK    = describe("journal_writable",
		"1 while the journal takes records; 0 when the disk is full or has failed.")
	descWritten  = describe("journal_written_bytes_total", "Bytes written to the journal.")
	descWrites   = describe("journal_writes_total", "Writes to the journal.")
	descSyncs    = describe("journal_syncs_total", "Syncs of the journal.")
	descLastSync = describe("journal_last_sync_seconds", "How long the last sync took.")
	descChanges  = describe("snapshot_changes", "Records since the last snapshot began.")
	descSaved    = describe("snapshot_last_success_timestamp_seconds",
		"When the last snapshot was finished, in seconds since the Unix epoch; 0 = never.")
	descSaveOK = describe("snapshot_last_ok",
		"0 when the last attempt at a snapshot failed, otherwise 1.")
)

// durable sends the figures of journal and snapshots, where there are some.
func (m *metrics) durable(count func(*prometheus.Desc, int64), gauge func(*prometheus.Desc,
	float64),
) {
	if m.in.data == nil {
		return
	}
	s := m.in.data.Status()
	gauge(descJournalBytes, float64(s.Journal.Bytes))
	gauge(descJournalOK, truth(!s.Journal.Full && !s.Journal.Failed))
	count(descWritten, int64(s.Journal.WrittenBytes))
	count(descWrites, int64(s.Journal.Writes))
	count(descSyncs, int64(s.Journal.Syncs))
	gauge(descLastSync, float64(s.Journal.LastSyncMicros)/1e6)
	gauge(descChanges, float64(s.Changes))
	gauge(descSaved, float64(s.LastSave/1000))
	gauge(descSaveOK, truth(s.LastError == nil))
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

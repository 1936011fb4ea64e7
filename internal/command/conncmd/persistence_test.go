package conncmd_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/command/journaltest"
)

func (f *fixture) persist() *journaltest.Fake {
	p := new(journaltest.Fake)
	f.e.Persistence = p
	return p
}

func TestPersistenceReplies(t *testing.T) {
	for _, c := range []struct{ in, without, with string }{
		{"SAVE", "-ERR persistence is off: there is no data directory|", "+OK|"},
		{"SAVE x", "-ERR wrong number of arguments for 'save' command|", ""},
		{"BGSAVE", "-ERR persistence is off: there is no data directory|",
			"+Background saving started|"},
		{"BGSAVE schedule", "-ERR persistence is off: there is no data directory|",
			"+Background saving started|"},
		{"BGSAVE x", "-ERR syntax error|", ""},
		{"BGSAVE SCHEDULE x", "-ERR syntax error|", ""},
		{"MULTI\nBGSAVE\nEXEC", "+OK|+QUEUED|*1|-ERR persistence is off: there is no data" +
			" directory|", "+OK|+QUEUED|*1|+Background saving scheduled|"},
		{"MULTI\nSAVE", "+OK|-ERR Command not allowed inside a transaction|", ""},
		{"SAVE\nPING\nSAVE", "-ERR persistence is off: there is no data directory|+PONG|" +
			"-ERR persistence is off: there is no data directory|", "+OK|+PONG|+OK|"},
		{"LASTSAVE", ":1700000000|", ":1700000100|"},
		{"SYNAP.DURABILITY", "$6|memory|", "$2|os|"},
		{"SYNAP.DURABILITY Disk\nSYNAP.DURABILITY",
			"-ERR Invalid request: durability 'disk' needs persistence, which is off|$6|memory|",
			"+OK|$4|disk|"},
		{"SYNAP.DURABILITY memory\nSYNAP.DURABILITY", "+OK|$6|memory|", ""},
		{"SYNAP.DURABILITY memory\nSYNAP.DURABILITY default\nSYNAP.DURABILITY",
			"+OK|+OK|$6|memory|", "+OK|+OK|$2|os|"},
		{"SYNAP.DURABILITY memory\nRESET\nSYNAP.DURABILITY", "+OK|+RESET|$6|memory|",
			"+OK|+RESET|$2|os|"},
		{"SYNAP.DURABILITY diskette",
			"-ERR Invalid request: durability must be memory, os or disk|", ""},
		{"SYNAP.DURABILITY disk now",
			"-ERR wrong number of arguments for 'synap.durability' command|", ""},
		{"WAITAOF 0 0 0", "*2|:0|:0|", "*2|:1|:0|"},
		{"WAITAOF 1 0 0", "-ERR WAITAOF cannot be used when numlocal is set but persistence is" +
			" off|", "*2|:1|:0|"},
		{"WAITAOF 0 3 100000", "*2|:0|:0|", "*2|:1|:0|"},
		{"WAITAOF 2 0 0", "-ERR value is out of range, value must between 0 and 1|", ""},
		{"WAITAOF x 0 0", "-ERR value is out of range, value must between 0 and 1|", ""},
		{"WAITAOF 0 -1 0", "-ERR value is out of range, must be positive|", ""},
		{"WAITAOF 0 0 x", "-ERR timeout is not an integer or out of range|", ""},
		{"WAITAOF 0 0 -1", "-ERR timeout is negative|", ""},
		{"MULTI\nSET k v\nWAITAOF 1 0 0\nEXEC", "+OK|+QUEUED|+QUEUED|*2|+OK|-ERR WAITAOF cannot" +
			" be used when numlocal is set but persistence is off|",
			"+OK|+QUEUED|+QUEUED|*2|+OK|*2|:1|:0|"},
	} {
		newFixture(t).connect("a:1").expect(c.in, c.without)
		if c.with == "" {
			c.with = c.without
		}
		f := newFixture(t)
		f.persist().Do(func(s *journaltest.State) { s.Status.LastSave = start + 100_000 })
		f.connect("a:1").expect(c.in, c.with)
	}
}

func TestSnapshotsThatCannotBeMade(t *testing.T) {
	for err, want := range map[error]string{
		command.ErrSaving:           "-ERR Background save already in progress|",
		errors.New("no space left"): "-ERR no space left|",
	} {
		f := newFixture(t)
		f.persist().Do(func(s *journaltest.State) { s.SaveErr = err })
		f.connect("a:1").expect("SAVE\nBGSAVE", want+want)
	}
}

func TestWhatAnswersWaitFor(t *testing.T) {
	const none, memory, os, disk = command.DefaultLevel, command.MemoryLevel, command.OSLevel,
		command.DiskLevel
	for _, c := range []struct {
		in    string
		level command.Level
		wrote bool
	}{
		{"PING\nECHO x\nINFO\nSYNAP.DURABILITY disk", none, false},
		{"GET k", os, false},
		{"SET k v", os, true},
		{"SYNAP.DURABILITY disk\nSET k v\nSYNAP.DURABILITY memory\nSET k v", disk, true},
		{"SYNAP.DURABILITY memory\nSET k v\nGET k", memory, true},
		{"SYNAP.DURABILITY memory\nSET k v\nWAITAOF 1 0 0", disk, true},
		{"WAITAOF 0 0 0", none, false},
		{"MULTI\nSET k v", none, false},
		{"MULTI\nSET k v\nEXEC", os, true},
		{"MULTI\nGET k\nEXEC", os, false},
		{"SYNAP.DURABILITY disk\nMULTI\nSET k v\nEXEC", disk, true},
		{"SET k", none, false},
	} {
		f := newFixture(t)
		f.persist()
		client := f.connect("a:1")
		client.send(c.in)
		level, wrote := client.session.TakeRequired()
		if level != c.level || wrote != c.wrote {
			t.Errorf("%q waits for %v, wrote %v; want %v, %v", c.in, level, wrote, c.level, c.wrote)
		}
		if level, wrote = client.session.TakeRequired(); level != none || wrote {
			t.Errorf("%q: what was taken is still there", c.in)
		}
	}
}

func TestInfoPersistence(t *testing.T) {
	f := newFixture(t)
	got := fields(t, f.connect("a:1").send("INFO persistence"))
	for name, want := range map[string]string{
		"loading": "0", "aof_enabled": "0", "synap_persistence": "off",
		"synap_durability": "memory", "rdb_last_save_time": "1700000000",
	} {
		if got[name] != want {
			t.Errorf("without persistence: %s is %q, want %q", name, got[name], want)
		}
	}
	f = newFixture(t)
	f.persist().Do(func(s *journaltest.State) {
		s.Level, s.Last, s.Synced = command.DiskLevel, 12, 11
		s.Status = command.PersistenceStatus{
			Dir: "/data", Changes: 5, Saving: true, SavingSince: start - 3000,
			LastSave: start + 7000, LastMillis: 2500, SnapshotLSN: 4, Journal: "the disk is full",
			Segments: 3, JournalBytes: 99, Written: 12, Writes: 8, Syncs: 6, SyncMicros: 140,
			LoadPercent: 62.5,
		}
	})
	f.e.Loading.Store(true)
	got = fields(t, f.connect("a:1").send("INFO persistence"))
	for name, want := range map[string]string{
		"loading": "1", "loading_loaded_perc": "62.50", "rdb_changes_since_last_save": "5",
		"rdb_bgsave_in_progress": "1", "rdb_last_save_time": "1700000007",
		"rdb_last_bgsave_status": "err", "rdb_last_bgsave_time_sec": "2",
		"rdb_current_bgsave_time_sec": "3", "aof_enabled": "1", "aof_last_write_status": "err",
		"aof_current_size": "99", "synap_durability": "disk", "synap_data_dir": "/data",
		"synap_journal_status": "the disk is full", "synap_journal_segments": "3",
		"synap_journal_last_lsn": "12", "synap_journal_written_lsn": "12",
		"synap_journal_synced_lsn": "11", "synap_journal_writes": "8", "synap_journal_syncs": "6",
		"synap_journal_last_sync_usec": "140", "synap_snapshot_lsn": "4",
	} {
		if got[name] != want {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
	}
}

func TestDuringRecovery(t *testing.T) {
	const loading = "-LOADING Synap is loading the dataset in memory|"
	for _, c := range []struct{ in, want string }{
		{"PING", loading}, {"GET k", loading}, {"SET k v", loading}, {"WATCH k", loading},
		{"SAVE", loading}, {"BGSAVE", loading}, {"WAITAOF 0 0 0", loading},
		{"KVSTATS", loading}, {"MEMORY USAGE k", loading}, {"FUNCTION FLUSH", loading},
		{"NOPE", "-ERR unknown command 'NOPE', with args beginning with: |"},
		{"ECHO x", "$1|x|"}, {"SELECT 1", "+OK|"}, {"LASTSAVE", ":1700000000|"},
		{"CLIENT ID", ":1|"}, {"CONFIG GET port", "*2|$4|port|$4|6379|"},
		{"CONFIG SET maxmemory 5", "+OK|"}, {"COMMAND GETKEYS GET k", "*1|$1|k|"},
		{"MULTI\nDISCARD", "+OK|+OK|"},
		{"MULTI\nGET k\nEXEC", "+OK|" + loading +
			"-EXECABORT Transaction discarded because of previous errors.|"},
	} {
		f := newFixture(t)
		f.persist()
		f.e.Loading.Store(true)
		client := f.connect("a:1")
		client.expect(c.in, c.want)
		f.e.Loading.Store(false)
		if got := client.send("PING"); !strings.Contains(got, "PONG") {
			t.Errorf("after recovery PING got %q", got)
		}
	}
}

func TestJournalThatTakesNoMore(t *testing.T) {
	f := newFixture(t)
	client := f.connect("a:1")
	client.send("SET k old")
	p := f.persist()
	p.Do(func(s *journaltest.State) { s.Full = errors.New("the disk is full: make room") })
	const refused = "-MISCONF the disk is full: make room|"
	for _, c := range []struct{ in, want string }{
		{"SET k new", refused}, {"MSET k new a b", refused}, {"GET k", "$3|old|"},
		{"MULTI\nGET k\nSET k new\nEXEC", "+OK|+QUEUED|+QUEUED|" +
			"-EXECABORT Transaction discarded because of: " + refused[1:]},
		{"EXEC", "-ERR EXEC without MULTI|"},
		{"MULTI\nGET k\nEXEC", "+OK|+QUEUED|*1|$3|old|"},
	} {
		client.expect(c.in, c.want)
	}
	if level, wrote := client.session.TakeRequired(); wrote {
		t.Errorf("a refused write is waited for (%v)", level)
	}
	p.Do(func(s *journaltest.State) { s.Full = nil })
	client.expect("SET k new\nGET k", "+OK|$3|new|")
}

package journal

import (
	"bytes"
	"context"
	"errors"
	"hash/crc32"
	"path/filepath"
	"testing"

	"github.com/synapdb/synap/internal/vfs"
)

// FuzzRecord reads any bytes as a record, and any payload as the record it becomes.
func FuzzRecord(f *testing.F) {
	f.Add([]byte("payload"), uint64(7), uint64(3), uint32(99))
	f.Add([]byte{}, uint64(1), uint64(0), uint32(0))
	f.Add(appendRecord(nil, head{lsn: 1}, []byte("inside"), 0), uint64(1), uint64(1), uint32(0))
	f.Add(bytes.Repeat([]byte{0xff}, 64), uint64(1)<<63, uint64(5), uint32(1))
	f.Fuzz(func(t *testing.T, data []byte, lsn, synced uint64, salt uint32) {
		synced = min(synced, lsn)
		made := head{lsn: LSN(lsn), synced: LSN(synced), timeMillis: int64(lsn ^ synced),
			sum: crc32.Checksum(data, castagnoli)}
		b := appendRecord(nil, made, data, salt)
		h, ok := parseHead(b, salt)
		made.length = int64(len(data))
		if lsn-synced >= noGap {
			made.synced = 0
		}
		if !ok || h != made || h.bytes() != int64(len(b)) || !wholeBody(&h, b[recordHead:]) {
			t.Fatalf("%+v became %+v", made, h)
		}
		if _, ok := parseHead(b, salt+1); ok {
			t.Fatal("the record belongs to another segment")
		}
		files := vfs.NewMemory(1)
		file := newFile(t, files, "hostile", data)
		var s scanner
		if err := s.open(file, salt); err != nil {
			t.Fatal(err)
		}
		for _, off := range []int64{0, 8, int64(len(data))} {
			_, payload, reason, err := s.record(off, LSN(lsn))
			if err != nil || reason == "" && len(payload) > len(data) {
				t.Fatal(len(payload), err)
			}
		}
		if _, end, err := s.search(0, 0); err != nil || end > int64(len(data)) {
			t.Fatal(end, err)
		}
	})
}

func newFile(t *testing.T, files vfs.FS, path string, data []byte) vfs.File {
	t.Helper()
	file, err := files.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteAt(data, 0); err != nil {
		t.Fatal(err)
	}
	return file
}

// FuzzOpen opens a directory with a hostile file: alone, and behind a good segment whose secret
// the file's maker knows. Whatever opens must take records and give back the same ones.
func FuzzOpen(f *testing.F) {
	files := vfs.NewMemory(1)
	l, _, err := Open(options(files), 0, nil)
	if err != nil {
		f.Fatal(err)
	}
	fill(l, newRand(1), 3, 100)
	if err := l.Close(); err != nil {
		f.Fatal(err)
	}
	whole := make([]byte, 2048)
	file, err := files.Open(segmentPath(testDir, 1))
	if err != nil {
		f.Fatal(err)
	}
	if _, err := file.ReadAt(whole, 0); err != nil {
		f.Fatal(err)
	}
	f.Add(whole, []byte{})
	f.Add(whole[:1500], whole)
	f.Add(whole[:recordsAt], whole[recordsAt:])
	last := header{number: 1, first: maxFirst, history: options(nil).History}
	f.Add(appendRecord(last.append(nil), head{lsn: maxFirst, synced: maxFirst - 1}, []byte("x"),
		last.salt()), []byte("rest"))
	f.Fuzz(func(t *testing.T, first, second []byte) {
		files := vfs.NewMemory(1)
		if err := files.MkdirAll(testDir); err != nil {
			t.Fatal(err)
		}
		newFile(t, files, segmentPath(testDir, 1), first)
		if len(second) > 0 {
			newFile(t, files, segmentPath(testDir, 2), second)
		}
		newFile(t, files, filepath.Join(testDir, namePrefix+"next"+tempSuffix), second)
		hostile(t, files)
	})
}

func hostile(t *testing.T, files *vfs.Memory) {
	t.Helper()
	o := options(files)
	var got []entry
	l, _, err := Open(o, 0, collect(&got))
	if err != nil {
		if _, err := Repair(files, testDir, backupDir); err != nil {
			return // of another history, another version: not for Repair
		}
		got = nil
		if l, _, err = Open(o, 0, collect(&got)); err != nil {
			if errors.Is(err, ErrDamaged) && l == nil && !errors.Is(err, ErrTrimmed) {
				return // the file has a history of its own
			}
			wantError(t, err, ErrTrimmed)
			return
		}
	}
	want := append(got, fill(l, newRand(2), 3, 300)...)
	mustClose(t, l)
	l, _, got = mustOpen(t, o, 0)
	sameEntries(t, got, want)
	reader := l.Reader(l.Stats().First)
	if _, _, _, err := reader.Next(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := reader.Close(); err != nil {
		t.Fatal(err)
	}
	mustClose(t, l)
}

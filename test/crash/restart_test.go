package crash

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/synapdb/synap/test/harness"
)

// tool runs a subcommand of the program over a data directory.
func tool(t *testing.T, dir string, args ...string) (code int, out, log string) {
	t.Helper()
	cmd := exec.Command(harness.Binary(t), append(args, "--data-dir", dir)...)
	var o, l bytes.Buffer
	cmd.Stdout, cmd.Stderr, cmd.Dir = &o, &l, t.TempDir()
	_ = cmd.Run()
	return cmd.ProcessState.ExitCode(), o.String(), l.String()
}

func files(t *testing.T, dir, pattern string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	return names
}

// write makes n keys and returns when all are acknowledged.
func (c *child) write(from, n int) {
	c.t.Helper()
	p := c.dial()
	for i := from; i < from+n; i++ {
		p.put("SET", fmt.Sprintf("key:%d", i), fmt.Sprintf("value-%d", i))
	}
	if err := p.flush(); err != nil {
		c.t.Fatal(err)
	}
	for range n {
		if text, err := p.reply(); err != nil || text != "OK" {
			c.t.Fatal(text, err)
		}
	}
	_ = p.Close()
}

// holds checks that exactly the first n keys are there.
func (c *child) holds(n int) {
	c.t.Helper()
	p := c.dial()
	for i := range n {
		p.put("GET", fmt.Sprintf("key:%d", i))
	}
	if err := p.flush(); err != nil {
		c.t.Fatal(err)
	}
	for i := range n {
		if text, err := p.reply(); err != nil || text != fmt.Sprintf("value-%d", i) {
			c.t.Fatalf("key %d: %q, %v; log: %s", i, text, err, c.log.String())
		}
	}
	if text, err := p.do("DBSIZE"); err != nil || text != fmt.Sprint(n) {
		c.t.Fatalf("%s keys, %v; want %d", text, err, n)
	}
	_ = p.Close()
}

func TestOrderlyEndLeavesASnapshot(t *testing.T) {
	dir := t.TempDir()
	c := launch(t, dir).await()
	c.write(0, 5000)
	c.stop()
	if c.code() != 0 {
		t.Fatalf("exit code %d: %s", c.code(), c.log.String())
	}
	made := files(t, dir, "snapshots/*")
	if len(made) == 0 {
		t.Fatalf("no snapshot: %s", c.log.String())
	}
	c = launch(t, dir).await()
	c.holds(5000)
	if log := c.log.String(); !strings.Contains(log, `"records":0,`) {
		t.Errorf("records were replayed: %s", log)
	}
	c.stop()
	if again := files(t, dir, "snapshots/*"); !slices.Equal(again, made) {
		t.Errorf("nothing changed, but there are %v, not %v", again, made)
	}
}

func TestSecondServerIsRefused(t *testing.T) {
	dir := t.TempDir()
	first := launch(t, dir).await()
	first.write(0, 10)
	second := launch(t, dir)
	if code := second.code(); code != 1 || !strings.Contains(second.log.String(),
		dir+" is in use by another synap-server") {
		t.Errorf("exit code %d: %s", code, second.log.String())
	}
	if code, _, log := tool(t, dir, "data", "repair"); code != 1 ||
		!strings.Contains(log, "in use") {
		t.Errorf("repair beside a server: %d %s", code, log)
	}
	first.holds(10)
}

// damage changes a byte of a record in the middle of a journal that was synced to its end.
func damage(t *testing.T, dir string) (file string) {
	t.Helper()
	for _, path := range files(t, dir, "journal/*.log") {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if at := bytes.Index(text, []byte("value-500")); at >= 0 {
			text[at]++
			if err := os.WriteFile(path, text, 0o600); err != nil {
				t.Fatal(err)
			}
			return path
		}
	}
	t.Fatal("no journal has key 500")
	return ""
}

func TestDamageInTheMiddleStopsTheStart(t *testing.T) {
	dir := t.TempDir()
	c := launch(t, dir, "--durability", "disk").await()
	c.write(0, 1000)
	c.write(0, 1) // its record says that those before it were synced
	c.kill()
	file := damage(t, dir)
	before, _ := os.ReadFile(file)
	c = launch(t, dir)
	if code := c.code(); code != 1 {
		t.Fatalf("exit code %d: %s", code, c.log.String())
	}
	for _, want := range []string{file, "offset", "record ",
		"synap-server data repair --data-dir " + dir} {
		if !strings.Contains(c.log.String(), want) {
			t.Errorf("%q is missing in %s", want, c.log.String())
		}
	}
	if after, _ := os.ReadFile(file); !bytes.Equal(before, after) {
		t.Error("the refused start changed the file")
	}
	if code, out, _ := tool(t, dir, "data", "verify"); code != 1 || !strings.Contains(out, file) {
		t.Errorf("verify: %d %s", code, out)
	}
	code, out, log := tool(t, dir, "data", "repair")
	if code != 0 || !strings.Contains(out, file) {
		t.Fatalf("repair: %d %s %s", code, out, log)
	}
	copies := files(t, dir, "repair-*/*"+filepath.Base(file)+"*")
	if len(copies) != 1 {
		t.Fatalf("copies: %v", copies)
	}
	if kept, _ := os.ReadFile(copies[0]); !bytes.Equal(before, kept) {
		t.Error("the copy is not what was there")
	}
	if code, out, log := tool(t, dir, "data", "verify"); code != 0 {
		t.Errorf("verify after repair: %d %s %s", code, out, log)
	}
	launch(t, dir).await().holds(500)
}

func TestDamagedSnapshotIsNotServed(t *testing.T) {
	dir := t.TempDir()
	c := launch(t, dir).await()
	c.write(0, 1000)
	c.stop()
	c = launch(t, dir).await()
	c.write(1000, 1000)
	c.stop()
	made := files(t, dir, "snapshots/*.snap")
	if len(made) != 2 {
		t.Fatal(made)
	}
	flip := func(path string) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		text[len(text)/2] ^= 16
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	flip(made[1]) // the older one and the journal lead to the same
	c = launch(t, dir).await()
	c.holds(2000)
	if !strings.Contains(c.log.String(), "can't be used") {
		t.Errorf("nothing is said of it: %s", c.log.String())
	}
	for range 3 { // until the journal no longer reaches back to the beginning
		p := c.dial()
		for range 60 {
			if text, err := p.do("SET", "pad", strings.Repeat("p", 100_000)); text != "OK" {
				t.Fatal(text, err)
			}
		}
		_ = p.Close()
		c.stop()
		c = launch(t, dir).await()
	}
	c.kill()
	for _, path := range files(t, dir, "snapshots/*.snap") {
		flip(path)
	}
	c = launch(t, dir)
	if code := c.code(); code != 1 || !strings.Contains(c.log.String(), "data repair") {
		t.Errorf("exit code %d without a whole snapshot: %s", code, c.log.String())
	}
}

func TestBackupWhileServingAndRestore(t *testing.T) {
	dir, away, back := t.TempDir(), filepath.Join(t.TempDir(), "b"), filepath.Join(t.TempDir(), "r")
	c := launch(t, dir).await()
	c.write(0, 3000)
	s := &storm{t: t}
	a := newAccount("w", 1)
	s.resp(c, a)
	code, out, log := tool(t, dir, "backup", away, "--url",
		fmt.Sprintf("http://127.0.0.1:%d", c.HTTP))
	if code != 0 {
		t.Fatalf("backup: %d %s %s", code, out, log)
	}
	c.kill()
	s.ended.Wait()
	if code, _, log := tool(t, dir, "backup", away); code != 1 ||
		!strings.Contains(log, "not empty") {
		t.Errorf("a second backup to the same place: %d %s", code, log)
	}
	if code, out, log := tool(t, back, "restore", away); code != 0 {
		t.Fatalf("restore: %d %s %s", code, out, log)
	}
	p := launch(t, back).await().dial()
	for i := range 3000 {
		if text, err := p.do("GET", fmt.Sprintf("key:%d", i)); text != fmt.Sprintf("value-%d", i) {
			t.Fatalf("key %d: %q, %v", i, text, err)
		}
	}
	found, err := p.read(a)
	if err != nil {
		t.Fatal(err)
	}
	a.acked = 0 // the backup is of some moment between start and end
	if err := a.settle(found); err != nil {
		t.Error(err)
	}
}

func TestDumpIsJSONLines(t *testing.T) {
	dir := t.TempDir()
	c := launch(t, dir).await()
	c.write(0, 10)
	if text, err := c.dial().do("SET", "raw", "\xff\x00"); err != nil || text != "OK" {
		t.Fatal(text, err)
	}
	c.kill()
	code, out, log := tool(t, dir, "data", "dump")
	if code != 0 {
		t.Fatalf("%d %s", code, log)
	}
	var texts []string
	for line := range strings.Lines(out) {
		var record struct {
			LSN     uint64
			Effects []struct{ Kind, Key, Value string }
		}
		if err := json.Unmarshal([]byte(line), &record); err != nil || record.LSN == 0 {
			t.Fatalf("%s: %v", line, err)
		}
		for _, e := range record.Effects {
			texts = append(texts, e.Kind+" "+e.Key+" "+e.Value)
		}
	}
	if len(texts) != 11 || texts[3] != "set key:3 value-3" ||
		!strings.Contains(out, `"value_base64":"/wA="`) {
		t.Errorf("%q", texts)
	}
}

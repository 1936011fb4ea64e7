package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/synapdb/synap/internal/persist"
	"github.com/synapdb/synap/internal/vfs"
)

func (a *app) dataCommand() *cobra.Command {
	c := &cobra.Command{Use: "data", Short: "Look at and mend the data directory of a server"}
	verify := &cobra.Command{
		Use: "verify", Short: "Read everything and say whether it is whole", Args: cobra.NoArgs,
		Long: "Read every byte of journal and snapshots and say whether a server can start from " +
			"them.\nNothing is changed. Exit code 0: yes; 1: no.",
		Example: "  synap-server data verify --data-dir ./data",
	}
	asJSON := verify.Flags().Bool("json", false, "as JSON")
	verify.RunE = func(cmd *cobra.Command, _ []string) error { return a.verify(cmd, *asJSON) }
	repair := &cobra.Command{
		Use: "repair", Args: cobra.NoArgs,
		Short: "Cut the journal before its first damage, keeping a copy of what changes",
		Long: "Make a damaged data directory start again, at the price of everything after the " +
			"first damage that a start meets.\nA copy of every file that is changed is kept.",
		Example: "  synap-server data repair --data-dir ./data",
	}
	keep := repair.Flags().String("keep", "",
		"directory of the copies; by default repair-<time> in the data directory")
	repair.RunE = func(cmd *cobra.Command, _ []string) error { return a.repair(cmd, *keep) }
	c.AddCommand(verify, repair, a.dumpCommand())
	return c
}

func (a *app) dumpCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "dump", Short: "Print journal and newest snapshot as JSON lines", Args: cobra.NoArgs,
		Long: "Print a line for every key of the newest snapshot, then one for every record of " +
			"the journal.\nBytes that are not UTF-8 are printed as base64.",
		Example: "  synap-server data dump --data-dir ./data --only journal --from 1000",
	}
	only := c.Flags().String("only", "", "journal or snapshot: print that alone")
	from := c.Flags().Uint64("from", 0, "number of the first record to print")
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		l, err := a.load(cmd)
		if err != nil {
			return err
		}
		if *only != "" && *only != "journal" && *only != "snapshot" {
			return usage(fmt.Errorf("--only is %q; it must be journal or snapshot", *only))
		}
		return failed(persist.Dump(vfs.OS(), absolute(l.Persistence.Dir), persist.DumpOptions{
			Journal: *only != "snapshot", Snapshots: *only != "journal", From: *from,
		}, a.out))
	}
	return c
}

func (a *app) verify(cmd *cobra.Command, asJSON bool) error {
	l, err := a.load(cmd)
	if err != nil {
		return err
	}
	dir := absolute(l.Persistence.Dir)
	v, err := persist.Verify(vfs.OS(), dir)
	if err != nil {
		return failed(err)
	}
	if asJSON {
		err = json.NewEncoder(a.out).Encode(v)
	} else {
		_, err = io.WriteString(a.out, v.Text())
	}
	if err == nil && len(v.Problems) > 0 {
		err = fmt.Errorf("%s is damaged; to go on with what is whole, keeping a copy of every "+
			"file that is changed: synap-server data repair --data-dir %s", dir, dir)
	}
	return failed(err)
}

func (a *app) repair(cmd *cobra.Command, keep string) error {
	l, err := a.load(cmd)
	if err != nil {
		return err
	}
	dir := absolute(l.Persistence.Dir)
	if keep == "" {
		keep = filepath.Join(dir, "repair-"+time.Now().UTC().Format("20060102-150405"))
	}
	r, err := persist.Repair(vfs.OS(), dir, keep)
	if err != nil {
		return failed(err)
	}
	if r.Forgone > 0 {
		_, err = fmt.Fprintf(a.out, "records up to %d are given up: the newest snapshot may show "+
			"parts of what was asked for as one\n", r.Forgone)
	}
	changed := append(r.Moved, r.Journal.Changed...)
	if err != nil || len(changed) == 0 && r.Forgone > 0 {
		return failed(err)
	}
	if len(changed) == 0 {
		_, err = fmt.Fprintln(a.out, "nothing had to be changed")
		return failed(err)
	}
	for _, path := range changed {
		fmt.Fprintf(a.out, "changed: %s\n", path) //nolint:errcheck // the next line reports it
	}
	_, err = fmt.Fprintf(a.out, "the copies are in %s\nthe journal ends with record %d\n", keep,
		r.Journal.Last)
	return failed(err)
}

func (a *app) backupCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "backup DIR", Short: "Copy the data directory, also while a server uses it",
		Long: "Copy the data directory to a new one and verify the copy. A server that uses the " +
			"directory\nis asked over HTTP for a snapshot first, so the copy is as of now.",
		Example: "  synap-server backup /backups/monday --data-dir ./data",
		Args:    cobra.ExactArgs(1),
	}
	url := c.Flags().String("url", "", "base URL of that server; by default the HTTP port here")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		l, err := a.load(cmd)
		if err != nil {
			return err
		}
		base := *url
		if base == "" {
			base = localURL(l.Server.Host, l.Server.Port)
		}
		v, err := persist.Backup(cmd.Context(), vfs.OS(), absolute(l.Persistence.Dir),
			absolute(args[0]), func() error { return askSnapshot(cmd.Context(), base) })
		return a.copied(args[0], v, err)
	}
	return c
}

func (a *app) restoreCommand() *cobra.Command {
	return &cobra.Command{
		Use: "restore DIR", Short: "Check a backup and install it as the data directory",
		Long: "Copy a backup to the data directory, which must be new or empty, and verify the " +
			"copy.\nThe backup itself is only read.",
		Example: "  synap-server restore /backups/monday --data-dir ./data",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			l, err := a.load(cmd)
			if err != nil {
				return err
			}
			dir := absolute(l.Persistence.Dir)
			v, err := persist.Restore(cmd.Context(), vfs.OS(), absolute(args[0]), dir)
			return a.copied(dir, v, err)
		},
	}
}

// copied reports a copy that was made.
func (a *app) copied(dir string, v persist.Verdict, err error) error {
	if err == nil {
		_, err = fmt.Fprintf(a.out, "%s is complete:\n%s", dir, v.Text())
	}
	var f failure
	if errors.As(err, &f) {
		return err
	}
	return failed(err)
}

// askSnapshot makes a running server take a snapshot.
func askSnapshot(ctx context.Context, base string) error {
	url := strings.TrimSuffix(base, "/") + "/snapshot"
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader("{}"))
	if err != nil {
		return usage(fmt.Errorf("%w; --url takes something like http://127.0.0.1:15500", err))
	}
	req.Header.Set("Content-Type", "application/json")
	reply, err := http.DefaultClient.Do(req)
	if err != nil {
		return failure{fmt.Errorf("a server uses the data directory, but does not answer at %s: "+
			"%w; name its HTTP port with --url", url, errors.Unwrap(err)), ExitUnreachable}
	}
	defer reply.Body.Close() //nolint:errcheck // it was only read
	text, err := io.ReadAll(io.LimitReader(reply.Body, 4096))
	if err != nil {
		return failure{fmt.Errorf("the answer of %s broke off: %w", url, err), ExitUnreachable}
	}
	if reply.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s: %s", url, reply.Status, strings.TrimSpace(string(text)))
	}
	return nil
}

package snapshot

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/synapdb/synap/internal/vfs"
)

// Info names a snapshot. Whether it is whole, Open and Verify say.
type Info struct {
	Path  string
	Begin uint64 // see Meta
}

// Latest lists the snapshots in dir, the newest first; none if there is no such directory. Those
// being written are not among them.
func Latest(files vfs.FS, dir string) ([]Info, error) {
	names, err := files.List(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list snapshots: %w", err)
	}
	var all []Info
	for _, name := range names {
		if begin, ok := beginOf(name); ok {
			all = append(all, Info{Path: filepath.Join(dir, name), Begin: begin})
		}
	}
	slices.SortFunc(all, func(a, b Info) int { // newest first
		switch {
		case a.Begin > b.Begin:
			return -1
		case a.Begin < b.Begin:
			return 1
		}
		return 0
	})
	return all, nil
}

// Prune removes all snapshots of dir but the newest keep (at least 1), and what interrupted ones
// left. No snapshot may be in writing.
func Prune(files vfs.FS, dir string, keep int) error {
	all, err := Latest(files, dir)
	if err != nil {
		return err
	}
	var remove []string
	for _, info := range all[min(max(keep, 1), len(all)):] {
		remove = append(remove, info.Path)
	}
	names, err := files.List(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("list snapshots: %w", err)
	}
	for _, name := range names {
		whole, cut := strings.CutSuffix(name, temporary)
		if _, ok := beginOf(whole); ok && cut {
			remove = append(remove, filepath.Join(dir, name))
		}
	}
	if len(remove) == 0 {
		return nil
	}
	for _, path := range remove {
		if err := files.Remove(path); err != nil {
			return fmt.Errorf("remove old snapshot: %w", err)
		}
	}
	if err := files.SyncDir(dir); err != nil {
		return fmt.Errorf("remove old snapshots: %w", err)
	}
	return nil
}

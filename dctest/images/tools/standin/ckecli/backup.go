package main

import (
	"encoding/json"
	"flag"
	"io"
	"os"
	"path/filepath"
	"time"
)

// localBackup writes all values to a file in a directory, which is named after the time in UTC,
// and removes the oldest of such files. The original writes a snapshot of Kubernetes' etcd, in
// files with the same names.
func localBackup(c call) error {
	flags := flag.NewFlagSet("etcd local-backup", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	dir := flags.String("dir", "/var/cke/etcd-backups", "")
	most := flags.Int("max-backups", 10, "")
	if err := flags.Parse(c.args); err != nil {
		return err
	}
	pairs, err := c.store.List(c.ctx, "")
	if err != nil {
		return err
	}
	data, err := json.Marshal(pairs)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(*dir, 0o755); err != nil {
		return err
	}
	name := time.Now().UTC().Format("etcd-20060102-150405.backup")
	if err := os.WriteFile(filepath.Join(*dir, name), data, 0o600); err != nil {
		return err
	}
	backups, err := filepath.Glob(filepath.Join(*dir, "etcd-*.backup")) // sorted
	if err != nil {
		return err
	}
	for _, old := range backups[:max(0, len(backups)-*most)] {
		if err := os.Remove(old); err != nil {
			return err
		}
	}
	return nil
}

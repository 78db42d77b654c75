package status

import (
	"fmt"
	"time"

	"github.com/cybozu-go/neco/pkg/storage"
)

// BackupEvery is the age of a boot server's newest snapshot of etcd above which there is
// a warning. Snapshots are due every hour.
const BackupEvery = 3 * time.Hour

// Backup is what a boot server reports about its snapshots of etcd.
type Backup struct {
	storage.Backup
	// Warning is true if an operator has to act: the last attempt failed, or a snapshot
	// is overdue.
	Warning bool `json:"warning"`
}

// backup returns what the view shows of the report b. If the server has sent no report
// (reported is false), it returns nil, or a warning if a snapshot is overdue because
// the server has been reporting certificates for longer than BackupEvery.
func backup(b storage.Backup, reported bool, c *Certificates, now time.Time) *Backup {
	switch {
	case reported:
		b.Error = clean(b.Error)
		return &Backup{b, b.Error != "" || now.Sub(b.At) > BackupEvery}
	case c != nil && now.Sub(c.Since) > BackupEvery:
		return &Backup{Warning: true}
	}
	return nil
}

// backupProblems returns a problem for each boot server that has failed to take a
// snapshot of etcd, or whose snapshot is overdue.
func (v View) backupProblems() []problem {
	var all []problem
	for _, s := range v.Servers {
		if b := s.Backup; b != nil && b.Warning {
			all = append(all, ofServer(s.LRN, b.warning(), "systemctl status etcd-backup.timer etcd-backup.service"))
		}
	}
	return all
}

func (b Backup) warning() string {
	text := "no snapshot of etcd was ever taken"
	if !b.At.IsZero() {
		text = fmt.Sprintf("no snapshot of etcd since %s", stamp(&b.At))
	}
	if b.Error != "" {
		return fmt.Sprintf("%s; failing since %s: %s", text, stamp(&b.Since), shorten(b.Error))
	}
	return text
}

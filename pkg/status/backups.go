package status

import (
	"fmt"
	"time"

	"github.com/cybozu-go/neco/pkg/storage"
)

// BackupEvery is how long a boot server may be without a new snapshot of etcd
// before there is a warning: one is due every hour.
const BackupEvery = 3 * time.Hour

// Backup is what a boot server says of its snapshots of etcd.
type Backup struct {
	storage.Backup
	// Warning says that somebody has to look: the last try failed, or one is
	// overdue.
	Warning bool `json:"warning"`
}

// backup is the view of what a boot server reports of its snapshots of etcd, if it
// has. A server that has reported its certificates has to take snapshots.
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

// backupProblems are the boot servers without a new snapshot of etcd.
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
		return fmt.Sprintf("%s; it fails since %s: %s", text, stamp(&b.Since), shorten(b.Error))
	}
	return text
}

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

// AddBackups adds what the boot servers say of their snapshots of etcd, and
// names keys that are malformed.  It is called after AddCertificates: a server
// that has said something of its certificates is to take snapshots.
func (v *View) AddBackups(all map[int]storage.Backup, bad []storage.MalformedKey) {
	for i, s := range v.Servers {
		b, ok := all[s.LRN]
		switch {
		case !s.Registered:
		case ok:
			b.Error = clean(b.Error)
			v.Servers[i].Backup = &Backup{b, b.Error != "" || v.At.Sub(b.At) > BackupEvery}
		case s.Certificates != nil && v.At.Sub(s.Certificates.Since) > BackupEvery:
			v.Servers[i].Backup = &Backup{Warning: true}
		}
	}
	v.addMalformed(bad)
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

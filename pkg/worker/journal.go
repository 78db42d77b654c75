package worker

import (
	"errors"
	"fmt"

	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/update"
)

// journalPath is the path of the journal, which lists the groups of services that this
// host has stopped.
const journalPath = "/var/lib/neco/stopped.json"

// FileJournal is the [Journal] of a boot server, stored as a file on the server's own
// disk.
type FileJournal struct{ FS host.FS }

// Load reads the journal. It returns nil if the file does not exist.
func (j FileJournal) Load() ([]update.Stopped, error) {
	var stopped []update.Stopped
	if _, err := j.FS.LoadState(journalPath, &stopped); err != nil {
		if errors.Is(err, host.ErrMalformed) {
			err = fmt.Errorf("%w; start the services that it names and remove it", err)
		}
		return nil, err
	}
	return stopped, nil
}

// Save replaces the journal and syncs it to the disk.
func (j FileJournal) Save(stopped []update.Stopped) error {
	if len(stopped) == 0 {
		return j.FS.Remove(journalPath)
	}
	return j.FS.SaveState(journalPath, stopped)
}

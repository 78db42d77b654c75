package worker

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/update"
)

// journalPath is where a host keeps its journal.
const journalPath = "/var/lib/neco/stopped.json"

// FileJournal is the [Journal] of a boot server, on its own disk.
type FileJournal struct{ FS host.FS }

// Load reads the journal; a host without one has stopped nothing.
func (j FileJournal) Load() ([]update.Stopped, error) {
	data, err := j.FS.Read(journalPath)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var stopped []update.Stopped
	if err := json.Unmarshal(data, &stopped); err != nil {
		return nil, fmt.Errorf("%s is damaged; start the services that it names and remove it: %w", journalPath, err)
	}
	return stopped, nil
}

// Save replaces the journal; it is on the disk when Save returns.
func (j FileJournal) Save(stopped []update.Stopped) error {
	if len(stopped) == 0 {
		return j.FS.Remove(journalPath)
	}
	data, err := json.Marshal(stopped)
	if err != nil {
		return err
	}
	_, err = j.FS.Write(host.File{Path: journalPath, Data: data, Mode: 0o600})
	return err
}

package contents

import (
	"context"
	"errors"

	"github.com/cybozu-go/neco/pkg/sabakan"
)

const (
	// BMCUsers is the asset with the users and passwords of the nodes' BMCs. An operator
	// uploads it; it is not in the package.
	BMCUsers = "bmc-user.json"
	// thenTemplates is the end of a note about something that the ignition templates
	// contain or need.
	thenTemplates = ", then neco init-data --ignitions-only"
)

// notPrepared reports that the content called name is missing for this reason until an
// operator has run command, and returns the same as a note.
func (u Uploader) notPrepared(name, reason, command string) (note string) {
	u.observe(Event{Name: name, State: NotPrepared, Reason: reason, Command: command})
	return reason + ": " + command
}

// noTemplates reports that no ignition template can be uploaded before an operator has run
// command, and returns the same as a note.
func (u Uploader) noTemplates(reason, command string) (note string) {
	return u.notPrepared("ignition templates", reason, command) + thenTemplates
}

// lacking reports what nodes lack besides their ignition template, and returns the same as
// notes.
func (u Uploader) lacking(ctx context.Context, v Values) (notes []string, err error) {
	if v.SSHKey == "" {
		notes = append(notes, u.notPrepared("SSH key of nodes", "there is no SSH key for nodes, so that nobody can log in to them", "neco ssh generate")+thenTemplates)
	}
	_, err = u.Sabakan.Asset(ctx, BMCUsers)
	if errors.Is(err, sabakan.ErrNotFound) {
		return append(notes, u.notPrepared(BMCUsers, "sabakan has no asset "+BMCUsers+", so that nodes do not get the users of their BMC", "neco bmc config set bmc-user FILE")), nil
	}
	return notes, err
}

package etcd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/component"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/program"
)

// keptSuffix is appended to the name of a unit file that is moved away; systemd ignores
// such files.
const keptSuffix = ".before-neco"

// runsNeco matches a unit file whose command is neco backup run.
var runsNeco = regexp.MustCompile(`(?m)^ExecStart=.*\bneco backup run\b`)

// TakeOverBackups renames the backup units that cybozu-go/neco, which this Neco
// replaces, has left in /etc/systemd/system, where they override those of the package.
// Then it starts the timer of the package, and reports whether it renamed a unit.
//
// It renames a unit once on each server: a unit file that an operator puts there later
// remains. Masked units, drop-ins, and units that run neco backup run remain, too.
func TakeOverBackups(ctx context.Context, fsys host.FS, units component.Units) (moved bool, err error) {
	service := neco.ServiceFile(program.EtcdBackup)
	foreign, err := isForeign(fsys, service)
	if err != nil || !foreign {
		return false, err
	}
	// The presence of the service shows that there is work to do, so it goes last.
	for _, p := range []string{neco.TimerFile(program.EtcdBackup), service} {
		if err := moveAway(fsys, p); err != nil {
			return false, fmt.Errorf("take over %s: %w", p, err)
		}
	}
	return true, units.StartTimer(ctx, program.EtcdBackup)
}

// isForeign reports whether the unit file p runs another program than neco backup run,
// unless an earlier call has already moved a file away from p.
func isForeign(fsys host.FS, p string) (bool, error) {
	if kept, err := fsys.Exists(p + keptSuffix); err != nil || kept && !unfinished(fsys, p) {
		return false, err
	}
	data, err := readRegular(fsys, p)
	return data != nil && !runsNeco.Match(data), err
}

// unfinished reports whether an earlier call copied p but was interrupted before it
// removed p.
func unfinished(fsys host.FS, p string) bool {
	now, err := readRegular(fsys, p)
	kept, keptErr := fsys.Read(p + keptSuffix)
	return err == nil && keptErr == nil && now != nil && string(now) == string(kept)
}

// moveAway copies the regular file p to p with keptSuffix, and then removes p.
func moveAway(fsys host.FS, p string) error {
	data, err := readRegular(fsys, p)
	if err != nil || data == nil {
		return err
	}
	if _, err := fsys.Write(host.File{Path: p + keptSuffix, Data: data, Mode: 0o644}); err != nil {
		return err
	}
	return fsys.Remove(p)
}

// readRegular returns the contents of p. It returns nil if p does not exist or is a link,
// as the file of a masked unit is.
func readRegular(fsys host.FS, p string) ([]byte, error) {
	fi, err := os.Lstat(fsys.Path(p))
	if errors.Is(err, fs.ErrNotExist) || err == nil && !fi.Mode().IsRegular() {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return fsys.Read(p)
}

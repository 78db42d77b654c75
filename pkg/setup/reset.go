package setup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/hostkey"
	"github.com/cybozu-go/neco/pkg/pki"
	"github.com/cybozu-go/neco/pkg/program"
	"github.com/cybozu-go/neco/pkg/renewal"
)

// Remains lists the services, files and directories of setup and join that are on a
// server.
type Remains struct {
	// Services are stopped in this order. Then Files and Dirs are removed.
	Services, Files, Dirs []string
}

// Left returns the services, files and directories of setup and join that exist on the
// server. tokens are the paths of their token files. Left omits backups, images and
// files of other programs.
func (h Host) Left(tokens ...string) Remains {
	all := Remains{
		Services: needEtcd(),
		Files: append(tokens, neco.NecoConfFile, neco.EtcdConfFile, neco.VaultConfFile,
			renewal.CredentialsFile, renewal.AuthoritiesFile, hostkey.File),
		// The state of an attempt goes last: it shows that a reset is incomplete.
		Dirs: []string{
			path.Join(neco.EtcdDataDir, "member"), "/var/lib/neco/pki", "/var/lib/neco/applied", "/var/lib/neco/renewal", joinDir, Dir,
		},
	}
	for _, p := range pki.Profiles() {
		all.Files = append(all.Files, p.Key, p.Cert)
	}
	for _, a := range pki.Authorities() {
		all.Files = append(all.Files, a.File())
	}
	there := Remains{}
	for _, name := range all.Services {
		if exists(h.FS, neco.ServiceFile(name)) || exists(h.FS, packageUnits+name+".service") {
			there.Services = append(there.Services, name)
		}
	}
	there.Files = h.present(all.Files)
	there.Dirs = h.present(all.Dirs)
	return there
}

// needEtcd returns the names of etcd's service and of the services that need etcd, in
// the order in which they must be stopped.
func needEtcd() []string {
	var units []string
	for _, p := range program.All() {
		if p.User != nil || p.Name == program.Etcd {
			units = append(units, p.Units...)
		}
	}
	slices.Reverse(units)
	return units
}

// joinDir is the directory with the state of an interrupted join.
const joinDir = "/var/lib/neco/join"

// packageUnits is the directory of the systemd units that packages install.
const packageUnits = "/lib/systemd/system/"

func (h Host) present(paths []string) []string {
	var there []string
	for _, p := range paths {
		if exists(h.FS, p) {
			there = append(there, p)
		}
	}
	return there
}

// Empty reports whether r has neither files nor directories to remove.
func (r Remains) Empty() bool { return len(r.Files) == 0 && len(r.Dirs) == 0 }

// Print writes to w, for the operator, what Undo would stop and remove.
func (r Remains) Print(w io.Writer) {
	for _, group := range []struct {
		verb  string
		names []string
	}{{"stop", r.Services}, {"remove", r.Files}, {"remove all in", r.Dirs}} {
		for _, name := range group.names {
			fmt.Fprintf(w, "  %s %s\n", group.verb, name)
		}
	}
}

// Undo stops the services of r, removes its files and directories, and updates the
// system's CA store. It may be repeated after an error, or after its process was
// killed.
func (h Host) Undo(ctx context.Context, r Remains) error {
	for _, name := range r.Services {
		if err := h.Units.Stop(ctx, name); err != nil {
			return fmt.Errorf("stop %s: %w", name, err)
		}
	}
	var errs []error
	for _, file := range r.Files {
		errs = append(errs, h.FS.Remove(file))
	}
	for _, dir := range r.Dirs {
		if err := errors.Join(errs...); err != nil {
			return err
		}
		errs = append(errs, h.FS.RemoveDir(dir))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return h.TrustServerCA(ctx)
}

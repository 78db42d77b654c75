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

// Remains are what setup and join leave on a server.
type Remains struct {
	// Services are stopped, in this order; Files and Dirs are removed.
	Services, Files, Dirs []string
}

// Left lists what is to be undone on a server, and is there.  tokens are files
// with the tokens of setup and join.  Backups, images, and what is not Neco's,
// stay.
func (h Host) Left(tokens ...string) Remains {
	all := Remains{
		Services: needEtcd(),
		Files: append(tokens, neco.NecoConfFile, neco.EtcdConfFile, neco.VaultConfFile,
			renewal.CredentialsFile, renewal.AuthoritiesFile, hostkey.File),
		// What tells a half-done try apart goes last.
		Dirs: []string{
			path.Join(neco.EtcdDataDir, "member"), "/var/lib/neco/pki", "/var/lib/neco/applied", "/var/lib/neco/renewal", joinDir, Dir,
		},
	}
	for _, p := range pki.Purposes() {
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

// needEtcd lists the services that need etcd, in the order in which they are stopped,
// and etcd itself.
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

// joinDir keeps what a join needs to go on.
const joinDir = "/var/lib/neco/join"

// packageUnits is where the units of packages are.
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

// Empty says whether there is nothing to undo.
func (r Remains) Empty() bool { return len(r.Files) == 0 && len(r.Dirs) == 0 }

// Print tells the operator what would be undone.
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

// Undo stops and removes what remains.  It may be repeated after an error or a
// kill.
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

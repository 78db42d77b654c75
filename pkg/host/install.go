package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
)

const (
	// frontendLock is held by whoever drives dpkg: apt, or we.
	frontendLock = "/var/lib/dpkg/lock-frontend"

	// installUnit is the service that installs packages. Its name is fixed,
	// so that a worker that is restarted by an installation finds it.
	installUnit = "neco-install"
)

// Repair brings packages that are half-way to their end: dpkg --configure -a.
// It waits for the lock until ctx ends.
func (p Packages) Repair(ctx context.Context) error {
	return p.locked(ctx, func() error { return p.configure(ctx) })
}

// Install installs the package in the file deb. It waits for the lock until
// ctx ends; from then on it blocks until dpkg is through.
func (p Packages) Install(ctx context.Context, deb string) error {
	return p.locked(ctx, func() error { return p.install(ctx, deb) })
}

// InstallLocked is Install for a host that may have been interrupted at it
// before: what is half-way is repaired first, under the same lock. It is to be
// called where a restart of the calling program does no harm: in the unit that
// InstallInUnit starts. What dpkg prints is kept in /var/log/neco-install.log.
func (p Packages) InstallLocked(ctx context.Context, deb string) error {
	name, _, err := p.FileInfo(ctx, deb)
	if err != nil {
		p.note(err)
		return err
	}
	began := false
	err = p.locked(ctx, func() error {
		began = true
		half, err := p.halfDone(ctx, name)
		if err != nil {
			return err
		}
		var repair error
		if half {
			// If this fails, the new package may well cure what it fails on.
			repair = p.configure(ctx)
		}
		if err := p.install(ctx, deb); err != nil {
			return errors.Join(err, repair)
		}
		return nil
	})
	if err != nil && !began { // else dpkg has written why
		p.note(err)
	}
	return err
}

// note writes into the log why dpkg was not run: whoever waits for the unit reads
// the reason there.
func (p Packages) note(err error) {
	if log, openErr := p.openLog("not run: " + err.Error()); openErr == nil {
		log.Close()
	}
}

// InstallInUnit installs the package in the file deb by a service of its own,
// and blocks until that has ended, or ctx has. It may be called again after a
// restart of the calling program: a service that still runs is waited for, and
// a package that is installed already is left alone. Success is what dpkg has
// on record afterwards, whatever the service said; the reason of a failure is
// what this attempt has written into the log. progress, which may be nil, is
// called again and again with what is waited for.
func (p Packages) InstallInUnit(ctx context.Context, u Units, deb string, progress func(text string)) error {
	name, version, err := p.FileInfo(ctx, deb)
	if err != nil {
		return err
	}
	tell := p.tell(progress)
	if err := u.waitGone(ctx, installUnit, tell); err != nil {
		return fmt.Errorf("install %s %s: %w", name, version, err)
	}
	if done, err := p.Installed(ctx, name, version); done || err != nil {
		return err
	}
	start := p.logSize()
	argv := append(p.installer(), deb)
	if err := u.RunTransient(ctx, installUnit, "Install "+name+" "+version, argv, nil); err != nil {
		return fmt.Errorf("install %s %s: %w", name, version, err)
	}
	if err := u.waitGone(ctx, installUnit, tell); err != nil {
		return fmt.Errorf("install %s %s: %w", name, version, err)
	}
	return p.judge(ctx, name, version, start)
}

// tell returns a function that says whether dpkg runs, or who holds its lock.
func (p Packages) tell(progress func(text string)) func() {
	if progress == nil {
		return func() {}
	}
	return func() {
		if holder := fcntlHolder(p.path(frontendLock)); holder != "" {
			progress("waiting for dpkg's lock, which " + holder + " holds")
			return
		}
		progress("waiting for " + installUnit + ".service")
	}
}

// logSize is the size of the log now: what this attempt writes comes behind it.
func (p Packages) logSize() int64 {
	fi, err := os.Stat(p.path(installLog))
	if err != nil || fi.Size() > installLogMax {
		return 0 // it begins again
	}
	return fi.Size()
}

func (p Packages) installer() []string {
	if len(p.Installer) > 0 {
		return append([]string(nil), p.Installer...)
	}
	argv := []string{"/usr/sbin/neco-worker", "install"}
	if p.elsewhere() {
		argv = append(argv, "--root", p.path("/"))
	}
	return argv
}

// judge turns what dpkg has on record after an installation into an error that
// ends with what was written into the log behind start.
func (p Packages) judge(ctx context.Context, name, version string, start int64) error {
	have, state, err := p.Status(ctx, name)
	if err != nil {
		return err
	}
	if state == StateInstalled && have == version {
		return nil
	}
	is := strings.TrimSpace(state + " " + have)
	log, err := os.Open(p.path(installLog))
	if err != nil {
		return fmt.Errorf("install %s %s: it is %s: no log: %w", name, version, is, err)
	}
	defer log.Close()
	printed := tail(log, start)
	why := causeOf(printed)
	if why == "" {
		why = installUnit + ".service has ended without a word; see journalctl -u " + installUnit
	}
	if refusedByDpkg(printed) {
		return fmt.Errorf("install %s %s: it is %s: %w: %s", name, version, is, ErrRefused, why)
	}
	return fmt.Errorf("install %s %s: it is %s: %s", name, version, is, why)
}

func (p Packages) configure(ctx context.Context) error {
	if err := p.dpkg(ctx, "--configure", "-a"); err != nil {
		return fmt.Errorf("repair packages: %w", err)
	}
	return nil
}

func (p Packages) install(ctx context.Context, deb string) error {
	if err := p.dpkg(ctx, "--install", deb); err != nil {
		return fmt.Errorf("install %s: %w", deb, err)
	}
	return nil
}

// halfDone says whether the package name, or dpkg itself, was interrupted: dpkg
// keeps a journal of what is not yet in its database.
func (p Packages) halfDone(ctx context.Context, name string) (bool, error) {
	_, state, err := p.Status(ctx, name)
	if err != nil {
		return false, err
	}
	journal, err := os.ReadDir(p.path("/var/lib/dpkg/updates"))
	if err != nil {
		return false, fmt.Errorf("look for an interrupted dpkg: %w", err)
	}
	whole := state == StateInstalled || state == StateNotInstalled || state == StateConfigFiles
	return !whole || len(journal) > 0, nil
}

// locked calls f while it holds dpkg's frontend lock.
func (p Packages) locked(ctx context.Context, f func() error) error {
	if _, err := findSbin("dpkg"); err != nil {
		return err
	}
	file, err := openLock(p.path(frontendLock), 0640)
	if err != nil {
		return fmt.Errorf("lock dpkg: %w", err)
	}
	defer file.Close()
	err = tryUntil(ctx, func() error { return fcntlLock(file) })
	if holder := fcntlHolder(file.Name()); errors.Is(err, errHeld) && holder != "" {
		err = fmt.Errorf("%s: %w", holder, err)
	}
	if err != nil {
		return fmt.Errorf("lock dpkg: %s: %w", file.Name(), err)
	}
	return f()
}

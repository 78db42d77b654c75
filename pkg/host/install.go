package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
)

const (
	// frontendLock is held by programs that run dpkg, such as apt and neco-worker.
	frontendLock = "/var/lib/dpkg/lock-frontend"

	// installUnit is the service that installs packages. Its name is fixed, so that a
	// worker restarted by an installation finds it.
	installUnit = "neco-install"
)

// Repair completes interrupted installations: dpkg --configure -a. It waits for the
// lock until ctx ends.
func (p Packages) Repair(ctx context.Context) error {
	return p.locked(ctx, func() error { return p.configure(ctx) })
}

// Install installs the package file deb. It waits for the lock until ctx ends; then it
// blocks until dpkg has ended.
func (p Packages) Install(ctx context.Context, deb string) error {
	return p.locked(ctx, func() error { return p.install(ctx, deb) })
}

// InstallLocked is Install for a host where an installation may have been interrupted:
// it first repairs that, under the same lock. It must be called by the unit that
// InstallInUnit starts, because the installation may restart the program that waits for
// it. The output of dpkg goes to /var/log/neco-install.log.
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
			// If the repair fails, the new package may remove the cause.
			repair = p.configure(ctx)
		}
		if err := p.install(ctx, deb); err != nil {
			return errors.Join(err, repair)
		}
		return nil
	})
	if err != nil && !began { // otherwise dpkg has logged the reason
		p.note(err)
	}
	return err
}

// note logs why dpkg was not run. InstallInUnit reads the reason from the log.
func (p Packages) note(err error) {
	if log, openErr := p.openLog("not run: " + err.Error()); openErr == nil {
		log.Close()
	}
}

// InstallInUnit installs the package file deb in a service of its own, and blocks until
// the service or ctx ends. It may be called again after a restart of the calling
// program: it waits for a service that still runs, and does nothing if the package is
// installed already. Success is determined by dpkg's database, whatever the exit status
// of the service; the error of a failure comes from what this attempt has logged.
// progress, which may be nil, is called repeatedly with what the call waits for.
func (p Packages) InstallInUnit(ctx context.Context, u Units, deb string, progress func(text string)) error {
	name, version, err := p.FileInfo(ctx, deb)
	if err != nil {
		return err
	}
	report := p.report(progress)
	if err := u.waitGone(ctx, installUnit, report); err != nil {
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
	if err := u.waitGone(ctx, installUnit, report); err != nil {
		return fmt.Errorf("install %s %s: %w", name, version, err)
	}
	return p.judge(ctx, name, version, start)
}

// report returns a function that reports the process that holds dpkg's lock, or the
// service, as what the call waits for.
func (p Packages) report(progress func(text string)) func() {
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

// logSize returns the offset in the log at which this attempt starts to write.
func (p Packages) logSize() int64 {
	fi, err := os.Stat(p.path(installLog))
	if err != nil || fi.Size() > installLogMax {
		return 0 // the log will be truncated
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

// judge returns nil if dpkg's database has the package installed, and otherwise an
// error that ends with what was logged after start.
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
		why = installUnit + ".service has ended without output; see journalctl -u " + installUnit
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

// halfDone reports whether an installation of the package name, or dpkg itself, was
// interrupted. dpkg keeps a journal of changes that are not in its database yet.
func (p Packages) halfDone(ctx context.Context, name string) (bool, error) {
	_, state, err := p.Status(ctx, name)
	if err != nil {
		return false, err
	}
	journal, err := os.ReadDir(p.path("/var/lib/dpkg/updates"))
	if err != nil {
		return false, fmt.Errorf("check for an interrupted dpkg: %w", err)
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

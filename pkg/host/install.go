package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
)

const (
	// frontendLock is the file that programs lock while they run dpkg, such as apt and
	// neco-worker.
	frontendLock = "/var/lib/dpkg/lock-frontend"

	// installUnit is the name of the service that installs packages. It is fixed, so that
	// a worker which an installation has restarted can wait for that service.
	installUnit = "neco-install"
)

// Repair completes interrupted installations by dpkg --configure -a, and reports whether the
// package called name was not completely installed. If only changes in dpkg's journal were left,
// the scripts of the package have run already. It waits for dpkg's lock until ctx ends: an
// installation that was going on may be complete then.
func (p Packages) Repair(ctx context.Context, name string) (incomplete bool, err error) {
	err = p.locked(ctx, func() error {
		var journal bool
		if incomplete, journal, err = p.halfDone(ctx, name); err != nil || !incomplete && !journal {
			return err
		}
		return p.configure(ctx)
	})
	return incomplete, err
}

// Install installs the package file deb. It waits for dpkg's lock until ctx ends; once
// dpkg has started, it blocks until dpkg has ended.
func (p Packages) Install(ctx context.Context, deb string) error {
	return p.locked(ctx, func() error { return p.install(ctx, deb) })
}

// InstallLocked installs the package file deb, after completing an interrupted
// installation under the same lock. The output of dpkg goes to /var/log/neco-install.log.
//
// It must be called in the service that InstallInUnit starts: the installation may
// restart the program that waits for that service.
func (p Packages) InstallLocked(ctx context.Context, deb string) error {
	name, _, err := p.FileInfo(ctx, deb)
	if err != nil {
		p.note(err)
		return err
	}
	began := false
	err = p.locked(ctx, func() error {
		began = true
		incomplete, journal, err := p.halfDone(ctx, name)
		if err != nil {
			return err
		}
		var repair error
		if incomplete || journal {
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

// note writes to the log why dpkg was not run. InstallInUnit reads this reason for its
// error.
func (p Packages) note(err error) {
	if log, openErr := p.openLog("not run: " + err.Error()); openErr == nil {
		log.Close()
	}
}

// InstallInUnit installs the package file deb in a service of its own, and blocks until
// that service or ctx ends. It calls progress, which may be nil, with what it is waiting
// for. A restarted program may call it again: it waits for a service that still runs, and
// does nothing if the package is installed already.
//
// Success is decided by dpkg's database, not by the exit status of the service. An error
// contains the cause that this attempt has logged.
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

// report returns a function that calls progress with a text about what an installation
// is waiting for: the process that holds dpkg's lock, or else the service that installs
// the package.
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

// logSize returns the size of the log: the offset at which an installation that starts
// now will write.
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

// judge returns nil if dpkg's database contains the package name as installed in the
// given version. Otherwise the error contains the cause that was logged after the
// offset start.
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

// halfDone reports whether an installation was interrupted: whether the package called name is
// not completely installed, and whether dpkg's journal has changes that are not in its database.
func (p Packages) halfDone(ctx context.Context, name string) (incomplete, journal bool, err error) {
	_, state, err := p.Status(ctx, name)
	if err != nil {
		return false, false, err
	}
	updates, err := os.ReadDir(p.path("/var/lib/dpkg/updates"))
	if err != nil {
		return false, false, fmt.Errorf("check for an interrupted dpkg: %w", err)
	}
	whole := state == StateInstalled || state == StateNotInstalled || state == StateConfigFiles
	return !whole, len(updates) > 0, nil
}

// locked takes dpkg's frontend lock, waiting for it until ctx ends, and calls f while
// holding the lock.
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

package host

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cybozu-go/neco"
)

// newInstaller returns Packages whose InstallInUnit runs this test binary.
func newInstaller(t *testing.T) (Packages, *manager) {
	t.Helper()
	p := newPackages(t)
	t.Setenv(installEnv, p.Root)
	p.Installer = []string{os.Args[0], "install"}
	return p, newManager(t)
}

func TestAnInstallationTellsWhoHoldsTheLockOfDpkg(t *testing.T) {
	p, m := newInstaller(t)
	deb := buildDeb(t, "1.0", "true")
	release := holdLock(t, p)
	m.set("neco-install.service", "activating")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	told, done := make(chan string), make(chan error, 1)
	go func() {
		done <- p.InstallInUnit(ctx, Units{}, deb, func(text string) {
			select {
			case told <- text:
			case <-ctx.Done():
			}
		})
	}()
	if text := <-told; !strings.HasPrefix(text, "waiting for dpkg's lock, which host.test (pid ") {
		t.Errorf("told: %s", text)
	}
	release()
	for text := range told {
		if text == "waiting for neco-install.service" {
			break
		}
	}
	cancel()
	if err := <-done; err == nil {
		t.Error("no error")
	}
}

func TestAFailedInstallationShowsTheWordsOfThisAttemptAlone(t *testing.T) {
	p, _ := newInstaller(t)
	_ = p.InstallLocked(t.Context(), buildDeb(t, "1.0", "echo out of cat food >&2; false"))
	p.Installer = []string{"/bin/true"}
	err := p.InstallInUnit(t.Context(), Units{}, buildDeb(t, "1.1", "true"), nil)
	if err == nil || strings.Contains(err.Error(), "cat food") || !strings.Contains(err.Error(), "journalctl -u neco-install") {
		t.Errorf("InstallInUnit: %v", err)
	}
}

func TestARefusalEndsWithTheCauseAndNotWithWhatDpkgAlwaysSays(t *testing.T) {
	p, _ := newInstaller(t)
	start := p.logSize()
	_ = p.InstallLocked(t.Context(), buildDeb(t, "1.0", "echo the kernel of this host is too old >&2; false"))
	err := p.judge(t.Context(), "demo", "1.0", start)
	if !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "; the kernel of this host is too old; installed demo package post-installation script") {
		t.Errorf("judge: %v", err)
	}
	if err != nil && (strings.Contains(err.Error(), "Errors were encountered") || strings.Contains(err.Error(), "--install") || strings.Contains(err.Error(), time.Now().UTC().Format("2006-01-02T"))) {
		t.Errorf("judge: %v", err)
	}
}

func TestAnInstallationThatNeverGotTheLockNamesItsHolder(t *testing.T) {
	p, _ := newInstaller(t)
	_ = p.InstallLocked(t.Context(), buildDeb(t, "1.0", "echo out of cat food >&2; false"))
	start := p.logSize()
	defer holdLock(t, p)()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- p.InstallLocked(ctx, buildDeb(t, "1.1", "true")) }()
	for !opened(t, p.path(frontendLock)) {
		if neco.SleepContext(ctx, lockInterval) != nil {
			t.Fatal("the lock is not waited for")
		}
	}
	cancel()
	if err := <-done; err == nil {
		t.Fatal("no error")
	}
	err := p.judge(t.Context(), "demo", "1.1", start)
	if err == nil || strings.Contains(err.Error(), "cat food") || !strings.Contains(err.Error(), "lock-frontend: host.test (pid ") {
		t.Errorf("judge: %v", err)
	}
}

// opened reports whether this process has the file open.
func opened(t *testing.T, name string) bool {
	t.Helper()
	fds, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		if to, err := os.Readlink(fd); err == nil && to == name {
			return true
		}
	}
	return false
}

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/retry"
)

// admin returns a file system with an empty database of dpkg.
func admin(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for _, dir := range []string{"var/lib/dpkg/info", "var/lib/dpkg/updates", "var/log"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(root, "var/lib/dpkg/status"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	return root
}

// deb builds a package called neco with script as its postinst script.
func deb(t *testing.T, script string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "neco")
	if err := os.MkdirAll(filepath.Join(dir, "DEBIAN"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"control":  "Package: neco\nVersion: 2026.11.29-1\nArchitecture: all\nMaintainer: x <x@example.com>\nDescription: x\n",
		"postinst": "#!/bin/sh\n" + script + "\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, "DEBIAN", name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.CommandContext(t.Context(), "dpkg-deb", "--build", "--root-owner-group", dir).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return dir + ".deb"
}

// TestAnInstallationThatWasCutShortIsRepairedAtTheStart lets the package's script fail
// once, as if it had been killed, so that the package is half configured. It also checks
// that the script is told not to restart neco-worker, under which dpkg runs, that
// neco-updater is restarted instead, and that repair changes nothing else.
func TestAnInstallationThatWasCutShortIsRepairedAtTheStart(t *testing.T) {
	root := admin(t)
	p := host.Packages{Root: root}
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, nil))
	var restarted []string
	restart := func(_ context.Context, name string) error {
		restarted = append(restarted, name)
		return nil
	}
	if err := repair(t.Context(), root, restart, logger); err != nil || log.Len() > 0 || len(restarted) > 0 {
		t.Errorf("nothing is installed: %v, %s, restarted %v", err, log.String(), restarted)
	}
	mark := filepath.Join(t.TempDir(), "mark")
	if err := p.InstallLocked(t.Context(), deb(t, "[ -e "+mark+" ] || { touch "+mark+"; exit 1; }; [ -n \"$NECO_INSTALL\" ]")); err == nil {
		t.Fatal("the installation was not cut short")
	}
	if _, state, err := p.Status(t.Context(), "neco"); err != nil || state == host.StateInstalled {
		t.Fatalf("state %s, %v", state, err)
	}
	if err := repair(t.Context(), root, restart, logger); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(restarted, []string{"neco-updater"}) {
		t.Errorf("restarted %v", restarted)
	}
	if _, state, err := p.Status(t.Context(), "neco"); err != nil || state != host.StateInstalled || !strings.Contains(log.String(), "repairs the installation") {
		t.Errorf("state %s, %v, log %s", state, err, log.String())
	}
	log.Reset()
	if err := repair(t.Context(), root, restart, logger); err != nil || log.Len() > 0 {
		t.Errorf("it is installed: %v, %s", err, log.String())
	}
}

// TestAnInstallationThatGoesOnIsNotRepaired: its script has restarted both daemons before dpkg ends.
func TestAnInstallationThatGoesOnIsNotRepaired(t *testing.T) {
	root := admin(t)
	p := host.Packages{Root: root}
	dir := t.TempDir()
	begun, end := filepath.Join(dir, "begun"), filepath.Join(dir, "end")
	installed := make(chan error, 1)
	file := deb(t, "touch "+begun+"; until [ -e "+end+" ]; do sleep 0.02; done")
	go func() { installed <- p.InstallLocked(t.Context(), file) }()
	ctx, cancel := context.WithTimeoutCause(t.Context(), time.Minute, fmt.Errorf("the script has not begun within %s", time.Minute))
	defer cancel()
	if err := retry.Until(ctx, func() error { _, err := os.Stat(begun); return err }); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	restart := func(_ context.Context, name string) error {
		t.Errorf("restarted %s", name)
		return nil
	}
	repaired := make(chan error, 1)
	waits := notify{&log, make(chan struct{}, 1)}
	go func() { repaired <- repair(t.Context(), root, restart, slog.New(slog.NewTextHandler(waits, nil))) }()
	<-waits.written // the package is half configured
	if err := os.WriteFile(end, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(<-installed, <-repaired); err != nil {
		t.Error(err)
	}
	if _, state, err := p.Status(t.Context(), "neco"); err != nil || state != host.StateInstalled {
		t.Errorf("state %s, %v", state, err)
	}
}

// notify is a buffer that tells when something was written.
type notify struct {
	*bytes.Buffer
	written chan struct{}
}

func (n notify) Write(data []byte) (int, error) {
	defer func() { n.written <- struct{}{} }()
	return n.Buffer.Write(data)
}

func TestTheInstallationTakesOneFile(t *testing.T) {
	for _, args := range [][]string{{"install"}, {"install", "a.deb", "b.deb"}} {
		cmd := newCommand()
		cmd.SetArgs(args)
		if err := cmd.ExecuteContext(t.Context()); err == nil || !strings.Contains(err.Error(), "give one FILE") {
			t.Errorf("%q: %v", args, err)
		}
	}
}

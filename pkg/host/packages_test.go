package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestMain makes the test binary act as the program that installs packages if its
// environment says so.
func TestMain(m *testing.M) {
	if root := os.Getenv(installEnv); root != "" && len(os.Args) == 3 && os.Args[1] == "install" {
		if err := (Packages{Root: root}).InstallLocked(context.Background(), os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if name := os.Getenv(holdEnv); name != "" {
		hold(name)
		return
	}
	os.Exit(m.Run())
}

const (
	installEnv = "HOST_TEST_INSTALL_ROOT"
	holdEnv    = "HOST_TEST_HOLD_LOCK"
)

// hold locks the file called name as apt does, prints "held", and holds the lock until
// its standard input ends.
func hold(name string) {
	file, err := openLock(name, 0600)
	if err != nil {
		os.Exit(1)
	}
	if unix.FcntlFlock(file.Fd(), unix.F_SETLK, &unix.Flock_t{Type: unix.F_WRLCK}) != nil {
		os.Exit(1)
	}
	fmt.Println("held")
	io.Copy(io.Discard, os.Stdin)
}

func newPackages(t *testing.T) Packages {
	t.Helper()
	for _, program := range []string{"dpkg", "dpkg-deb"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Fatalf("%s is not installed; it is in the Debian package dpkg", program)
		}
	}
	p := Packages{Root: t.TempDir()}
	f := FS{Root: p.Root}
	mustWrite(t, f, "/var/lib/dpkg/status", "")
	for _, dir := range []string{"updates", "info"} {
		if err := makeDir(f.Path("/var/lib/dpkg/" + dir)); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// buildDeb builds a package called demo with one file and the given postinst script.
func buildDeb(t *testing.T, version, postinst string) string {
	t.Helper()
	return buildDebWith(t, version, "postinst", postinst)
}

func buildDebWith(t *testing.T, version, script, code string) string {
	t.Helper()
	f := FS{Root: t.TempDir()}
	mustWrite(t, f, "/pkg/DEBIAN/control", "Package: demo\nVersion: "+version+
		"\nArchitecture: all\nMaintainer: Test <test@example.com>\nDepends: not-there\nDescription: test\n")
	mustWrite(t, f, "/pkg/usr/share/demo/version", version)
	if _, err := f.Write(mine("/pkg/DEBIAN/"+script, "#!/bin/sh\n"+code+"\n", 0755)); err != nil {
		t.Fatal(err)
	}
	deb := f.Path("/demo_" + version + "_all.deb")
	if out, err := exec.Command("dpkg-deb", "--build", "--root-owner-group", f.Path("/pkg"), deb).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return deb
}

func wantStatus(t *testing.T, p Packages, version, state string) {
	t.Helper()
	gotVersion, gotState, err := p.Status(t.Context(), "demo")
	if err != nil || gotVersion != version || gotState != state {
		t.Errorf("Status = %q, %q, %v; want %q, %q", gotVersion, gotState, err, version, state)
	}
}

func TestAPackageIsInstalledAndUpgraded(t *testing.T) {
	p := newPackages(t)
	wantStatus(t, p, "", StateNotInstalled)
	for _, version := range []string{"1.0", "2.0"} {
		if err := p.InstallLocked(t.Context(), buildDeb(t, version, `[ -n "$DPKG_ROOT" ]`)); err != nil {
			t.Fatal(err)
		}
		wantStatus(t, p, version, StateInstalled)
		if ok, err := p.Installed(t.Context(), "demo", version); !ok || err != nil {
			t.Errorf("Installed = %v, %v", ok, err)
		}
		if data, err := (FS{Root: p.Root}).Read("/usr/share/demo/version"); err != nil || string(data) != version {
			t.Errorf("file = %q, %v", data, err)
		}
	}
	if ok, err := p.Installed(t.Context(), "demo", "1.0"); ok || err != nil {
		t.Errorf("the former version: Installed = %v, %v", ok, err)
	}
}

func TestABrokenScriptIsNamed(t *testing.T) {
	p := newPackages(t)
	err := p.Install(t.Context(), buildDeb(t, "1.0", "echo the cat is on the keyboard; exit 3"))
	if err == nil || !strings.Contains(err.Error(), "post-installation script") || !strings.Contains(err.Error(), "demo") {
		t.Errorf("Install: %v", err)
	}
	wantStatus(t, p, "1.0", "half-configured")
	log, _ := FS{Root: p.Root}.Read(installLog)
	if !strings.Contains(string(log), "the cat is on the keyboard") {
		t.Errorf("log = %s", log)
	}
}

func TestADpkgThatIsKilledIsMadeUpFor(t *testing.T) {
	for _, script := range []string{"preinst", "postinst"} {
		t.Run("in "+script, func(t *testing.T) {
			p := newPackages(t)
			flag := filepath.Join(t.TempDir(), "killed")
			deb := buildDebWith(t, "1.0", script, "[ -e "+flag+" ] || { touch "+flag+"; kill -9 $PPID; }")
			if err := p.InstallLocked(t.Context(), deb); err == nil {
				t.Fatal("dpkg was not killed")
			}
			if ok, err := p.Installed(t.Context(), "demo", "1.0"); ok || err != nil {
				t.Errorf("Installed = %v, %v", ok, err)
			}
			if err := p.InstallLocked(t.Context(), deb); err != nil {
				t.Fatal(err)
			}
			wantStatus(t, p, "1.0", StateInstalled)
		})
	}
}

// holdLock makes another process hold dpkg's frontend lock until release is called.
func holdLock(t *testing.T, p Packages) (release func()) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), holdEnv+"="+p.path(frontendLock))
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(out, make([]byte, len("held"))); err != nil {
		t.Fatal(err)
	}
	return func() {
		in.Close()
		cmd.Wait()
	}
}

func TestAHeldLock(t *testing.T) {
	t.Run("is waited for", func(t *testing.T) {
		p := newPackages(t)
		release := holdLock(t, p)
		deb := buildDeb(t, "1.0", "true")
		done := make(chan error, 1)
		go func() { done <- p.InstallLocked(t.Context(), deb) }()
		select {
		case err := <-done:
			t.Errorf("did not wait: %v", err)
		case <-time.After(3 * lockInterval):
		}
		release()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		wantStatus(t, p, "1.0", StateInstalled)
	})
	t.Run("is named when the time is over", func(t *testing.T) {
		p := newPackages(t)
		defer holdLock(t, p)()
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if _, err := p.Repair(ctx, "neco"); err == nil || !strings.Contains(err.Error(), "lock-frontend") {
			t.Errorf("Repair: %v", err)
		}
	})
	t.Run("holds within this process too", func(t *testing.T) {
		p := newPackages(t)
		err := p.locked(t.Context(), func() error {
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			_, err := p.Repair(ctx, "neco")
			return err
		})
		if err == nil {
			t.Error("no error")
		}
	})
}

func TestWhatIsNoPackageIsNamed(t *testing.T) {
	p := newPackages(t)
	file := filepath.Join(t.TempDir(), "bad.deb")
	mustWrite(t, FS{}, file, "not an archive")
	if err := p.InstallLocked(t.Context(), file); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("InstallLocked: %v", err)
	}
}

func TestWithoutDpkgThereIsOneClearSentence(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	p := Packages{Root: t.TempDir()}
	if _, err := p.Repair(t.Context(), "neco"); err != errNoDpkg {
		t.Errorf("Repair: %v", err)
	}
	if _, _, err := p.Status(t.Context(), "neco"); err == nil || !strings.Contains(err.Error(), errNoDpkg.Error()) {
		t.Errorf("Status: %v", err)
	}
}

func TestInstallInUnit(t *testing.T) {
	setup := func(t *testing.T) (Packages, *manager) {
		p := newPackages(t)
		t.Setenv(installEnv, p.Root)
		p.Installer = []string{os.Args[0], "install"}
		return p, newManager(t)
	}
	t.Run("installs by a unit", func(t *testing.T) {
		p, m := setup(t)
		if err := p.InstallInUnit(t.Context(), Units{}, buildDeb(t, "1.0", "true"), nil); err != nil {
			t.Fatal(err)
		}
		wantStatus(t, p, "1.0", StateInstalled)
		if got := m.asked(); len(got) != 1 || got[0] != "Run neco-install.service" {
			t.Errorf("asked: %v", got)
		}
	})
	t.Run("leaves alone what is installed", func(t *testing.T) {
		p, m := setup(t)
		deb := buildDeb(t, "1.0", "true")
		if err := p.InstallLocked(t.Context(), deb); err != nil {
			t.Fatal(err)
		}
		if err := p.InstallInUnit(t.Context(), Units{}, deb, nil); err != nil {
			t.Fatal(err)
		}
		if got := m.asked(); len(got) != 0 {
			t.Errorf("asked: %v", got)
		}
	})
	t.Run("finds the unit that an earlier life of the worker started", func(t *testing.T) {
		p, m := setup(t)
		deb := buildDeb(t, "1.0", "true")
		m.set("neco-install.service", "activating")
		done := make(chan error, 1)
		go func() { done <- p.InstallInUnit(t.Context(), Units{}, deb, nil) }()
		if err := p.InstallLocked(t.Context(), deb); err != nil {
			t.Fatal(err)
		}
		m.set("neco-install.service", "inactive")
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if got := m.asked(); len(got) != 0 {
			t.Errorf("asked: %v", got)
		}
	})
	t.Run("judges by what dpkg has on record", func(t *testing.T) {
		p, _ := setup(t)
		err := p.InstallInUnit(t.Context(), Units{}, buildDeb(t, "1.0", "echo out of cat food >&2; false"), nil)
		if err == nil || !strings.Contains(err.Error(), "half-configured") || !strings.Contains(err.Error(), "out of cat food") {
			t.Errorf("InstallInUnit: %v", err)
		}
	})
	t.Run("tells a package that dpkg refuses from a host that lacks something", func(t *testing.T) {
		for script, want := range map[string]bool{
			"echo out of cat food >&2; false":                      true,
			"echo write error: No space left on device >&2; false": false,
		} {
			p, _ := setup(t)
			err := p.InstallInUnit(t.Context(), Units{}, buildDeb(t, "1.0", script), nil)
			if err == nil || errors.Is(err, ErrRefused) != want {
				t.Errorf("%s: %v", script, err)
			}
		}
		p, _ := setup(t)
		p.Installer = []string{"/bin/true"}
		if err := p.InstallInUnit(t.Context(), Units{}, buildDeb(t, "1.0", "true"), nil); err == nil || errors.Is(err, ErrRefused) {
			t.Errorf("nothing was tried: %v", err)
		}
	})
	t.Run("does not believe an installer that does nothing", func(t *testing.T) {
		p, _ := setup(t)
		p.Installer = []string{"/bin/true"}
		err := p.InstallInUnit(t.Context(), Units{}, buildDeb(t, "1.0", "true"), nil)
		if err == nil || !strings.Contains(err.Error(), "demo 1.0: it is not-installed") {
			t.Errorf("InstallInUnit: %v", err)
		}
	})
}

func TestTheInstallerOfAHost(t *testing.T) {
	for root, want := range map[string]string{
		"":            "/usr/sbin/neco-worker install",
		"/":           "/usr/sbin/neco-worker install",
		"/srv/boot-0": "/usr/sbin/neco-worker install --root /srv/boot-0",
	} {
		if got := strings.Join((Packages{Root: root}).installer(), " "); got != want {
			t.Errorf("installer below %q = %s, want %s", root, got, want)
		}
	}
}

func TestAPackageForTwoArchitecturesHasTheNativeVersion(t *testing.T) {
	p := newPackages(t)
	var status strings.Builder
	for _, r := range [][2]string{{"s390x", "1.3.0"}, {runtime.GOARCH, "1.4.0"}} {
		fmt.Fprintf(&status, "Package: demo\nStatus: install ok installed\nPriority: optional\nSection: misc\n"+
			"Maintainer: Test <test@example.com>\nArchitecture: %s\nMulti-Arch: same\nVersion: %s\nDescription: test\n\n", r[0], r[1])
	}
	mustWrite(t, FS{Root: p.Root}, "/var/lib/dpkg/status", status.String())
	wantStatus(t, p, "1.4.0", StateInstalled)
}

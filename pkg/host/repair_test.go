package host

import (
	"os"
	"path/filepath"
	"testing"
)

// dpkg leaves its journal if the disk is full when it writes its database.
func TestAJournalIsAppliedToACompletePackage(t *testing.T) {
	p := newPackages(t)
	ran := filepath.Join(t.TempDir(), "ran")
	if err := p.Install(t.Context(), buildDeb(t, "1.0", "echo once >>"+ran)); err != nil {
		t.Fatal(err)
	}
	host := FS{Root: p.Root}
	database, err := host.Read("/var/lib/dpkg/status")
	if err != nil {
		t.Fatal(err)
	}
	mustWrite(t, host, "/var/lib/dpkg/updates/0000", string(database))
	mustWrite(t, host, "/var/lib/dpkg/status", "")
	if incomplete, err := p.Repair(t.Context(), "demo"); err != nil || incomplete {
		t.Errorf("incomplete: %t, %v", incomplete, err)
	}
	if left, err := os.ReadDir(p.path("/var/lib/dpkg/updates")); err != nil || len(left) > 0 {
		t.Errorf("the journal has %v, %v", left, err)
	}
	wantStatus(t, p, "1.0", StateInstalled)
	if scripts, err := os.ReadFile(ran); err != nil || string(scripts) != "once\n" {
		t.Errorf("the script ran: %q, %v", scripts, err)
	}
}

func TestAHalfConfiguredPackage(t *testing.T) {
	broken := func(t *testing.T) (p Packages, flag string) {
		p = newPackages(t)
		flag = filepath.Join(t.TempDir(), "works")
		if err := p.Install(t.Context(), buildDeb(t, "1.0", "[ -e "+flag+" ]")); err == nil {
			t.Fatal("the script did not fail")
		}
		wantStatus(t, p, "1.0", "half-configured")
		return p, flag
	}
	t.Run("is repaired", func(t *testing.T) {
		p, flag := broken(t)
		mustWrite(t, FS{}, flag, "")
		if incomplete, err := p.Repair(t.Context(), "demo"); err != nil || !incomplete {
			t.Fatalf("incomplete: %t, %v", incomplete, err)
		}
		if incomplete, err := p.Repair(t.Context(), "demo"); err != nil || incomplete {
			t.Errorf("once more: incomplete: %t, %v", incomplete, err)
		}
		wantStatus(t, p, "1.0", StateInstalled)
	})
	t.Run("does not hinder the version that cures it", func(t *testing.T) {
		p, _ := broken(t)
		if err := p.InstallLocked(t.Context(), buildDeb(t, "1.1", "true")); err != nil {
			t.Fatal(err)
		}
		wantStatus(t, p, "1.1", StateInstalled)
	})
	t.Run("is what an upgrade leaves whose script is broken", func(t *testing.T) {
		p := newPackages(t)
		if err := p.InstallLocked(t.Context(), buildDeb(t, "1.0", "true")); err != nil {
			t.Fatal(err)
		}
		if err := p.InstallLocked(t.Context(), buildDeb(t, "2.0", "false")); err == nil {
			t.Error("no error")
		}
		wantStatus(t, p, "2.0", "half-configured")
		if ok, err := p.Installed(t.Context(), "demo", "2.0"); ok || err != nil {
			t.Errorf("Installed = %v, %v", ok, err)
		}
	})
}

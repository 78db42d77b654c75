package pki

import (
	"crypto/ecdsa"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/program"
)

// installed requests a certificate of p and installs it.
func installed(t *testing.T, fsys host.FS, p Profile) (cert []byte, key *ecdsa.PrivateKey) {
	t.Helper()
	key = must(Pending(fsys, p))(t)
	cert = MarshalCert(issue(t, newCA(t, p.Authority), p, key).Raw)
	if err := Install(fsys, p, cert); err != nil {
		t.Fatal(err)
	}
	return cert, key
}

func TestInstall(t *testing.T) {
	for _, p := range Profiles() {
		fsys := host.FS{Root: t.TempDir()}
		if _, err := Installed(fsys, p); !errors.Is(err, ErrNotInstalled) {
			t.Errorf("%s on a new host: %v", p.Name, err)
		}
		data, key := installed(t, fsys, p)
		cert := must(Installed(fsys, p))(t)
		if string(MarshalCert(cert.Raw)) != string(data) || !samePublicKey(cert.PublicKey, key.Public()) {
			t.Errorf("%s: another certificate is installed", p.Name)
		}
		checkFile(t, fsys, p.Key, 0o600, p.Owner)
		checkFile(t, fsys, p.Cert, 0o644, p.Owner)
		if left := must(os.ReadDir(fsys.Path(pendingDir)))(t); len(left) != 0 {
			t.Errorf("%s: left behind: %v", p.Name, left)
		}
		if fi := must(os.Stat(fsys.Path(pendingDir)))(t); fi.Mode().Perm() != 0o700 {
			t.Errorf("pending keys are in a directory of mode %o", fi.Mode().Perm())
		}
	}
}

func checkFile(t *testing.T, fsys host.FS, path string, mode os.FileMode, owner int) {
	t.Helper()
	fi := must(os.Stat(fsys.Path(path)))(t)
	if fi.Mode() != mode {
		t.Errorf("%s: mode %s", path, fi.Mode())
	}
	if st := fi.Sys().(*syscall.Stat_t); os.Geteuid() == 0 && (int(st.Uid) != owner || int(st.Gid) != owner) {
		t.Errorf("%s belongs to %d:%d, not %d", path, st.Uid, st.Gid, owner)
	}
}

func TestAPendingKeyStaysUntilItIsInstalled(t *testing.T) {
	fsys, p := host.FS{Root: t.TempDir()}, purpose(t, program.Neco)
	a, b := must(Pending(fsys, p))(t), must(Pending(fsys, p))(t)
	if !a.Equal(b) {
		t.Error("the second call makes another key")
	}
	checkFile(t, fsys, p.pending(".key"), 0o600, 0)
	_, used := installed(t, fsys, p)
	if !used.Equal(a) {
		t.Error("another key was installed")
	}
	if next := must(Pending(fsys, p))(t); next.Equal(a) {
		t.Error("the key is used again")
	}
	if err := os.WriteFile(fsys.Path(p.pending(".key")), []byte("rubbish"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Pending(fsys, p); err != nil {
		t.Errorf("after rubbish: %v", err)
	}
	if err := errors.Join(os.Remove(fsys.Path(p.pending(".key"))), os.Mkdir(fsys.Path(p.pending(".key")), 0o700)); err != nil {
		t.Fatal(err)
	}
	if _, err := Pending(fsys, p); err == nil {
		t.Error("a file that cannot be read: no error")
	}
}

func TestACertificateForAnotherKeyChangesNothing(t *testing.T) {
	fsys, p := host.FS{Root: t.TempDir()}, purpose(t, program.Neco)
	before, _ := installed(t, fsys, p)
	must(Pending(fsys, p))(t)
	foreign := MarshalCert(issue(t, newCA(t, ClientCA), p, newKey(t)).Raw)
	if err := Install(fsys, p, foreign); !errors.Is(err, ErrOtherKey) {
		t.Errorf("error %v", err)
	}
	if got := must(fsys.Read(p.Cert))(t); string(got) != string(before) {
		t.Error("the certificate was replaced")
	}
}

// TestInstallCutOffAnywhereIsFinished interrupts Install at each of its changes. The
// next call of Installed must install the new key and certificate.
func TestInstallCutOffAnywhereIsFinished(t *testing.T) {
	p := purpose(t, Server)
	for done, name := range []string{"key made", "certificate kept", "key installed", "certificate installed", "pending key gone", "all gone"} {
		t.Run(name, func(t *testing.T) {
			fsys := host.FS{Root: t.TempDir()}
			old, _ := installed(t, fsys, p)
			key := must(Pending(fsys, p))(t)
			keyPEM := must(MarshalKey(key))(t)
			cert := MarshalCert(issue(t, newCA(t, ServerCA), p, key).Raw)
			write := func(path string, data []byte) func() error {
				return func() error {
					_, err := fsys.Write(host.File{Path: path, Data: data, Mode: 0o600})
					return err
				}
			}
			for _, act := range []func() error{
				func() error { return nil },
				write(p.pending(".crt"), cert), write(p.Key, keyPEM), write(p.Cert, cert),
				func() error { return fsys.Remove(p.pending(".key")) },
				func() error { return fsys.Remove(p.pending(".crt")) },
			}[:done+1] {
				if err := act(); err != nil {
					t.Fatal(err)
				}
			}
			want := cert
			if done == 0 {
				want = old
			}
			got, err := Installed(fsys, p)
			if err != nil || string(MarshalCert(got.Raw)) != string(want) {
				t.Fatalf("installed: %v", err)
			}
			if next := must(Pending(fsys, p))(t); next.Equal(key) != (done == 0) {
				t.Error("the next key: wrong")
			}
			if _, err := Installed(fsys, p); err != nil {
				t.Errorf("with the next key waiting: %v", err)
			}
		})
	}
}

func TestAPairThatDoesNotMatchIsToBeAskedForAgain(t *testing.T) {
	for name, damage := range map[string]func(fsys host.FS, p Profile) error{
		"another key":    func(fsys host.FS, p Profile) error { return replace(t, fsys, p.Key) },
		"no key":         func(fsys host.FS, p Profile) error { return fsys.Remove(p.Key) },
		"no certificate": func(fsys host.FS, p Profile) error { return fsys.Remove(p.Cert) },
		"an empty one":   func(fsys host.FS, p Profile) error { return os.Truncate(fsys.Path(p.Cert), 0) },
	} {
		t.Run(name, func(t *testing.T) {
			fsys, p := host.FS{Root: t.TempDir()}, purpose(t, EtcdPeer)
			installed(t, fsys, p)
			if err := damage(fsys, p); err != nil {
				t.Fatal(err)
			}
			if _, err := Installed(fsys, p); !errors.Is(err, ErrNotInstalled) {
				t.Errorf("error %v", err)
			}
			installed(t, fsys, p)
			if _, err := Installed(fsys, p); err != nil {
				t.Errorf("asked for again: %v", err)
			}
		})
	}
}

func replace(t *testing.T, fsys host.FS, path string) error {
	return os.WriteFile(fsys.Path(path), must(MarshalKey(newKey(t)))(t), 0o600)
}

func TestList(t *testing.T) {
	fsys := host.FS{Root: t.TempDir()}
	for _, name := range []string{Server, EtcdPeer, program.Vault, program.Neco, program.CKE} {
		installed(t, fsys, purpose(t, name))
	}
	if err := replace(t, fsys, purpose(t, program.Vault).Key); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(fsys.Path("/etc/neco"), "etcd.crt"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	at := now().Add(ClientValidity - 24*time.Hour)
	want := []struct {
		name string
		due  bool
		left time.Duration
		err  bool
	}{
		{Server, false, ServerValidity - ClientValidity + 24*time.Hour, false},
		{EtcdPeer, false, ServerValidity - ClientValidity + 24*time.Hour, false},
		{program.Vault, true, 24 * time.Hour, true}, // another key
		{program.Neco, false, 0, true},              // no certificate
		{program.Backup, false, 0, true},            // absent
		{program.CKE, true, 24 * time.Hour, false},
	}
	got := List(fsys, at)
	if len(got) != len(want) {
		t.Fatalf("%d certificates: %v", len(got), got)
	}
	for i, w := range want {
		if g := got[i]; g.Profile.Name != w.name || g.Due != w.due || g.Left != w.left || (g.Err != nil) != w.err {
			t.Errorf("%s: due %v, left %s, %v; want %+v", g.Profile.Name, g.Due, g.Left, g.Err, w)
		}
	}
}

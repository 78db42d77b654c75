package renewal_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/x509"
	"errors"
	"log/slog"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/pki"
	"github.com/cybozu-go/neco/pkg/renewal"
)

// lab is a boot server with its CAs. It implements Signer, Lock, Programs and Peers.
type lab struct {
	t      *testing.T
	server renewal.Server
	cas    renewal.Authorities
	// life is the validity of new certificates.
	life time.Duration

	mu sync.Mutex
	// down is the error of a login to Vault, busy that of the lock.
	down, busy error
	// signed counts signatures by the name of the profile. reloaded has the profiles of
	// certificates that were reloaded.
	signed   map[string]int
	reloaded []string
	held     int
	reports  []error
	// locked reports that this server holds the lock. reloadedUnlocked has the profiles
	// of certificates that were reloaded without it.
	locked           bool
	reloadedUnlocked []string
	reloadError      error
}

func newLab(t *testing.T) *lab {
	t.Helper()
	l := &lab{t: t, cas: renewal.Authorities{}, life: time.Minute, signed: map[string]int{}}
	l.server = renewal.Server{
		FS: host.FS{Root: t.TempDir()}, Now: time.Now,
		Subject: pki.NewSubject(2, "boot-2", netip.MustParseAddr("10.72.48.2")),
	}
	for _, a := range pki.Authorities() {
		ca, err := pki.NewCA(a, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		l.cas[a] = ca
		if _, err := l.server.FS.Write(host.File{Path: a.File(), Data: ca.CertPEM(), Mode: 0o644}); err != nil {
			t.Fatal(err)
		}
	}
	return l
}

// install installs certificates on the server.
func (l *lab) install(purposes ...pki.Profile) {
	l.t.Helper()
	for _, p := range purposes {
		if err := l.server.RenewBy(l.t.Context(), l.Sign, p); err != nil {
			l.t.Fatal(err)
		}
	}
	clear(l.signed)
}

func purpose(t *testing.T, name string) pki.Profile {
	t.Helper()
	p, err := pki.Find(name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (l *lab) renewer() *renewal.Renewer {
	return &renewal.Renewer{
		Server: func() (renewal.Server, error) { return l.server, nil },
		LogIn:  l.logIn, Lock: l, Programs: l, Peers: l, Log: slog.New(slog.DiscardHandler),
	}
}

func (l *lab) logIn(context.Context) (renewal.Signer, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l, l.down
}

func (l *lab) Close(context.Context) {}

func (l *lab) Sign(_ context.Context, p pki.Profile, s pki.Subject, request []byte) ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.signed[p.Name]++
	return l.cas[p.Authority].Sign(request, p, s, min(l.life, p.Validity), time.Now())
}

func (l *lab) Hold(ctx context.Context, f func(context.Context) error) error {
	l.mu.Lock()
	if l.busy != nil {
		defer l.mu.Unlock()
		return l.busy
	}
	l.held, l.locked = l.held+1, true
	l.mu.Unlock()
	err := f(ctx)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.locked = false
	return err
}

func (l *lab) Reload(_ context.Context, p pki.Profile) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.reloadError != nil {
		return l.reloadError
	}
	l.reloaded = append(l.reloaded, p.Name)
	if !l.locked {
		l.reloadedUnlocked = append(l.reloadedUnlocked, p.Name)
	}
	return nil
}

func (l *lab) Report(_ context.Context, _ []pki.Leaf, failed error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reports = append(l.reports, failed)
	return nil
}

// set calls change under the mutex.
func (l *lab) set(change func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change()
}

// lastReport returns the error in the last report.
func (l *lab) lastReport() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.reports) == 0 {
		return errors.New("nothing was reported")
	}
	return l.reports[len(l.reports)-1]
}

// start runs the renewer until the end of the test.
func (l *lab) start() {
	ctx, cancel := context.WithCancel(l.t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { l.renewer().Run(ctx) })
	l.t.Cleanup(func() { cancel(); wg.Wait() })
}

// bad returns the profiles of the certificates that are not valid now.
func (l *lab) bad() []string {
	l.t.Helper()
	var names []string
	for _, leaf := range pki.List(l.server.FS, time.Now()) {
		if leaf.Err != nil || leaf.Left <= 0 {
			names = append(names, leaf.Profile.Name)
		}
	}
	return names
}

// installed returns the installed certificate with the profile p, and its key.
func (l *lab) installed(p pki.Profile) (*x509.Certificate, *ecdsa.PrivateKey) {
	l.t.Helper()
	cert, err := pki.Installed(l.server.FS, p)
	if err != nil {
		l.t.Fatal(err)
	}
	data, err := l.server.FS.Read(p.Key)
	if err != nil {
		l.t.Fatal(err)
	}
	key, err := pki.ParseKey(data)
	if err != nil {
		l.t.Fatal(err)
	}
	return cert, key
}

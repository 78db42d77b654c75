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

// lab is a boot server with its authorities, a Vault and the other servers made
// up.
type lab struct {
	t      *testing.T
	server renewal.Server
	cas    renewal.Authorities
	// life of new certificates.
	life time.Duration

	mu sync.Mutex
	// down and busy are why the Vault and the turn are not to be had.
	down, busy error
	// signed counts by purpose; told lists purposes.
	signed map[string]int
	told   []string
	turns  int
	posted []error
	// inTurn says that it is this server's turn; toldOutside lists purposes that
	// were told without.
	inTurn      bool
	toldOutside []string
	tellError   error
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

// install gives the server certificates.
func (l *lab) install(purposes ...pki.Purpose) {
	l.t.Helper()
	for _, p := range purposes {
		if err := l.server.RenewBy(l.t.Context(), l.Sign, p); err != nil {
			l.t.Fatal(err)
		}
	}
	clear(l.signed)
}

func purpose(t *testing.T, name string) pki.Purpose {
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
		LogIn:  l.logIn, Turns: l, Programs: l, Board: l, Log: slog.New(slog.DiscardHandler),
	}
}

func (l *lab) logIn(context.Context) (renewal.Signer, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l, l.down
}

func (l *lab) Close(context.Context) {}

func (l *lab) Sign(_ context.Context, p pki.Purpose, s pki.Subject, request []byte) ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.signed[p.Name]++
	return l.cas[p.Authority].Sign(request, p, s, min(l.life, p.Life), time.Now())
}

func (l *lab) Take(ctx context.Context, f func(context.Context) error) error {
	l.mu.Lock()
	if l.busy != nil {
		defer l.mu.Unlock()
		return l.busy
	}
	l.turns, l.inTurn = l.turns+1, true
	l.mu.Unlock()
	err := f(ctx)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.inTurn = false
	return err
}

func (l *lab) Tell(_ context.Context, p pki.Purpose) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.tellError != nil {
		return l.tellError
	}
	l.told = append(l.told, p.Name)
	if !l.inTurn {
		l.toldOutside = append(l.toldOutside, p.Name)
	}
	return nil
}

func (l *lab) Post(_ context.Context, _ []pki.Leaf, failed error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.posted = append(l.posted, failed)
	return nil
}

// set changes the world.
func (l *lab) set(change func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change()
}

// lastPost is what other servers read now.
func (l *lab) lastPost() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.posted) == 0 {
		return errors.New("nothing was posted")
	}
	return l.posted[len(l.posted)-1]
}

// start runs the renewer until the test ends.
func (l *lab) start() {
	ctx, cancel := context.WithCancel(l.t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { l.renewer().Run(ctx) })
	l.t.Cleanup(func() { cancel(); wg.Wait() })
}

// bad lists the certificates that do not serve now.
func (l *lab) bad() []string {
	l.t.Helper()
	var names []string
	for _, leaf := range pki.List(l.server.FS, time.Now()) {
		if leaf.Err != nil || leaf.Left <= 0 {
			names = append(names, leaf.Purpose.Name)
		}
	}
	return names
}

// installed is the certificate of p with its key.
func (l *lab) installed(p pki.Purpose) (*x509.Certificate, *ecdsa.PrivateKey) {
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

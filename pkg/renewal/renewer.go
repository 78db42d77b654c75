package renewal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/cybozu-go/neco/internal/duration"
	"github.com/cybozu-go/neco/pkg/pki"
)

// Signer is a session of Vault that signs certificates.
type Signer interface {
	// Sign returns a signed certificate, as a SignFunc does.
	Sign(ctx context.Context, p pki.Profile, s pki.Subject, request []byte) ([]byte, error)
	// Close ends the session with Vault.
	Close(ctx context.Context)
}

// Lock is the renewal lock: only the server that holds it renews certificates. A server
// that takes part in an update cannot acquire it.
type Lock interface {
	// Hold blocks until this server holds the lock or ctx ends, then calls f and
	// releases the lock. The context of f ends if the lock is lost. If this server
	// takes part in an update, Hold returns ErrBusy instead of calling f.
	Hold(ctx context.Context, f func(context.Context) error) error
}

// Programs makes programs load new certificates.
type Programs interface {
	// Reload makes the running programs that use the certificate with the profile p
	// load it from the disk. It does not start a program that is not running.
	Reload(ctx context.Context, p pki.Profile) error
}

// Peers receives reports about this server's certificates for the other boot servers.
type Peers interface {
	// Report publishes the state of the certificates leaves. failed is the error of the
	// last renewal, or nil.
	Report(ctx context.Context, leaves []pki.Leaf, failed error) error
}

// ErrBusy reports that this server takes part in an update and cannot renew
// certificates now.
var ErrBusy = errors.New("an update is under way")

// Renewer renews the certificates of this boot server.
type Renewer struct {
	// Server returns this server. If it returns fs.ErrNotExist, the server has no
	// certificates of Neco, and there is nothing to renew.
	Server   func() (Server, error)
	LogIn    func(ctx context.Context) (Signer, error)
	Lock     Lock
	Programs Programs
	Peers    Peers
	Log      *slog.Logger
}

// These constants are the timeouts of the renewer.
const (
	// renewTimeout is how long a renewal may take before it fails, not including the
	// wait for the lock.
	renewTimeout = 2 * time.Minute
	// lockTimeout is how long a renewal may take before it fails, including the wait
	// for the lock.
	lockTimeout   = 10 * time.Minute
	reportTimeout = 10 * time.Second
)

// Run renews certificates when they are due, until ctx ends. If a renewal fails, Run
// logs the error, reports it through Peers and tries again.
func (r *Renewer) Run(ctx context.Context) {
	var i interval
	for ctx.Err() == nil {
		leaves, err := r.pass(ctx)
		if err != nil && ctx.Err() == nil && !errors.Is(err, ErrBusy) {
			r.Log.Warn("renewal of certificates is not complete", "err", err)
		}
		i.sleep(ctx, leaves, err)
	}
}

// pass renews the certificates that are due now, reports their state through Peers and
// returns the state of all certificates.
func (r *Renewer) pass(ctx context.Context) ([]pki.Leaf, error) {
	s, err := r.Server()
	if absent(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	err = r.renewDue(ctx, s)
	leaves := pki.List(s.FS, s.Now())
	post, cancel := context.WithTimeout(ctx, reportTimeout)
	defer cancel()
	failed := err
	if errors.Is(err, ErrBusy) {
		failed = nil
	}
	if perr := r.Peers.Report(post, leaves, failed); perr != nil && err == nil {
		err = fmt.Errorf("report the certificates to other boot servers: %w", perr)
	}
	return leaves, err
}

// renewDue renews the certificates that are due, with the lock. Before that, it renews
// without the lock those expired certificates that every server has, because the server
// may need them to connect to etcd, and no program restarts for them.
func (r *Renewer) renewDue(ctx context.Context, s Server) error {
	if err := finishAll(s); err != nil {
		return err
	}
	if expired := pick(s, func(l pki.Leaf) bool { return standing(l.Profile) && l.Err == nil && l.Left <= 0 }); len(expired) > 0 {
		if err := r.renew(ctx, s, expired, standing); err != nil {
			return err
		}
	}
	if !r.needsLock(s) {
		return nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, lockTimeout, errors.New("other boot servers hold the renewal lock for too long"))
	defer cancel()
	return r.Lock.Hold(ctx, func(ctx context.Context) error {
		return r.renew(ctx, s, pick(s, due), every)
	})
}

// standing reports whether the certificate with the profile p is one that every server
// has. No program restarts for such a certificate.
func standing(p pki.Profile) bool { return !p.OnRequest }

func every(pki.Profile) bool { return true }

// due reports whether the certificate l has to be renewed: it is due, or its files are
// absent or damaged.
func due(l pki.Leaf) bool { return l.Due || l.Err != nil }

// needsLock reports whether a certificate is due, or programs must still reload a
// certificate.
func (r *Renewer) needsLock(s Server) bool {
	return len(pick(s, due)) > 0 || slices.ContainsFunc(pki.Profiles(), s.pendingReload)
}

// pick returns the profiles of the certificates on the server s for which f returns
// true.
func pick(s Server, f func(pki.Leaf) bool) []pki.Profile {
	var all []pki.Profile
	for _, l := range pki.List(s.FS, s.Now()) {
		if f(l) {
			all = append(all, l.Profile)
		}
	}
	return all
}

// finishAll completes the interrupted installations of certificates on the server s.
func finishAll(s Server) error {
	for _, p := range pki.Profiles() {
		if _, err := pki.Installed(s.FS, p); err != nil && !errors.Is(err, pki.ErrNotInstalled) {
			return err
		}
	}
	return nil
}

// renew renews the certificates in due and makes their programs reload them. Then it
// repeats the reloads that failed in an earlier renewal, for profiles for which may
// returns true. A failure does not stop the rest.
func (r *Renewer) renew(ctx context.Context, s Server, due []pki.Profile, may func(pki.Profile) bool) error {
	ctx, cancel := context.WithTimeoutCause(ctx, renewTimeout, fmt.Errorf("took longer than %s: %w", duration.Text(renewTimeout), context.DeadlineExceeded))
	defer cancel()
	var errs []error
	if len(due) > 0 {
		errs = append(errs, r.signAll(ctx, s, due))
	}
	for _, p := range pki.Profiles() {
		if s.pendingReload(p) && may(p) {
			errs = append(errs, r.reload(ctx, s, p))
		}
	}
	return errors.Join(errs...)
}

// signAll renews the certificates in due with one login to Vault, and makes their
// programs reload them.
func (r *Renewer) signAll(ctx context.Context, s Server, due []pki.Profile) error {
	signer, err := r.LogIn(ctx)
	if err != nil {
		return err
	}
	defer signer.Close(ctx)
	var errs []error
	for _, p := range due {
		if err := r.renewOne(ctx, s, signer, p); err != nil {
			errs = append(errs, err)
			continue
		}
		r.Log.Info("renewed a certificate", "purpose", p.Name)
		// If this fails, the reload stays pending and is repeated.
		_ = r.reload(ctx, s, p)
	}
	return errors.Join(errs...)
}

func (r *Renewer) renewOne(ctx context.Context, s Server, signer Signer, p pki.Profile) error {
	certPEM, err := s.obtain(ctx, signer.Sign, p)
	if err != nil {
		return err
	}
	if err := s.setPendingReload(p); err != nil {
		return err
	}
	return pki.Install(s.FS, p, certPEM)
}

// reload makes the programs that use the certificate with the profile p reload it. If
// that fails, a later pass of the renewer tries again.
func (r *Renewer) reload(ctx context.Context, s Server, p pki.Profile) error {
	err := r.Programs.Reload(ctx, p)
	if err == nil {
		err = s.clearPendingReload(p)
	}
	if err != nil {
		return fmt.Errorf("certificate %s: %w", p.Name, err)
	}
	return nil
}

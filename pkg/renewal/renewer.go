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

// Signer is a Vault that the server is logged in to.
type Signer interface {
	// Sign is a SignFunc.
	Sign(ctx context.Context, p pki.Purpose, s pki.Subject, request []byte) ([]byte, error)
	// Close logs out.
	Close(ctx context.Context)
}

// Turns keeps servers from renewing at once, and from doing it in an update.
type Turns interface {
	// Take calls f when it is this server's turn; it blocks until then, or ctx
	// ends.  The context of f ends with the turn.  ErrBusy: not now.
	Take(ctx context.Context, f func(context.Context) error) error
}

// Programs are those that use the certificates.
type Programs interface {
	// Tell has those that use the certificate of p take the one that is on the
	// disk; programs that do not run are left as they are.
	Tell(ctx context.Context, p pki.Purpose) error
}

// Board is where other boot servers read of this one.
type Board interface {
	// Post tells how the certificates stand; failed, if any, is why they cannot
	// be renewed.
	Post(ctx context.Context, leaves []pki.Leaf, failed error) error
}

// ErrBusy: this server takes part in an update.
var ErrBusy = errors.New("an update is under way")

// Renewer keeps the certificates of this boot server good.
type Renewer struct {
	// Server finds out who this server is; fs.ErrNotExist: it has no
	// certificates of ours, and there is nothing to renew.
	Server   func() (Server, error)
	LogIn    func(ctx context.Context) (Signer, error)
	Turns    Turns
	Programs Programs
	Board    Board
	Log      *slog.Logger
}

// Bounds of what the renewer waits for.
const (
	// renewTimeout bounds a renewal, once it is this server's turn.
	renewTimeout = 2 * time.Minute
	// turnTimeout bounds the wait for a turn.
	turnTimeout = 10 * time.Minute
	postTimeout = 10 * time.Second
)

// Run renews certificates when they are due, until ctx ends.  What fails is
// logged, shown to others and tried again.
func (r *Renewer) Run(ctx context.Context) {
	var p pace
	for ctx.Err() == nil {
		leaves, err := r.pass(ctx)
		if err != nil && ctx.Err() == nil && !errors.Is(err, ErrBusy) {
			r.Log.Warn("renewal of certificates is not complete", "err", err)
		}
		p.sleep(ctx, leaves, err)
	}
}

// pass does all that is due now.  It returns how the certificates stand.
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
	post, cancel := context.WithTimeout(ctx, postTimeout)
	defer cancel()
	failed := err
	if errors.Is(err, ErrBusy) {
		failed = nil
	}
	if perr := r.Board.Post(post, leaves, failed); perr != nil && err == nil {
		err = fmt.Errorf("tell other boot servers of the certificates: %w", perr)
	}
	return leaves, err
}

// renewDue renews what is due, when it is this server's turn.  A certificate
// that every server has and that has expired waits for nobody: without it the
// server may not even ask whose turn it is, and no program restarts for it.
func (r *Renewer) renewDue(ctx context.Context, s Server) error {
	if err := finishAll(s); err != nil {
		return err
	}
	if expired := pick(s, func(l pki.Leaf) bool { return standing(l.Purpose) && l.Err == nil && l.Left <= 0 }); len(expired) > 0 {
		if err := r.renew(ctx, s, expired, standing); err != nil {
			return err
		}
	}
	if !r.needsTurn(s) {
		return nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, turnTimeout, errors.New("other boot servers renew theirs for too long"))
	defer cancel()
	return r.Turns.Take(ctx, func(ctx context.Context) error {
		return r.renew(ctx, s, pick(s, due), anyone)
	})
}

// standing certificates are those that every server has; no program is restarted
// for them.
func standing(p pki.Purpose) bool { return !p.OnRequest }

func anyone(pki.Purpose) bool { return true }

// due is true for what has to be renewed.
func due(l pki.Leaf) bool { return l.Due || l.Err != nil }

// needsTurn says whether something is due, or somebody is still to be told.
func (r *Renewer) needsTurn(s Server) bool {
	return len(pick(s, due)) > 0 || slices.ContainsFunc(pki.Purposes(), s.marked)
}

// pick lists the certificates here for which f is true.
func pick(s Server, f func(pki.Leaf) bool) []pki.Purpose {
	var all []pki.Purpose
	for _, l := range pki.List(s.FS, s.Now()) {
		if f(l) {
			all = append(all, l.Purpose)
		}
	}
	return all
}

// finishAll finishes installations that were cut off.
func finishAll(s Server) error {
	for _, p := range pki.Purposes() {
		if _, err := pki.Installed(s.FS, p); err != nil && !errors.Is(err, pki.ErrNotInstalled) {
			return err
		}
	}
	return nil
}

// renew renews some and, each at once, tells those that use them; and those that
// were not told of an earlier one, if may is true for them.  One that fails does
// not keep the others.
func (r *Renewer) renew(ctx context.Context, s Server, due []pki.Purpose, may func(pki.Purpose) bool) error {
	ctx, cancel := context.WithTimeoutCause(ctx, renewTimeout, fmt.Errorf("took longer than %s: %w", duration.Text(renewTimeout), context.DeadlineExceeded))
	defer cancel()
	var errs []error
	if len(due) > 0 {
		errs = append(errs, r.signAll(ctx, s, due))
	}
	for _, p := range pki.Purposes() {
		if s.marked(p) && may(p) {
			errs = append(errs, r.tell(ctx, s, p))
		}
	}
	return errors.Join(errs...)
}

// signAll renews certificates with one login.
func (r *Renewer) signAll(ctx context.Context, s Server, due []pki.Purpose) error {
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
		// If this fails it is done again: the mark stays.
		_ = r.tell(ctx, s, p)
	}
	return errors.Join(errs...)
}

func (r *Renewer) renewOne(ctx context.Context, s Server, signer Signer, p pki.Purpose) error {
	certPEM, err := s.obtain(ctx, signer.Sign, p)
	if err != nil {
		return err
	}
	if err := s.mark(p); err != nil {
		return err
	}
	return pki.Install(s.FS, p, certPEM)
}

// tell has those that use the certificate of p take it.
func (r *Renewer) tell(ctx context.Context, s Server, p pki.Purpose) error {
	err := r.Programs.Tell(ctx, p)
	if err == nil {
		err = s.unmark(p)
	}
	if err != nil {
		return fmt.Errorf("certificate %s: %w", p.Name, err)
	}
	return nil
}

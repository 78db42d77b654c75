package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cybozu-go/neco/pkg/liveness"
	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/update"
)

// Target is the input of actions: this server's logical rack number (LRN), the members
// of the run, its version and the configuration. It stays the same for a whole run; a
// changed configuration applies to the next run.
type Target struct {
	LRN     int
	Members []int
	Version string
	Config  storage.Config
	// Record writes to etcd what is installed on this server, if the conditions for a
	// status hold. key is from storage.ContainerKey or storage.DebKey.
	Record func(ctx context.Context, key, value string) error
	// Digest stores the digest of what a once-action has sent in the record of its outcome.
	// The action calls it before Do returns, in the goroutine of Do; see [Target.SetDigest].
	Digest func(digest string)
	// Progress sets the text of what the action is waiting for, such as "serf.service:
	// activating". The status shows a text that lasts for some seconds; "" clears it.
	// Progress does not block.
	Progress func(text string)
}

// Report calls t.Progress with a formatted text. It does nothing if Progress is nil.
func (t Target) Report(format string, args ...any) {
	if t.Progress != nil {
		t.Progress(fmt.Sprintf(format, args...))
	}
}

// SetDigest calls t.Digest. It does nothing if Digest is nil.
func (t Target) SetDigest(digest string) {
	if t.Digest != nil {
		t.Digest(digest)
	}
}

// Doer performs actions on a host.
type Doer interface {
	// Do performs the action at p and returns when it has ended, soon after the end of
	// ctx at the latest. It must be safe to repeat. A note is shown in the status.
	//
	// An error is retried until the action's deadline, but not before NotBefore() if it
	// has that method. An error marked by [Permanent] is not retried. If an error marked
	// by [ReleaseFault] ends the run, the release is recorded as bad.
	Do(ctx context.Context, p update.Place, t Target) (note string, err error)
	// Qualifies reports whether this host has to do the once-action or conditional action
	// at p. If not, the returned text is shown in the status.
	Qualifies(ctx context.Context, p update.Place, t Target) (bool, string, error)
	// Restore starts the stopped services of group again, in their old or new version by
	// side.
	Restore(ctx context.Context, group string, side update.Side, t Target) error
}

// Journal stores, on the disk of the host, which groups of services this worker has
// stopped because their old and new versions must not run together. The worker saves a
// group before it stops the group's services.
type Journal interface {
	Load() ([]update.Stopped, error)
	Save([]update.Stopped) error
}

// Options are the parameters of [Run].
type Options struct {
	// LRN, HostID and BootID identify this boot server. Version is the version of the
	// installed Neco package, to which this program belongs.
	LRN     int
	HostID  string
	BootID  string
	Version string
	// Etcd is a client whose keys are below Neco's prefix.
	Etcd    *clientv3.Client
	Table   update.Table
	Order   update.Order
	Doer    Doer
	Journal Journal
	Logger  *slog.Logger
	// Pulse receives a beat in each iteration of the worker's main loop. If it is nil,
	// the worker makes a pulse with [StallLimit].
	Pulse *liveness.Pulse
	// TTL is the lifetime of the worker's lease; 0 means [LeaseTTL].
	TTL time.Duration
}

// StallLimit is how long one iteration of the main loop may take before the worker
// counts as stalled; an iteration that restores services may take restoreTimeout
// longer. The longest normal iteration waits for a request to etcd until its deadline
// and for a cancelled action to end.
const StallLimit = 30 * time.Second

// LeaseTTL is the lifetime of the lease to which a worker's presence and lock are
// bound. It is the same as in cybozu-go/neco, which this Neco replaces.
const LeaseTTL = 10 * time.Second

// permanent marks an error that a retry cannot resolve.
type permanent struct{ error }

func (p permanent) Unwrap() error { return p.error }

// Permanent marks err as an error that a retry cannot resolve.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return permanent{err}
}

// IsPermanent reports whether err was marked by [Permanent].
func IsPermanent(err error) bool {
	var p permanent
	return errors.As(err, &p)
}

// releaseFault marks an error that is caused by the release and not by the host.
type releaseFault struct{ error }

func (f releaseFault) Unwrap() error { return f.error }

// ReleaseFault marks err as caused by the release: the action would fail on every
// healthy host.
func ReleaseFault(err error) error {
	if err == nil {
		return nil
	}
	return releaseFault{err}
}

// IsReleaseFault reports whether err was marked by [ReleaseFault].
func IsReleaseFault(err error) bool {
	var f releaseFault
	return errors.As(err, &f)
}

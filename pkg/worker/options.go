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

// Target is the input of actions. It stays the same for a whole run: a changed
// configuration applies to the next run.
type Target struct {
	LRN     int
	Members []int
	Version string
	Config  storage.Config
	// Record stores what is installed on this server: a key of storage.ContainerKey or
	// storage.DebKey, and its value. The write is guarded like a status.
	Record func(ctx context.Context, key, value string) error
	// Progress receives what the action waits for at the moment, for the status:
	// "serf.service: activating". A text that lasts for some seconds is shown until the
	// next one; an empty text clears it. It does not block.
	Progress func(text string)
}

// Report calls Progress, if set, with a formatted text.
func (t Target) Report(format string, args ...any) {
	if t.Progress != nil {
		t.Progress(fmt.Sprintf(format, args...))
	}
}

// Doer does actions on a host.
type Doer interface {
	// Do runs the action at p to its end, and must be safe to repeat. It returns soon
	// after the end of ctx. A note is shown in the status. An error is retried until
	// the action's deadline, unless it is marked by [Permanent]. If it has a method
	// NotBefore() time.Time, it is not retried before that time. If it is marked by
	// [ReleaseFault] and ends the run, the release is recorded as bad.
	Do(ctx context.Context, p update.Place, t Target) (note string, err error)
	// Qualifies reports whether this host does the once-action or the conditional
	// action at p. If not, the returned text is shown in the status.
	Qualifies(ctx context.Context, p update.Place, t Target) (bool, string, error)
	// Restore starts the services of group again, in the version of side.
	Restore(ctx context.Context, group string, side update.Side, t Target) error
}

// Journal keeps, on the host's own disk, which groups this worker has stopped. The
// worker saves a group before it stops it.
type Journal interface {
	Load() ([]update.Stopped, error)
	Save([]update.Stopped) error
}

// Options of a worker.
type Options struct {
	// LRN, HostID and BootID identify this server; Version is the version of the
	// package that contains this program.
	LRN     int
	HostID  string
	BootID  string
	Version string
	// Etcd is namespaced at Neco's prefix.
	Etcd    *clientv3.Client
	Table   update.Table
	Order   update.Order
	Doer    Doer
	Journal Journal
	Logger  *slog.Logger
	// Pulse receives a beat in each iteration of the worker's main loop; nil: the
	// worker has its own, with [StallLimit].
	Pulse *liveness.Pulse
	// TTL is the lifetime of the worker's lease; 0: [LeaseTTL].
	TTL time.Duration
}

// StallLimit is the limit of one iteration of the main loop, except where the loop
// extends it. The longest iteration is a request to etcd with its deadline and the end
// of a cancelled action.
const StallLimit = 30 * time.Second

// LeaseTTL is the lifetime of the lease of presence and lock, the same as in the
// original neco.
const LeaseTTL = 10 * time.Second

// permanent marks an error that a retry cannot repair.
type permanent struct{ error }

func (p permanent) Unwrap() error { return p.error }

// Permanent marks err as an error that a retry cannot repair.
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

// releaseFault marks an error that is caused by the release, and not by the host.
type releaseFault struct{ error }

func (f releaseFault) Unwrap() error { return f.error }

// ReleaseFault marks err as caused by the release: the same release would fail
// on every sound host.
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

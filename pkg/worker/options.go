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

// Target is what an action works towards.  It stays the same for a whole run:
// configuration that changes meanwhile applies to the next one.
type Target struct {
	LRN     int
	Members []int
	Version string
	Config  storage.Config
	// Record stores what is installed on this server: a key of
	// storage.ContainerKey or storage.DebKey, and its value.  The write is
	// guarded like a status.
	Record func(ctx context.Context, key, value string) error
	// Progress tells what the action waits for at the moment, for the status:
	// "serf.service: activating". A text that stands for some seconds is shown
	// until the next one, an empty one clears it. It does not block.
	Progress func(text string)
}

// Tell is Progress where somebody listens.
func (t Target) Tell(format string, args ...any) {
	if t.Progress != nil {
		t.Progress(fmt.Sprintf(format, args...))
	}
}

// Doer does actions on a host.
type Doer interface {
	// Do runs the action at p until it is done, and must be safe to repeat.
	// It ends soon after ctx.  The note, if any, is shown in the status.  An
	// error is tried again until the action's deadline, unless it is marked by
	// [Permanent].  One that is marked by [ReleaseFault] makes the release a bad
	// one if the run ends with it; one that has a method NotBefore() time.Time, not before that.
	Do(ctx context.Context, p update.Place, t Target) (note string, err error)
	// Qualifies says whether this host does the once-action or the conditional action at
	// p, and why not, which the status shows.
	Qualifies(ctx context.Context, p update.Place, t Target) (bool, string, error)
	// Restore starts the services of group again, in the version of side.
	Restore(ctx context.Context, group string, side update.Side, t Target) error
}

// Journal keeps, on the host's own disk, which groups this worker has stopped.
// What is stopped is added, and on disk, before it is stopped.
type Journal interface {
	Load() ([]update.Stopped, error)
	Save([]update.Stopped) error
}

// Options of a worker.
type Options struct {
	// LRN, HostID and BootID say who this is; Version is the version of the
	// package that this process was built into.
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
	// Pulse beats with the worker's main loop; nil: a pulse of the worker's
	// own, with [StallLimit].
	Pulse *liveness.Pulse
	// TTL of the worker's lease; 0: [LeaseTTL].
	TTL time.Duration
}

// StallLimit is how long the main loop may take for one turn, except where it
// announces more. The longest turn is a request to etcd with its deadline, and
// the end of an action that was cancelled.
const StallLimit = 30 * time.Second

// LeaseTTL is the lifetime of the lease of presence and lock, as the
// original's.
const LeaseTTL = 10 * time.Second

// permanent marks an error that another try cannot mend.
type permanent struct{ error }

func (p permanent) Unwrap() error { return p.error }

// Permanent marks err as one that another try cannot mend.
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

// releaseFault marks an error that the release causes, and not the host.
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

package setup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"time"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/hostkey"
	"github.com/cybozu-go/neco/pkg/retry"
	"github.com/cybozu-go/neco/pkg/setup/meet"
)

// minServers is the smallest number of boot servers. With fewer, etcd would not survive
// the failure of one of them.
const minServers = 3

// lockFile is locked during a setup, so that only one setup runs on a server at a time.
const lockFile = "/var/lib/neco/setup.lock"

// lockTimeout is how long Run waits for lockFile before it returns ErrRuns.
const lockTimeout = time.Second

// Validate sorts o.LRNs and returns an error if an option is invalid or contradicts
// another option. It does not access the server.
func (o *Options) Validate() error {
	slices.Sort(o.LRNs)
	switch {
	case len(o.LRNs) < minServers:
		return fmt.Errorf("%d boot servers given, at least %d are required", len(o.LRNs), minServers)
	case len(slices.Compact(slices.Clone(o.LRNs))) != len(o.LRNs):
		return fmt.Errorf("boot servers %s: a number is given twice", lrnList(o.LRNs))
	case !slices.Contains(o.LRNs, o.LRN):
		return fmt.Errorf("this is boot server %d, which is not among %s", o.LRN, lrnList(o.LRNs))
	}
	for _, recipient := range o.Recovery {
		if err := hostkey.CheckRecipient(recipient); err != nil {
			return fmt.Errorf("recovery: %w", err)
		}
	}
	return nil
}

// Run sets up this server. It must run on the other servers of o.LRNs at the same time.
// It blocks until all servers are complete or ctx ends. If Run fails or its process is
// killed, call it again with the same options: it resumes.
func Run(ctx context.Context, o Options) error {
	if err := o.Validate(); err != nil {
		return err
	}
	lock, cancel := context.WithTimeout(ctx, lockTimeout)
	defer cancel()
	acquire := o.FS.Lock
	if o.CheckOnly {
		acquire = o.FS.LockIfPresent
	}
	release, err := acquire(lock, lockFile)
	if err != nil {
		if lock.Err() != nil && ctx.Err() == nil {
			return ErrRuns
		}
		return err
	}
	defer release()
	r := newSetup(o)
	defer r.end()
	if err := r.begin(ctx); err != nil {
		return err
	}
	if r.done() {
		err = r.again(ctx)
	} else {
		err = r.stages(ctx)
	}
	if err != nil {
		return err
	}
	if o.CheckOnly {
		return r.link.leave(ctx, Position{Stage: len(planned(true))})
	}
	return r.finish(ctx)
}

// ErrRuns reports that another setup is running on this server.
var ErrRuns = errors.New("another neco setup runs on this server")

// ErrComplete reports that this server is set up already.
var ErrComplete = errors.New("this server is set up already")

// begin loads the state of an earlier attempt, the setup token and, unless the run is
// check-only, the host key.
func (r *run) begin(ctx context.Context) (err error) {
	r.progress, err = loadProgress(r.FS)
	if err != nil {
		return err
	}
	r.began = r.progress != nil
	switch {
	case r.began && r.progress.Done == complete, !r.began && exists(r.FS, neco.NecoConfFile):
		if exists(r.FS, Dir) && !r.CheckOnly { // an earlier attempt was killed in clean
			if err := r.clean(); err != nil {
				return err
			}
		}
		return ErrComplete
	case !r.began:
		r.progress = &progress{LRNs: r.LRNs, Flags: r.flags()}
	case !slices.Equal(r.progress.LRNs, r.LRNs):
		return fmt.Errorf("a setup for the boot servers %s was started here; run it again with these numbers, or give it up with neco reset on all of them",
			lrnList(r.progress.LRNs))
	default:
		if err := r.sameFlags(); err != nil {
			return err
		}
		r.progress.Flags = r.flags()
	}
	if r.token, err = meet.ReadFile(r.FS.Path(r.TokenFile)); err != nil {
		return err
	}
	if r.CheckOnly {
		return nil
	}
	if err := r.FS.MakeDir(host.Dir{Path: Dir, Mode: 0o700}); err != nil {
		return err
	}
	if r.identity, err = hostkey.Load(ctx, r.FS); err != nil {
		return err
	}
	return nil
}

// again prepares a server whose earlier attempt completed all stages. It connects to
// etcd and to the other servers, because some of them may not be complete.
func (r *run) again(ctx context.Context) error {
	r.change(func(s *state) { s.facts = r.progress.Facts })
	ectx, cancel := withDeadline(ctx, patience, "etcd")
	defer cancel()
	if err := r.openEtcd(ectx); err != nil {
		return err
	}
	if r.leads { // the root token, if it was kept
		if err := r.loadRoot(ectx); err != nil {
			return err
		}
	}
	return r.open(ctx)
}

// end closes the connections to the other servers and to etcd.
func (r *run) end() {
	if r.link != nil {
		r.link.close()
	}
	if client := r.state().etcd; client != nil {
		client.Close()
	}
}

// finish reports in etcd that this server is complete and blocks until all servers have
// reported this. Then it removes the state of the setup. The leader answers requests
// until then.
func (r *run) finish(ctx context.Context) error {
	wait, cancel := withDeadline(ctx, patience, "the other boot servers")
	defer cancel()
	if err := r.putFinished(wait, complete); err != nil {
		return err
	}
	var late []int
	err := retry.Until(wait, func() error {
		r.link.present(wait, Position{Stage: len(table())})
		now, err := r.incomplete(wait)
		if err != nil {
			return err
		}
		if len(now) == 0 {
			return nil
		}
		if !slices.Equal(now, late) {
			late = now
			r.lines.Say(stageEnd, "waits for boot server %s", lrnList(late))
		}
		return fmt.Errorf("boot server %s is not complete", lrnList(now))
	})
	if err != nil {
		return err
	}
	r.progress.Done = complete
	if err := r.progress.save(r.FS); err != nil {
		return err
	}
	if err := r.clean(); err != nil {
		return err
	}
	r.lines.Say(stageEnd, "complete")
	return nil
}

// clean removes the setup token and Dir from a complete server. It removes Dir last,
// because the next attempt repeats an interrupted clean only while Dir exists.
func (r *run) clean() error {
	if err := r.FS.Remove(r.TokenFile); err != nil {
		return err
	}
	return r.FS.RemoveDir(Dir)
}

// incomplete returns the servers that have not reported in etcd that they are complete.
func (r *run) incomplete(ctx context.Context) ([]int, error) {
	var late []int
	client := r.state().etcd
	for _, lrn := range r.LRNs {
		res, err := client.Get(ctx, finishKey(lrn))
		if err != nil {
			return nil, err
		}
		if len(res.Kvs) == 0 || string(res.Kvs[0].Value) != complete.String() {
			late = append(late, lrn)
		}
	}
	return late, nil
}

func exists(fsys host.FS, p string) bool {
	_, err := fsys.Stat(p)
	return !errors.Is(err, fs.ErrNotExist)
}

var memberDir = path.Join(neco.EtcdDataDir, "member")

// hasEtcdData reports whether this server has data of an etcd member.
func (h Host) hasEtcdData() bool { return exists(h.FS, memberDir) }

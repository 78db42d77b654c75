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

// minServers is how many boot servers a data centre begins with: fewer survive
// the loss of none.
const minServers = 3

// lockFile keeps two setups on one server apart.
const lockFile = "/var/lib/neco/setup.lock"

// lockTimeout bounds the wait for another setup on this server to end.
const lockTimeout = time.Second

// Validate says what is wrong with the options, before anything is looked at.
func (o *Options) Validate() error {
	slices.Sort(o.LRNs)
	switch {
	case len(o.LRNs) < minServers:
		return fmt.Errorf("%d boot servers given, at least %d are needed", len(o.LRNs), minServers)
	case len(slices.Compact(slices.Clone(o.LRNs))) != len(o.LRNs):
		return fmt.Errorf("boot servers %s: one is given twice", lrnList(o.LRNs))
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

// Run bootstraps this server together with the others, on which Run is called,
// too.  It blocks until all are done, or ctx ends.  Run again after an error or
// a kill, on all servers, it finishes.
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

// ErrRuns: somebody else sets this server up now.
var ErrRuns = errors.New("another neco setup runs on this server")

// ErrComplete: this server is set up already.
var ErrComplete = errors.New("this server is set up already")

// begin takes up what an earlier try has left.
func (r *run) begin(ctx context.Context) (err error) {
	r.progress, err = loadProgress(r.FS)
	if err != nil {
		return err
	}
	r.began = r.progress != nil
	switch {
	case r.began && r.progress.Done == complete, !r.began && exists(r.FS, neco.NecoConfFile):
		if exists(r.FS, Dir) && !r.CheckOnly { // an earlier try was cut off at its end
			if err := r.clean(); err != nil {
				return err
			}
		}
		return ErrComplete
	case !r.began:
		r.progress = &progress{LRNs: r.LRNs, Flags: r.flags()}
	case !slices.Equal(r.progress.LRNs, r.LRNs):
		return fmt.Errorf("a setup for the boot servers %s was begun here; go on with it, or give it up with neco reset on all of them",
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

// again is for a server that has done all stages in an earlier try: the others
// may still need it.
func (r *run) again(ctx context.Context) error {
	r.change(func(s *state) { s.facts = r.progress.Facts })
	ectx, cancel := withDeadline(ctx, patience, "etcd")
	defer cancel()
	if err := r.openEtcd(ectx); err != nil {
		return err
	}
	if r.leads { // one that was kept
		if err := r.loadRoot(ectx); err != nil {
			return err
		}
	}
	return r.open(ctx)
}

// end lets go of what the run has open.
func (r *run) end() {
	if r.link != nil {
		r.link.close()
	}
	if client := r.state().etcd; client != nil {
		client.Close()
	}
}

// finish waits, in etcd alone, until all servers are complete, and takes away
// what only setup needed.  The leader's desk is open until then.
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

// clean takes away what only setup needed, on a server that is complete.  It may
// be cut off anywhere: as long as there is something left, Dir is there.
func (r *run) clean() error {
	if err := r.FS.Remove(r.TokenFile); err != nil {
		return err
	}
	return r.FS.RemoveDir(Dir)
}

// incomplete lists the servers that are not complete.
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

// hasEtcdData says whether etcd has run here.
func (h Host) hasEtcdData() bool { return exists(h.FS, memberDir) }

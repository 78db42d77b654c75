package setup

import (
	"context"

	"github.com/cybozu-go/neco/internal/errtext"
	"github.com/cybozu-go/neco/pkg/retry"
)

// act does a part of stage n, by its deadline.  Behind the checks it is tried
// again until then: another server may lose its power just now.
func (r *run) act(ctx context.Context, n int, s stage, f func(ctx context.Context, r *run) error) error {
	ctx, cancel := withDeadline(ctx, s.deadline, s.name)
	defer cancel()
	do := func() error { return f(ctx, r) }
	if n < checks {
		return do()
	}
	return r.persist(ctx, s.name, do)
}

// persist does f, which needs etcd, Vault or the leader, until ctx ends.  The
// operator hears why it takes its time.
func (r *run) persist(ctx context.Context, stage string, f func() error) error {
	return retry.Passing(ctx, func(err error) { r.say(stage, "tries again: %s", errtext.Of(err)) }, f)
}

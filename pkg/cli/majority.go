package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// The times of a command whose etcd does not answer: after patience its members
// are asked one by one, which takes memberTimeout. If fewer than a majority
// answer, the command ends; otherwise they may be electing a leader, and it goes
// on until etcdTimeout.
const (
	patience      = 1500 * time.Millisecond
	memberTimeout = time.Second
)

// noMajorityError says which members of etcd answer, where they are too few.
type noMajorityError struct{ answer, silent []string }

func (e *noMajorityError) Error() string {
	answer := "none of its members answers"
	if len(e.answer) > 0 {
		answer = strings.Join(e.answer, ", ") + " answers"
	}
	return fmt.Sprintf("etcd has no majority: %s, and there is no answer from %s", answer, strings.Join(e.silent, ", "))
}

// watchMajority ends ctx's work by cancel, with a [noMajorityError], if etcd has no
// majority. It blocks until then or until ctx ends.
func watchMajority(ctx context.Context, etcd *clientv3.Client, cancel context.CancelCauseFunc) {
	for {
		t := time.NewTimer(patience)
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-t.C:
		}
		if err := askMembers(ctx, etcd); err != nil && ctx.Err() == nil {
			cancel(err)
			return
		}
	}
}

// askMembers asks each configured member whether it answers, a leader or not.
func askMembers(ctx context.Context, etcd *clientv3.Client) error {
	ctx, cancel := context.WithTimeout(ctx, memberTimeout)
	defer cancel()
	endpoints := etcd.Endpoints()
	answers := make(chan string, len(endpoints))
	for _, ep := range endpoints {
		go func() {
			if _, err := etcd.Status(ctx, ep); err != nil {
				ep = ""
			}
			answers <- ep
		}()
	}
	e := &noMajorityError{}
	for range endpoints {
		if ep := <-answers; ep != "" {
			e.answer = append(e.answer, ep)
		}
	}
	for _, ep := range endpoints {
		if !slices.Contains(e.answer, ep) {
			e.silent = append(e.silent, ep)
		}
	}
	slices.Sort(e.answer)
	if len(e.answer) > len(endpoints)/2 {
		return nil
	}
	return e
}

// guarded calls f with a context that ends early where etcd has no majority.
func guarded(ctx context.Context, etcd *clientv3.Client, timeout time.Duration, f func(context.Context) error) error {
	ctx, stop := context.WithTimeout(ctx, timeout)
	defer stop()
	ctx, cancel := context.WithCancelCause(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		watchMajority(ctx, etcd, cancel)
	}()
	err := f(ctx)
	gone := (*noMajorityError)(nil)
	if err != nil && errors.As(context.Cause(ctx), &gone) {
		err = gone
	}
	cancel(nil)
	<-ended
	return err
}

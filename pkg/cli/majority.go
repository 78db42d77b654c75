package cli

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/membership"
	"github.com/cybozu-go/neco/pkg/storage"
)

// patience is how long a command waits for etcd before it queries the members one by
// one. memberTimeout, the default of Env.MemberTimeout, is how long it waits for these
// queries. If less than a majority answers, the command fails. Otherwise the members
// may be electing a leader, and the command continues until etcdTimeout.
const (
	patience      = 1500 * time.Millisecond
	memberTimeout = time.Second
)

// unreachedError reports which members of etcd do not answer, and why. Its field answer
// lists the endpoints that do.
type unreachedError struct {
	answer []string
	faults []fault
}

// majority reports whether so many members answer that etcd has a majority.
func (e *unreachedError) majority() bool { return len(e.answer) > len(e.faults) }

// has reports whether one of the faults has the remedy r.
func (e *unreachedError) has(r remedy) bool {
	return slices.ContainsFunc(e.faults, func(f fault) bool { return f.remedy == r })
}

func (e *unreachedError) Error() string {
	var texts []string
	for _, f := range e.faults {
		texts = append(texts, f.String())
	}
	faults := strings.Join(texts, "; ")
	switch {
	case e.majority():
		return faults
	case len(e.answer) > 0:
		verb := " answers; "
		if len(e.answer) > 1 {
			verb = " answer; "
		}
		return "etcd has no majority here: " + strings.Join(e.answer, ", ") + verb + faults
	case e.has(correctConfig), e.has(renewCertificate):
		return "etcd cannot be reached: " + faults
	}
	return "etcd has no majority here: none of its members answers (" + faults + ")"
}

// hint returns the advice to the operator about the faults.
func (e *unreachedError) hint() string {
	switch {
	case e.has(renewCertificate):
		return "neco cert list shows the certificates of this server; neco cert reissue replaces expired ones; " +
			"tls-cert-file and tls-ca-file in /etc/neco/config.yml are its certificate and the CA of etcd"
	case e.has(correctConfig):
		return "see endpoints in /etc/neco/config.yml"
	}
	return "start etcd on the servers that do not answer (there: systemctl status etcd-container); " +
		"if neco status works on another boot server, this one is cut off, or endpoints in /etc/neco/config.yml are wrong"
}

// watchMajority calls cancel with an [unreachedError] when etcd has no majority. It
// blocks until then, or until ctx ends.
func watchMajority(ctx context.Context, s *storage.Storage, timeout time.Duration, cancel context.CancelCauseFunc) {
	for {
		t := time.NewTimer(patience)
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-t.C:
		}
		if e := askMembers(ctx, s, timeout); !e.majority() && ctx.Err() == nil {
			cancel(e)
			return
		}
	}
}

// askMembers queries each configured member of etcd, and waits at most for timeout.
// Members answer this query even if etcd has no leader.
func askMembers(ctx context.Context, s *storage.Storage, timeout time.Duration) *unreachedError {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	endpoints := s.Endpoints()
	answers := make([]chan error, len(endpoints))
	for i, ep := range endpoints {
		answers[i] = make(chan error, 1)
		go func() { answers[i] <- askMember(ctx, s, ep) }()
	}
	e := &unreachedError{}
	for i, ep := range endpoints {
		if err := <-answers[i]; err != nil {
			e.faults = append(e.faults, findFault(ep, err))
		} else {
			e.answer = append(e.answer, ep)
		}
	}
	return e
}

// askAgain is the pause before a query is repeated because its connection was closed
// without a reason.
const askAgain = 50 * time.Millisecond

// askMember returns nil if a member of etcd answers at the endpoint, even with an error.
// If a TLS connection is closed without a reason, it repeats the query until ctx ends,
// because the reason may have been lost.
func askMember(ctx context.Context, s *storage.Storage, endpoint string) error {
	for {
		err := membership.Answers(ctx, s.Client(), endpoint)
		if err == nil || !strings.HasPrefix(endpoint, "https://") || findFault(endpoint, err).is != closesConnection || neco.SleepContext(ctx, askAgain) != nil {
			return err
		}
	}
}

// guarded calls f with a context that ends after timeout, or earlier when etcd has no
// majority. If members of etcd do not answer, the error is an [unreachedError].
func (env *Env) guarded(ctx context.Context, s *storage.Storage, timeout time.Duration, f func(context.Context) error) error {
	limited, stop := context.WithTimeout(ctx, timeout)
	defer stop()
	limited, cancel := context.WithCancelCause(limited)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		watchMajority(limited, s, env.MemberTimeout, cancel)
	}()
	err := f(limited)
	unreached := (*unreachedError)(nil)
	if err != nil && errors.As(context.Cause(limited), &unreached) {
		err = unreached
	}
	cancel(nil)
	<-ended
	return withCause(ctx, s, env.MemberTimeout, err)
}

// patient calls f with a context that ends after timeout less MemberTimeout. Unlike
// guarded, it does not end the context earlier if etcd has no majority. If members of
// etcd do not answer, the error is an [unreachedError].
func (env *Env) patient(ctx context.Context, s *storage.Storage, timeout time.Duration, f func(context.Context) error) error {
	limited, stop := context.WithTimeout(ctx, timeout-env.MemberTimeout)
	defer stop()
	return withCause(ctx, s, env.MemberTimeout, f(limited))
}

// withCause returns err, or an [unreachedError] if members of etcd that do not answer
// may have caused err. To determine that, it queries the members for at most timeout.
func withCause(ctx context.Context, s *storage.Storage, timeout time.Duration, err error) error {
	if err == nil || !noAnswer(err) {
		return err
	}
	e := askMembers(context.WithoutCancel(ctx), s, timeout)
	if e.majority() && !e.has(correctConfig) {
		return err
	}
	return e
}

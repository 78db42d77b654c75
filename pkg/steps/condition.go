package steps

import (
	"context"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/component"
	"github.com/cybozu-go/neco/pkg/component/etcd"
	"github.com/cybozu-go/neco/pkg/program"
	"github.com/cybozu-go/neco/pkg/update"
	"github.com/cybozu-go/neco/pkg/vault"
	"github.com/cybozu-go/neco/pkg/worker"
)

// condition decides whether a boot server does an action or skips it. If holds returns
// an error, the action is retried.
type condition struct {
	// words describe the condition in documents, after "where".
	words string
	// skipped is the note in the status of a server that skips the action. It is empty
	// for conditions that most servers skip.
	skipped string
	holds   func(ctx context.Context, h *Host, c component.Component, t worker.Target) (bool, error)
}

// when returns a list of conditions, all of which have to hold. They are evaluated in
// this order.
func when(all ...func() condition) []condition {
	var list []condition
	for _, c := range all {
		list = append(list, c())
	}
	return list
}

// Where returns the conditions of the action at p as texts for documents. It is empty
// for an action of all boot servers.
func Where(p update.Place) []string {
	var words []string
	for _, c := range rows()[p.Step].acts[p.Action].when {
		words = append(words, c.words)
	}
	return words
}

// skips reports whether a condition of a does not hold on this host, and returns the
// note of the first such condition.
func (h *Host) skips(ctx context.Context, r row, a act, t worker.Target) (note string, skips bool, err error) {
	for _, c := range a.when {
		if holds, err := c.holds(ctx, h, r.component, t); err != nil || !holds {
			return c.skipped, true, err
		}
	}
	return "", false, nil
}

// etcdManaged holds where Neco manages etcd and Vault on this host: neco setup or neco
// join has installed their certificates.
func etcdManaged() condition {
	return condition{"Neco has set etcd up", "not set up by neco here: left alone", func(_ context.Context, h *Host, _ component.Component, _ worker.Target) (bool, error) {
		return h.FS.Exists(neco.EtcdPeerCertFile)
	}}
}

// started holds where the etcd member of this host has been started before. A member
// that has never been started gets its configuration from the join action.
func started() condition {
	return condition{"etcd has been started", "", func(_ context.Context, h *Host, _ component.Component, _ worker.Target) (bool, error) {
		return etcd.Started(h.FS)
	}}
}

// mustNotMix holds where the version of the component on this host must not run beside
// the next version.
func mustNotMix() condition {
	return condition{"the next version must not run beside this one", "", func(ctx context.Context, h *Host, c component.Component, t worker.Target) (bool, error) {
		ch, ct, err := h.component(ctx, c, t)
		if err != nil {
			return false, err
		}
		mixes, err := component.MayMix(ctx, ch, c, ct)
		return !mixes, err
	}}
}

// standby holds where the Vault of this host is not the active node. A Vault that does
// not answer counts as standby, because it serves no client and can be restarted at
// once. The active node is restarted after all others.
func standby() condition {
	return condition{"Vault is not the active node", "", func(ctx context.Context, h *Host, _ component.Component, _ worker.Target) (bool, error) {
		client, err := vault.Open(vault.Local, h.FS.Path(neco.ServerCAFile), "")
		if err != nil {
			return true, nil // without a client, it cannot be the active node
		}
		active, err := vault.Active(ctx, client)
		return err != nil || !active, nil
	}}
}

// setUpHere holds where neco init-local has set up the program on this host.
func setUpHere() condition {
	return condition{"`neco init-local` has set it up", "", func(_ context.Context, h *Host, c component.Component, _ worker.Target) (bool, error) {
		p, err := program.Find(c.Name())
		if err != nil || p.User == nil {
			return false, err
		}
		return h.FS.Exists(p.User.Cert)
	}}
}

// runsHere holds where all units of the component are active. An update does not start
// a unit that an operator has stopped or not installed yet.
func runsHere() condition {
	return condition{"it runs", "it does not run here: left alone", func(ctx context.Context, h *Host, c component.Component, _ worker.Target) (bool, error) {
		for _, u := range c.Units() {
			if active, err := h.Units.IsActive(ctx, u.Name); err != nil || !active {
				return false, err
			}
		}
		return true, nil
	}}
}

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

// condition is something that has to hold on a boot server for an action to be done
// there. An error is none of both: the action is tried again.
type condition struct {
	// words are how documents say it, behind "where".
	words string
	// skipped is the note in the status of a server that skips the action; empty: it
	// says nothing, for most servers and runs skip it.
	skipped string
	holds   func(ctx context.Context, h *Host, c component.Component, t worker.Target) (bool, error)
}

// when lists conditions, of which all have to hold, looked at in this order.
func when(all ...func() condition) []condition {
	var list []condition
	for _, c := range all {
		list = append(list, c())
	}
	return list
}

// Where says, for documents, on which boot servers the action at p is done; empty: on all.
func Where(p update.Place) []string {
	var words []string
	for _, c := range rows()[p.Step].acts[p.Action].when {
		words = append(words, c.words)
	}
	return words
}

// skips reports whether a condition of a does not hold on this host, and what the
// status says of it.
func (h *Host) skips(ctx context.Context, r row, a act, t worker.Target) (note string, skips bool, err error) {
	for _, c := range a.when {
		if holds, err := c.holds(ctx, h, r.component, t); err != nil || !holds {
			return c.skipped, true, err
		}
	}
	return "", false, nil
}

// ours: etcd and Vault on this host are Neco's. Their certificates come from neco setup
// or neco join.
func ours() condition {
	return condition{"Neco has set etcd up", "not set up by neco here: left alone", func(_ context.Context, h *Host, _ component.Component, _ worker.Target) (bool, error) {
		return h.FS.Exists(neco.EtcdPeerCertFile)
	}}
}

// begun: the member of etcd here has been started. What a new one has to be told comes
// with its join.
func begun() condition {
	return condition{"etcd has been started", "", func(_ context.Context, h *Host, _ component.Component, _ worker.Target) (bool, error) {
		return etcd.Begun(h.FS)
	}}
}

// mixesNot: what runs here of the component must not run beside the version that comes.
func mixesNot() condition {
	return condition{"the next version must not run beside this one", "", func(ctx context.Context, h *Host, c component.Component, t worker.Target) (bool, error) {
		ch, ct, err := h.component(ctx, c, t)
		if err != nil {
			return false, err
		}
		mixes, err := component.MayMix(ctx, ch, c, ct)
		return !mixes, err
	}}
}

// standby: the Vault here is not the active node. One that does not answer serves
// nobody, and may be restarted at once; the active one is restarted after all others.
func standby() condition {
	return condition{"Vault is not the active node", "", func(ctx context.Context, h *Host, _ component.Component, _ worker.Target) (bool, error) {
		client, err := vault.Open(vault.Local, h.FS.Path(neco.ServerCAFile), "")
		if err != nil {
			return true, nil // it cannot be asked, and so does not serve
		}
		active, err := vault.Active(ctx, client)
		return err != nil || !active, nil
	}}
}

// setUpHere: neco init-local has set the program up on this host.
func setUpHere() condition {
	return condition{"`neco init-local` has set it up", "", func(_ context.Context, h *Host, c component.Component, _ worker.Target) (bool, error) {
		p, err := program.Find(c.Name())
		if err != nil || p.User == nil {
			return false, err
		}
		return h.FS.Exists(p.User.Cert)
	}}
}

// runsHere: all units of the component are active. One that an operator has stopped, or
// that is not installed yet, stays so.
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

package steps

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/cke"
	"github.com/cybozu-go/neco/pkg/component"
	"github.com/cybozu-go/neco/pkg/component/etcd"
	"github.com/cybozu-go/neco/pkg/program"
	"github.com/cybozu-go/neco/pkg/update"
	"github.com/cybozu-go/neco/pkg/vault"
	"github.com/cybozu-go/neco/pkg/worker"
)

// condition is a test on the host that decides whether a boot server does an action or
// skips it. If its function holds returns an error, it is evaluated again later.
type condition struct {
	// words describe the condition in documents: they follow the word "where".
	words string
	// subject is what the condition is about, and lacks what it lacks where the condition
	// does not hold. An empty subject stands for the name of the component. lacks is empty if
	// no operator has to know that the condition does not hold.
	subject, lacks string
	// quiet means that only neco init-data reports lacks, and the status does not, because
	// the condition does not hold on most servers.
	quiet bool
	// command, if not nil, returns the command with which an operator makes the condition
	// hold.
	command func(c component.Component) string
	holds   func(ctx context.Context, h *Host, c component.Component, t worker.Target) (bool, error)
}

// reason returns why a server skips an action on the component p, and the command with which
// an operator makes the condition hold. Both may be empty.
func (c condition) reason(p component.Component) (why, command string) {
	if c.lacks != "" {
		why = cmp.Or(c.subject, p.Name()) + " " + c.lacks
	}
	if c.command != nil {
		command = c.command(p)
	}
	return why, command
}

// note returns the note in the status of a server that skips an action on the component p;
// it may be empty.
func (c condition) note(p component.Component) string {
	why, command := c.reason(p)
	if why == "" || c.quiet {
		return ""
	}
	why += ": left alone"
	if command != "" {
		why += "; run: " + command
	}
	return why
}

// when returns the given conditions in order. An action is done only if all of them hold.
func when(all ...func() condition) []condition {
	var list []condition
	for _, c := range all {
		list = append(list, c())
	}
	return list
}

// Where returns the conditions of the action at p in words, for documents. It is empty if
// all boot servers do the action.
func Where(p update.Place) []string {
	var words []string
	for _, c := range rows()[p.Step].acts[p.Action].when {
		words = append(words, c.words)
	}
	return words
}

// skips reports whether this host skips the action a because a condition does not hold.
// note is the status note of the first such condition.
func (h *Host) skips(ctx context.Context, r row, a act, t worker.Target) (note string, skips bool, err error) {
	for _, c := range a.when {
		if holds, err := c.holds(ctx, h, r.component, t); err != nil || !holds {
			return c.note(r.component), true, err
		}
	}
	return "", false, nil
}

// etcdManaged returns the condition that Neco manages etcd and Vault on this host: neco
// setup or neco join has installed etcd's certificates.
func etcdManaged() condition {
	return condition{words: "Neco has set etcd up", lacks: "is not set up by neco here", holds: func(_ context.Context, h *Host, _ component.Component, _ worker.Target) (bool, error) {
		return h.FS.Exists(neco.EtcdPeerCertFile)
	}}
}

// started returns the condition that the etcd member of this host has been started
// before. The join action configures a new member.
func started() condition {
	return condition{words: "etcd has been started", holds: func(_ context.Context, h *Host, _ component.Component, _ worker.Target) (bool, error) {
		return etcd.Started(h.FS)
	}}
}

// mustNotMix returns the condition that the component's version on this host must not
// run on one server while its next version runs on another.
func mustNotMix() condition {
	return condition{words: "the next version must not run beside this one", holds: func(ctx context.Context, h *Host, c component.Component, t worker.Target) (bool, error) {
		ch, ct, err := h.component(ctx, c, t)
		if err != nil {
			return false, err
		}
		mixes, err := component.MayMix(ctx, ch, c, ct)
		return !mixes, err
	}}
}

// standby returns the condition that the Vault of this host is not the active node, which
// is to be restarted last. A Vault that does not answer serves no client and counts as
// standby.
func standby() condition {
	return condition{words: "Vault is not the active node", holds: func(ctx context.Context, h *Host, _ component.Component, _ worker.Target) (bool, error) {
		client, err := vault.Open(vault.Local, h.FS.Path(neco.ServerCAFile), "")
		if err != nil {
			return true, nil // without a client, it cannot be the active node
		}
		active, err := vault.Active(ctx, client)
		return err != nil || !active, nil
	}}
}

// setUpHere returns the condition that neco init-local has set up the program on this
// host.
func setUpHere() condition {
	return condition{words: "`neco init-local` has set it up", lacks: "is not set up here", quiet: true, command: initLocal, holds: func(_ context.Context, h *Host, c component.Component, _ worker.Target) (bool, error) {
		p, err := program.Find(c.Name())
		if err != nil || p.User == nil {
			return false, err
		}
		return h.FS.Exists(p.User.Cert)
	}}
}

// runsHere returns the condition that all units of the component are active. Thus an
// update does not start a unit that an operator has stopped or not installed yet.
func runsHere() condition {
	return condition{words: "it runs", lacks: "does not run here", command: startUnits, holds: func(ctx context.Context, h *Host, c component.Component, _ worker.Target) (bool, error) {
		for _, u := range c.Units() {
			if active, err := h.Units.IsActive(ctx, u.Name); err != nil || !active {
				return false, err
			}
		}
		return true, nil
	}}
}

// installedHere returns the condition that the program of the component is installed.
func installedHere() condition {
	return condition{words: "it is installed", lacks: "is not installed here", holds: func(_ context.Context, h *Host, c component.Component, _ worker.Target) (bool, error) {
		p, ok := c.(component.Packaged)
		if !ok {
			return false, fmt.Errorf("%s is not from a package", c.Name())
		}
		return component.Installed(h.FS, p)
	}}
}

// ckeRuns returns the condition that CKE is active on this host. Other than runsHere, it
// does not need cke-localproxy, which serves only this host.
func ckeRuns() condition {
	return condition{words: "CKE runs", lacks: "does not run here", command: startCKE, holds: func(ctx context.Context, h *Host, _ component.Component, _ worker.Target) (bool, error) {
		return h.Units.IsActive(ctx, neco.CKEService)
	}}
}

// localProxyRuns returns the condition that cke-localproxy, with which the names of the
// cluster resolve on this host, is active.
func localProxyRuns() condition {
	return condition{words: "cke-localproxy runs", holds: func(ctx context.Context, h *Host, _ component.Component, _ worker.Target) (bool, error) {
		return h.Units.IsActive(ctx, neco.CKELocalProxyService)
	}}
}

// dockerProxyDue returns the condition that the action has to change Docker's proxy or its
// files, or to continue an interrupted restart. It holds if that cannot be found out: the
// action then fails with the reason.
func dockerProxyDue() condition {
	return condition{words: "Docker's proxy is not the configured one", holds: func(ctx context.Context, h *Host, _ component.Component, t worker.Target) (bool, error) {
		p, err := h.planDocker(ctx, t)
		return err != nil || p.due(), nil
	}}
}

// ckecliHere returns the condition that the command of CKE is installed. An update does
// not install it yet.
func ckecliHere() condition {
	return condition{words: "ckecli is installed", subject: "ckecli", lacks: "is not installed here", command: installCkecli, holds: func(_ context.Context, h *Host, _ component.Component, _ worker.Target) (bool, error) {
		return h.FS.Exists(neco.CKECLIBin)
	}}
}

// switched returns the condition that this host starts the component in the version of the
// package. In an update, the template of a new CKE is set while no CKE runs; outside of an
// update, the CKE of the release before would get it.
func switched() condition {
	return condition{words: "it starts in the package's version", lacks: "starts here in the version of another release until an update switches it", holds: func(_ context.Context, h *Host, c component.Component, _ worker.Target) (bool, error) {
		v, ok := c.(component.Versioned)
		if !ok {
			return true, nil
		}
		return v.Switched(h.FS)
	}}
}

// initLocal returns the command that sets c up on a host.
func initLocal(c component.Component) string { return "neco init-local " + c.Name() }

// startUnits returns the command that starts all units of c.
func startUnits(c component.Component) string {
	var names []string
	for _, u := range c.Units() {
		names = append(names, u.Name)
	}
	return "systemctl start " + strings.Join(names, " ")
}

// installCkecli returns the command that installs ckecli.
func installCkecli(component.Component) string { return cke.Install }

// startCKE returns the command that starts CKE.
func startCKE(component.Component) string { return "systemctl start " + neco.CKEService }

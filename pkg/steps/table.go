package steps

import (
	"context"
	"time"

	"github.com/cybozu-go/neco/pkg/component"
	"github.com/cybozu-go/neco/pkg/component/cke"
	"github.com/cybozu-go/neco/pkg/component/etcd"
	"github.com/cybozu-go/neco/pkg/component/etcdpasswd"
	"github.com/cybozu-go/neco/pkg/component/promtail"
	"github.com/cybozu-go/neco/pkg/component/sabakan"
	"github.com/cybozu-go/neco/pkg/component/serf"
	"github.com/cybozu-go/neco/pkg/component/serftags"
	"github.com/cybozu-go/neco/pkg/component/setuphw"
	"github.com/cybozu-go/neco/pkg/component/statesetter"
	"github.com/cybozu-go/neco/pkg/component/vault"
	"github.com/cybozu-go/neco/pkg/contents"
	"github.com/cybozu-go/neco/pkg/program"
	"github.com/cybozu-go/neco/pkg/update"
	"github.com/cybozu-go/neco/pkg/worker"
)

// The deadlines of actions, including all retries. When a deadline has passed, the
// worker cancels the action and aborts the run. The configuration key worker-timeout
// limits the whole run.
const (
	downloadDeadline = 20 * time.Minute
	installDeadline  = 15 * time.Minute
	pullDeadline     = 20 * time.Minute
	uploadDeadline   = 40 * time.Minute
	convergeDeadline = 5 * time.Minute
	joinDeadline     = 15 * time.Minute
	dockerDeadline   = 10 * time.Minute
)

// row is one step: its actions and the component on which they work.
type row struct {
	name string
	// component is nil for a step that works on the boot server itself.
	component component.Component
	acts      []act
}

// act is an action of the update, the function that performs it, and the conditions under
// which a boot server does it.
type act struct {
	update.Action
	do   do
	when []condition
	// uploads means that the action gives contents to sabakan or CKE, and that it may also
	// be done outside of an update.
	uploads bool
	// alone are further conditions for that.
	alone []condition
}

// do performs an action on the component c of the action's row, and returns a note for
// the status.
type do func(ctx context.Context, h *Host, c component.Component, t worker.Target) (note string, err error)

// rows returns the steps of an update in order.
func rows() []row {
	return []row{
		{name: "package", acts: []act{
			{Action: update.Action{Name: "download", Deadline: downloadDeadline}, do: download},
			{Action: update.Action{Name: "install", Phase: 1, Deadline: installDeadline}, do: install},
		}},
		{name: "fetch-images", acts: []act{
			{Action: update.Action{Name: "pull", Deadline: pullDeadline}, do: pullImages},
		}},
		{name: "etcd", component: etcd.Component{}, acts: []act{
			{Action: every("take-over"), do: takeOver, when: when(etcdManaged)},
			{Action: every("write"), do: write, when: when(etcdManaged, started)},
			{Action: rolling("join", joinDeadline), do: joinEtcd, when: when(etcdManaged)},
		}},
		{name: "vault-stop", component: vault.Component{}, acts: []act{
			{Action: stops(every("stop"), program.Vault), do: stop, when: when(etcdManaged, mustNotMix)},
		}},
		{name: "vault", component: vault.Component{}, acts: []act{
			{Action: every("seal"), do: seal, when: when(etcdManaged)},
			{Action: starts(rolling("standby", convergeDeadline), program.Vault), do: converge, when: when(etcdManaged, standby)},
			{Action: starts(update.Action{Name: "active", Kind: update.Rolling, Phase: 1, Deadline: convergeDeadline}, program.Vault), do: converge, when: when(etcdManaged)},
		}},
		{name: "setup-hw", component: setuphw.Component{}, acts: []act{{Action: every("converge"), do: converge}}},
		{name: "serf", component: serf.Component{}, acts: []act{
			{Action: every("write"), do: write},
			{Action: rolling("restart", convergeDeadline), do: apply},
		}},
		{name: "setup-serf-tags", component: serftags.Component{}, acts: []act{{Action: every("converge"), do: converge}}},
		{name: "etcdpasswd", component: etcdpasswd.Component{}, acts: []act{
			{Action: every("sudo"), do: configureSudo},
			{Action: every("ssh"), do: configureSSH},
			{Action: update.Action{Name: "package", Deadline: downloadDeadline + installDeadline}, do: installDeb},
			{Action: every("write"), do: write, when: when(setUpHere)},
			{Action: rolling("restart", convergeDeadline), do: apply, when: when(setUpHere, installedHere)},
		}},
		{name: "sabakan", component: sabakan.Component{}, acts: []act{
			{Action: every("write"), do: write, when: when(setUpHere)},
			{Action: rolling("restart", convergeDeadline), do: apply, when: when(setUpHere)},
			{Action: every("completion"), do: completeSabactl, when: when(setUpHere)},
		}},
		{name: "sabakan-state-setter", component: statesetter.Component{}, acts: []act{{Action: every("converge"), do: converge, when: when(installedHere)}}},
		{name: "cke-stop", component: cke.Component{}, acts: []act{
			{Action: stops(every("stop"), program.CKE), do: stop, when: when(setUpHere, installedHere, mustNotMix)},
		}},
		{name: "cke", component: cke.Component{}, acts: []act{
			{Action: every("write"), do: write, when: when(setUpHere)},
			alone(uploads("template", "cke-template", convergeDeadline, setTemplate, setUpHere, ckecliHere), switched),
			{Action: starts(rolling("start", convergeDeadline), program.CKE), do: apply, when: when(setUpHere, installedHere)},
		}},
		{name: "cke-contents", component: sabakan.Component{}, acts: []act{
			uploads("assets", "cke", uploadDeadline, upload(contents.Uploader.CKEImages), setUpHere, runsHere, ckecliHere),
		}},
		{name: "sabakan-contents", component: sabakan.Component{}, acts: []act{
			uploads("os-image", "os-image", downloadDeadline, upload(contents.Uploader.OSImage), setUpHere, runsHere),
			uploads("assets", "sabakan-assets", uploadDeadline, upload(contents.Uploader.Assets), setUpHere, runsHere),
			uploads("ignitions", Ignitions, convergeDeadline, uploadIgnitions, setUpHere, runsHere, ckecliHere),
		}},
		{name: "dhcp-json", component: sabakan.Component{}, acts: []act{
			uploads("upload", "dhcp.json", convergeDeadline, upload(contents.Uploader.DHCP), setUpHere, runsHere),
		}},
		{name: "promtail", component: promtail.Component{}, acts: []act{{Action: every("converge"), do: converge}}},
		{name: "user-resources", component: cke.Component{}, acts: []act{
			uploads("set", UserResources, convergeDeadline, setUserResources, setUpHere, ckeRuns, ckecliHere),
		}},
		{name: "finish", component: etcd.Component{}, acts: []act{
			{Action: once("members", "etcd-members", convergeDeadline), do: removeMembers, when: when(etcdManaged)},
			{Action: every("resolver"), do: useResolver, when: when(localProxyRuns)},
			{Action: update.Action{Name: "restart-etcd", Kind: update.Rolling, Phase: 1, Deadline: convergeDeadline}, do: restartEtcd, when: when(etcdManaged)},
			// A restart of Docker also restarts etcd. It comes last, so that etcd already runs
			// with the files and the image of this release.
			{Action: update.Action{Name: "docker-standby", Kind: update.Rolling, Phase: 1, Deadline: dockerDeadline}, do: setDockerProxy, when: when(etcdManaged, dockerProxyDue, standby)},
			{Action: update.Action{Name: "docker", Kind: update.Rolling, Phase: 2, Deadline: dockerDeadline}, do: setDockerProxy, when: when(etcdManaged, dockerProxyDue)},
		}},
	}
}

func every(name string) update.Action {
	return update.Action{Name: name, Deadline: convergeDeadline}
}

func once(name, record string, deadline time.Duration) update.Action {
	return update.Action{Name: name, Kind: update.Once, Record: record, Deadline: deadline}
}

// uploads returns a once-action that gives contents to sabakan or CKE. It may also be done
// outside of an update.
func uploads(name, record string, deadline time.Duration, f do, conditions ...func() condition) act {
	return act{Action: once(name, record, deadline), do: f, when: when(conditions...), uploads: true}
}

// alone returns the upload a with further conditions for it outside of an update.
func alone(a act, conditions ...func() condition) act {
	a.alone = when(conditions...)
	return a
}

func rolling(name string, deadline time.Duration) update.Action {
	return update.Action{Name: name, Kind: update.Rolling, Deadline: deadline}
}

// stops and starts return the action a, marked as the one that stops the old version of
// group or starts the new one. A group is programs whose old and new versions must not
// run together; between these two actions none of them runs.
func stops(a update.Action, group string) update.Action {
	a.Stops, a.Transient = group, true
	return a
}

func starts(a update.Action, group string) update.Action {
	a.Starts, a.Transient = group, true
	return a
}

// Table returns the steps of an update, without the functions that perform their actions.
func Table() update.Table {
	var t update.Table
	for n, r := range rows() {
		s := update.Step{N: n, Name: r.name}
		for _, a := range r.acts {
			// The conditions of an action that starts a group are evaluated under its
			// lock.
			a.Conditional = a.Kind == update.Rolling && len(a.when) > 0 && a.Starts == ""
			s.Actions = append(s.Actions, a.Action)
		}
		t = append(t, s)
	}
	return t
}

package steps

import (
	"time"

	"github.com/cybozu-go/neco/pkg/component/promtail"
	"github.com/cybozu-go/neco/pkg/component/serf"
	"github.com/cybozu-go/neco/pkg/component/serftags"
	"github.com/cybozu-go/neco/pkg/component/setuphw"
	"github.com/cybozu-go/neco/pkg/update"
)

// Deadlines of actions.  They bound an action with all its retries; the whole
// run is bounded by the configuration key worker-timeout.
const (
	downloadDeadline = 20 * time.Minute
	installDeadline  = 15 * time.Minute
	pullDeadline     = 20 * time.Minute
	convergeDeadline = 5 * time.Minute
	joinDeadline     = 15 * time.Minute
)

// row is a step with what its actions do.
type row struct {
	name string
	acts []act
	// needsEtcd: the once-actions are of the etcd that Neco has set up.
	needsEtcd bool
}

// act is an action with what it does.
type act struct {
	update.Action
	do do
}

// rows is the table.  Its order is that of the steps.
func rows() []row {
	return []row{
		{name: "package", acts: []act{
			{update.Action{Name: "download", Deadline: downloadDeadline}, download},
			{update.Action{Name: "install", Phase: 1, Deadline: installDeadline}, install},
		}},
		{name: "fetch-images", acts: []act{{update.Action{Name: "pull", Deadline: pullDeadline}, pullImages}}},
		{name: "etcd", acts: []act{
			{every("write"), writeEtcd},
			{rolling("join", joinDeadline), joinEtcd},
		}},
		{name: "vault-stop", acts: []act{{stops(every("stop"), vaultGroup), stopVault}}},
		{name: "vault", acts: []act{
			{every("seal"), sealVault},
			{starts(rolling("standby", convergeDeadline), vaultGroup), applyStandbyVault},
			{starts(update.Action{Name: "active", Kind: update.Rolling, Phase: 1, Deadline: convergeDeadline}, vaultGroup), applyVault},
		}},
		{name: "setup-hw", acts: []act{{every("converge"), converge(setuphw.Component{})}}},
		{name: "serf", acts: []act{
			{every("write"), write(serf.Component{})},
			{rolling("restart", convergeDeadline), apply(serf.Component{})},
		}},
		{name: "setup-serf-tags", acts: []act{{every("converge"), converge(serftags.Component{})}}},
		unmanaged("etcdpasswd"),
		unmanaged("sabakan"),
		unmanaged("sabakan-state-setter"),
		unmanaged("cke-stop"),
		unmanaged("cke"),
		unmanaged("cke-contents"),
		unmanaged("sabakan-contents"),
		unmanaged("dhcp-json"),
		{name: "promtail", acts: []act{{every("converge"), converge(promtail.Component{})}}},
		unmanaged("user-resources"),
		{name: "finish", needsEtcd: true, acts: []act{
			{update.Action{Name: "members", Kind: update.Once, Record: "etcd-members", Deadline: convergeDeadline}, removeMembers},
			{update.Action{Name: "restart-etcd", Kind: update.Rolling, Phase: 1, Deadline: convergeDeadline}, applyEtcd},
		}},
	}
}

func every(name string) update.Action {
	return update.Action{Name: name, Deadline: convergeDeadline}
}

func rolling(name string, deadline time.Duration) update.Action {
	return update.Action{Name: name, Kind: update.Rolling, Deadline: deadline}
}

// stops and starts are the actions between which no version of a group runs.
func stops(a update.Action, group string) update.Action {
	a.Stops, a.Transient = group, true
	return a
}

func starts(a update.Action, group string) update.Action {
	a.Starts, a.Transient = group, true
	return a
}

// unmanaged is a row that keeps its number for what a later version does there.
func unmanaged(name string) row {
	return row{name: name, acts: []act{{update.Action{Name: name, Unmanaged: true}, nil}}}
}

// Table returns the steps of an update.
func Table() update.Table {
	var t update.Table
	for n, r := range rows() {
		s := update.Step{N: n, Name: r.name}
		for _, a := range r.acts {
			s.Actions = append(s.Actions, a.Action)
		}
		t = append(t, s)
	}
	return t
}

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
)

// row is a step with what its actions do.
type row struct {
	name string
	acts []act
}

// act is an action with what it does.
type act struct {
	update.Action
	do do
}

// rows is the table.  Its order is that of the steps.
func rows() []row {
	return []row{
		{"package", []act{
			{update.Action{Name: "download", Deadline: downloadDeadline}, download},
			{update.Action{Name: "install", Phase: 1, Deadline: installDeadline}, install},
		}},
		{"fetch-images", []act{{update.Action{Name: "pull", Deadline: pullDeadline}, pullImages}}},
		unmanaged("etcd"),
		unmanaged("vault-stop"),
		unmanaged("vault"),
		{"setup-hw", []act{{every("converge"), converge(setuphw.Component{})}}},
		{"serf", []act{
			{every("write"), write(serf.Component{})},
			{update.Action{Name: "restart", Kind: update.Rolling, Deadline: convergeDeadline}, apply(serf.Component{})},
		}},
		{"setup-serf-tags", []act{{every("converge"), converge(serftags.Component{})}}},
		unmanaged("etcdpasswd"),
		unmanaged("sabakan"),
		unmanaged("sabakan-state-setter"),
		unmanaged("cke-stop"),
		unmanaged("cke"),
		unmanaged("cke-contents"),
		unmanaged("sabakan-contents"),
		unmanaged("dhcp-json"),
		{"promtail", []act{{every("converge"), converge(promtail.Component{})}}},
		unmanaged("user-resources"),
		unmanaged("finish"),
	}
}

func every(name string) update.Action {
	return update.Action{Name: name, Deadline: convergeDeadline}
}

// unmanaged is a row that keeps its number for what a later version does there.
func unmanaged(name string) row {
	return row{name, []act{{update.Action{Name: name, Unmanaged: true}, nil}}}
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

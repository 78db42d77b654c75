package simulation

import (
	"time"

	"github.com/cybozu-go/neco/pkg/update"
)

const actionDeadline = time.Minute

func every(name string) update.Action {
	return update.Action{Name: name, Deadline: actionDeadline}
}

func rolling(name string) update.Action {
	return update.Action{Name: name, Kind: update.Rolling, Deadline: actionDeadline}
}

func once(name string) update.Action {
	return update.Action{Name: name, Kind: update.Once, Record: name, Deadline: actionDeadline}
}

func stops(group string) update.Action {
	return update.Action{Name: "stop " + group, Stops: group, Transient: true, Deadline: actionDeadline}
}

func starts(a update.Action, group string) update.Action {
	a.Starts, a.Transient = group, true
	return a
}

// Table has the shape of a whole update: all kinds of action, two groups whose
// versions must not mix, and the numbers of the steps of the product.
func Table() update.Table {
	rows := [][]update.Action{
		{every("download"), {Name: "install", Phase: 1, Deadline: actionDeadline}},
		{every("images")},
		{every("tools"), rolling("etcd")},
		{stops("vault")},
		{starts(rolling("vault"), "vault")},
		{every("setup-hw")},
		{every("write serf"), rolling("serf")},
		{every("tags")},
		{every("etcdpasswd")},
		{every("sabakan")},
		{every("state-setter")},
		{stops("cke")},
		{every("switch cke"), once("cke-template"), starts(every("start cke"), "cke")},
		{once("cke")},
		{once("sabakan")},
		{once("dhcp.json")},
		{every("promtail")},
		{once("user-resources")},
		{once("members"), rolling("etcd restart")},
	}
	var t update.Table
	for n, actions := range rows {
		t = append(t, update.Step{N: n, Name: actions[0].Name, Actions: actions})
	}
	return t
}

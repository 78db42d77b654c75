package status

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/internal/lrn"
	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/update"
)

// problem is a condition that needs an operator. Its text must not contain a duration,
// which would change all the time.
type problem struct {
	text string
	// run is the command that shows details or repairs the problem. on lists the boot
	// servers on which to run it; it is empty if any will do.
	run string
	on  []int
}

// ofServer returns a problem of the boot server n, with its text and the command to
// run.
func ofServer(n int, text, run string) problem {
	return problem{fmt.Sprintf("boot server %d: %s", n, text), run, []int{n}}
}

func texts(all []problem) []string {
	var lines []string
	for _, p := range all {
		lines = append(lines, p.text)
	}
	return lines
}

// problems returns all conditions that make the data centre degraded.
func (v View) problems() []problem {
	return slices.Concat(v.silent(), v.etcdProblems(), v.vaultProblems(), v.certificateProblems(), v.backupProblems(),
		v.updaterProblems(), v.configProblems())
}

// updaterProblems returns a problem if no neco-updater leads, or if its search for
// releases is overdue or failing.
func (v View) updaterProblems() []problem {
	onLeader := problem{run: "journalctl -u neco-updater"}
	if n, ok := bootServer(v.Updater); ok {
		onLeader.on = []int{n}
	}
	switch r := v.Release; {
	case len(v.Registered()) > 0 && v.Updater == "":
		return []problem{{"no neco-updater leads", "systemctl status neco-updater", v.Registered()}}
	case r.Overdue:
		onLeader.text = "no check for releases since " + stamp(r.CheckedAt)
	case r.Failing:
		onLeader.text = r.failure()
	default:
		return nil
	}
	return []problem{onLeader}
}

// configProblems returns a problem for each configuration key whose value is malformed
// and therefore not used.
func (v View) configProblems() []problem {
	var all []problem
	for _, k := range storage.ConfigKeys() {
		bad := func(m Malformed) bool { return m.Key == storage.KeyConfig+k.Key }
		if !slices.ContainsFunc(v.Malformed, bad) {
			continue
		}
		instead := "none"
		if k.Default != "" {
			instead = "its default, " + k.Default
		}
		all = append(all, problem{text: fmt.Sprintf("config %s is malformed; used in its place: %s", k.Name, instead), run: "neco config set " + k.Name + " VALUE"})
	}
	return all
}

// HowToGoOn returns what an operator has to do after the run was stopped, before
// another run can start.
func (v View) HowToGoOn() string {
	bad := slices.ContainsFunc(v.BadReleases, func(b BadRelease) bool { return b.Version == v.Version })
	next := newer(v.Release.Newest, v.Version)
	switch {
	case bad && next:
		return "run: neco recover; the next run is to " + v.Release.Newest
	case bad:
		return "publish a newer release; when the line release shows it, run: neco recover"
	case next:
		return "when the cause is gone, run: neco recover; the next run is to " + v.Release.Newest
	}
	return "when the cause is gone, run: neco recover; it tries " + v.Version + " again, or a newer release"
}

// toDo returns what an operator has to do: the commands for the problems first, because
// problems delay an update, then those for the update.
func (v View) toDo(all []problem) []string {
	if v.Stale != nil {
		return v.Stale.ToDo
	}
	lines := remedies(all)
	switch {
	case v.State == Stopped:
		lines = append(lines, v.HowToGoOn())
	case v.State == Unreadable:
		lines = append(lines, "delete the request with: neco recover --malformed")
	case v.Outcome != "":
		lines = append(lines, "neco-updater ends the run; when the cause is gone, run: neco recover")
	case len(v.retrying()) > 0:
		lines = append(lines, "remove the cause that "+v.reporters()+", or end the update: neco stop")
	case len(v.Registered()) == 0:
		lines = append(lines, "if this data centre has boot servers, etcd has them below another prefix: correct prefix in "+neco.NecoConfFile)
	}
	return lines
}

// remedies returns the commands that the problems name. Commands for several servers
// are merged into one line that lists the servers.
func remedies(all []problem) []string {
	var lines []string
	var merged []problem
	for _, p := range all {
		i := slices.IndexFunc(merged, func(m problem) bool { return m.run == p.run && len(m.on) > 0 })
		switch {
		case p.run == "":
		case i < 0 || len(p.on) == 0:
			merged = append(merged, p)
		default:
			merged[i].on = slices.Concat(merged[i].on, p.on)
		}
	}
	for _, p := range merged {
		if len(p.on) > 0 {
			p.run = fmt.Sprintf("on %s: %s", serverList(p.on), p.run)
		}
		lines = append(lines, p.run)
	}
	return lines
}

// retrying returns the LRNs of the boot servers that are retrying a failed action.
func (v View) retrying() []int {
	var lrns []int
	for _, s := range v.Servers {
		if s.State == ServerRunning && strings.HasPrefix(s.Message, update.TriesAgain) {
			lrns = append(lrns, s.LRN)
		}
	}
	return lrns
}

func (v View) reporters() string {
	lrns := v.retrying()
	verb := " report"
	if len(lrns) == 1 {
		verb = " reports"
	}
	return serverList(lrns) + verb
}

// bootServer returns N for the host name boot-N, which is also the name of the server's
// etcd member. The second result is false for other names.
func bootServer(host string) (int, bool) {
	number, ok := strings.CutPrefix(host, "boot-")
	n, err := lrn.Parse(number)
	return n, ok && err == nil
}

// hostName returns "boot server N" for the host name boot-N, and other host names
// unchanged.
func hostName(host string) string {
	if n, ok := bootServer(host); ok {
		return fmt.Sprintf("boot server %d", n)
	}
	return host
}

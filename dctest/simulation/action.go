package simulation

import (
	"errors"
	"fmt"
	"time"

	"github.com/cybozu-go/neco/pkg/update"
)

// start starts the action that the decision d selects by d.At, its place in the table
// of steps. It does nothing before s.retryAt, the time of the next attempt.
func (s *server) start(d update.Decision) {
	if s.now() < s.retryAt {
		return
	}
	a := s.w.table.Action(d.At)
	s.w.log("worker %d starts %d/%s", s.lrn, d.At.Step, a.Name)
	s.w.checkBegin(s, d.At, a)
	if s.maybeKill(d.At, a, KillBefore) {
		return
	}
	s.m, s.journal = d.Member, d.Member.Stopped
	if s.firstTry < 0 {
		s.firstTry = s.now()
	}
	t := &task{at: d.At, action: a, gen: s.gen}
	s.task = t
	took := s.w.between(5*time.Millisecond, 2*time.Second)
	if s.w.Kill != nil {
		took = s.w.between(5*time.Millisecond, 50*time.Millisecond)
	}
	if s.w.happens(FaultSlow) {
		took = 2 * actionDeadline
	}
	// The action has its effect on the host after half of its duration.
	s.w.after(took/2, func() { s.onHost(t, s.touch) })
	s.w.after(took, func() {
		s.onHost(t, func(*task) {})
		s.w.resume(&s.process, t.gen, func() {
			if s.task == t {
				s.finishTask(t)
			}
		})
	})
}

// onHost calls f if the action t is still running on the host. A paused worker does not
// stop its action, but a killed one does.
func (s *server) onHost(t *task, f func(*task)) {
	if s.alive && s.gen == t.gen && s.task == t {
		f(t)
	}
}

// touch makes the change of the action t on the host: it stops or starts a group of
// services whose versions must not mix.
func (s *server) touch(t *task) {
	if s.maybeKill(t.at, t.action, KillDuring) {
		return
	}
	switch g := t.action.Stops; {
	case g != "" && s.group[g] != s.version:
		s.stopGroup(g)
	}
	if g := t.action.Starts; g != "" {
		s.startGroup(g, s.version)
	}
}

func (s *server) stopGroup(g string) {
	if s.group[g] == "" {
		return
	}
	if s.old == nil {
		s.old = map[string]string{}
	}
	s.old[g], s.group[g] = s.group[g], ""
	s.w.log("host %d stops %s %s", s.lrn, g, s.old[g])
}

func (s *server) startGroup(g, version string) {
	if s.group[g] != version {
		s.w.log("host %d starts %s %s", s.lrn, g, version)
	}
	s.group[g] = version
	s.w.checkGroup(g)
}

// finishTask completes an action that was not cancelled. The random faults decide whether
// the worker is killed, the action fails, or it succeeds.
func (s *server) finishTask(t *task) {
	if s.maybeKill(t.at, t.action, KillAfter) {
		return
	}
	switch {
	case s.w.happens(FaultRelease):
		s.endTask(update.Result{Err: errors.New("the release is at fault"), Permanent: true, Fault: true})
	case s.w.happens(FaultFail):
		s.endTask(update.Result{Err: errors.New("the action failed"), Permanent: s.w.chance(80)})
	case t.at.Step == 0 && t.action.Phase > 0:
		s.install()
		return
	default:
		s.endTask(update.Result{})
		s.effects[s.effect(t.at)] = true
	}
	s.step()
}

func (s *server) effect(p update.Place) string { return fmt.Sprint(s.m.Run, p) }

// endTask stores the result of an action in the worker's memory and journal.
func (s *server) endTask(r update.Result) {
	t := s.task
	s.task = nil
	s.m = s.m.Ended(s.w.table, r)
	s.journal = s.m.Stopped
	if r.Err != nil {
		s.w.log("worker %d %d/%s: %v", s.lrn, t.at.Step, t.action.Name, r.Err)
		s.retryAt = s.now() + s.w.between(100*time.Millisecond, 3*time.Second)
	}
}

// install installs the package of the run on the host, which restarts the worker.
func (s *server) install() {
	s.version = s.m.Run.Version
	s.w.log("host %d has installed %s", s.lrn, s.version)
	s.restart(s.w.between(100*time.Millisecond, time.Second))
}

// restart kills the worker. After the given time, it is started again as systemd would do
// it.
func (s *server) restart(after time.Duration) {
	s.alive, s.task = false, nil
	s.gen++
	gen := s.gen
	s.w.after(after, func() {
		if s.gen == gen {
			s.boot()
		}
	})
}

// restore starts the services of the group d.Group, which were stopped during the run.
// It starts their old version if d.Side is SideOld, and the installed version
// otherwise.
func (s *server) restore(d update.Decision) {
	version := s.version
	if d.Side == update.SideOld {
		version = s.old[d.Group]
		if s.group[d.Group] != "" {
			version = s.group[d.Group]
		}
	}
	if version != "" {
		s.startGroup(d.Group, version)
	}
	s.m, s.journal = d.Member, d.Member.Stopped
	s.stepSoon()
}
